"""`_tracemalloc` where nothing is traced: traces are the process's, and hold objects of who started them."""

from . import refused

__all__ = [
    "_get_object_traceback",
    "_get_traces",
    "clear_traces",
    "get_traceback_limit",
    "get_traced_memory",
    "get_tracemalloc_memory",
    "is_tracing",
    "reset_peak",
    "start",
    "stop",
]

start = refused("tracemalloc.start")


def is_tracing() -> bool:
    """Tell that no memory of this interpreter's is traced for it."""
    return False


def stop() -> None:
    """Do nothing: nothing has been started."""


def clear_traces() -> None:
    """Do nothing: there are none."""


def reset_peak() -> None:
    """Do nothing: there is none."""


def get_traceback_limit() -> int:
    """Return what it is unless somebody sets it."""
    return 1


def get_traced_memory() -> tuple[int, int]:
    """Return the traced memory and its peak, in bytes."""
    return 0, 0


def get_tracemalloc_memory() -> int:
    """Return what the traces take, in bytes."""
    return 0


def _get_traces() -> list[object]:
    return []


def _get_object_traceback(obj: object) -> None:
    return None
