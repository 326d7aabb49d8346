"""Handles threads that tasks have started in a worker's interpreter and left behind."""

import sys
import threading
import time

from ._core import TaskInterrupted


def join(timeout: float) -> str:
    """Wait until all other threads except daemon threads have ended, for `timeout` seconds at most (negative: no limit).

    Returns the names of those that still run, separated by commas.
    """
    own = (threading.main_thread(), threading.current_thread())
    others = [thread for thread in threading.enumerate() if thread not in own]
    if others:
        _call_exit_functions()
    threads = [thread for thread in others if not thread.daemon]
    end_time = time.monotonic() + timeout
    for thread in threads:
        thread.join(None if timeout < 0 else max(0.0, end_time - time.monotonic()))
    return ", ".join(thread.name for thread in threads if thread.is_alive())


def come_out() -> None:
    """Do nothing. An event loop in C calls this, and the exception that is set for its thread is raised here."""


def _call_exit_functions() -> None:
    """Call the functions that end threads which wait for work, such as those of the standard library's executors."""
    functions = threading._threading_atexits  # type: ignore[attr-defined]
    while functions:
        try:
            functions.pop()()
        except TaskInterrupted:
            raise
        except BaseException:
            sys.excepthook(*sys.exc_info())
