"""`_tracemalloc` without tracing: traces belong to the process, and hold objects of the interpreter that has started it."""

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
    """Return False: this interpreter's memory is not traced for it."""
    return False


def stop() -> None:
    """Do nothing: tracing has not been started."""


def clear_traces() -> None:
    """Do nothing: there are no traces."""


def reset_peak() -> None:
    """Do nothing: there is no peak."""


def get_traceback_limit() -> int:
    """Return the default limit."""
    return 1


def get_traced_memory() -> tuple[int, int]:
    """Return the traced memory and its peak, in bytes."""
    return 0, 0


def get_tracemalloc_memory() -> int:
    """Return the size of the traces, in bytes."""
    return 0


def _get_traces() -> list[object]:
    return []


def _get_object_traceback(obj: object) -> None:
    return None
