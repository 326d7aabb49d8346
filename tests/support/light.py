"""Functions for workers that must import no further modules."""

import sys


def has_imported(name: str) -> bool:
    """Return whether this interpreter has imported a module."""
    return name in sys.modules


def thread_name() -> tuple[str, bool]:
    """The name of this thread after a first import of `threading`, and whether the import hook for that name is gone."""
    import threading

    spec = threading.__spec__
    clean = all("aiointerpreters.thread_name" not in repr(each) for each in (spec.loader, *sys.meta_path))
    return threading.current_thread().name, clean and threading.__loader__ is spec.loader


def thread_name_after_failed_import() -> tuple[str, bool]:
    """The same after the first import has failed."""
    import functools

    sys.modules["functools"] = None  # type: ignore[assignment]
    try:
        import threading  # noqa: F401
    except ImportError:
        sys.modules["functools"] = functools
    return thread_name()


def thread_name_without_finders() -> str:
    """The name of this thread after other code has removed the finders."""
    kept = [finder for finder in sys.meta_path if "aiointerpreters.thread_name" not in repr(finder)]
    sys.meta_path[:] = kept
    import threading

    return threading.current_thread().name
