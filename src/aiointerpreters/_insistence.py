"""Completes work that must be done before an interpreter ends, even if exceptions interrupt it."""

import contextlib
import os
import sys
from collections.abc import Callable

from ._core import TaskInterrupted


def insist(finish: Callable[[bool], None], stopping: bool) -> None:
    """Call `finish(stopping)` until it is done. Raise nothing, because then finalization would continue while workers run.

    A first Ctrl-C cancels queued calls and stops calls that run in interpreters. A second one, for code that cannot be
    stopped, ends the process with the exit code that a shell expects.
    """
    while True:
        try:
            finish(stopping)
            return
        except TaskInterrupted:  # in a worker's interpreter
            stopping = True
        except BaseException as error:  # Ctrl-C, or an exception from another signal's handler
            if not isinstance(error, (KeyboardInterrupt, SystemExit)):
                sys.excepthook(type(error), error, error.__traceback__)
            if stopping:
                _leave_at_once(error.code if isinstance(error, SystemExit) and isinstance(error.code, int) else 130)
            stopping = True


def was_ended_by_ctrl_c() -> bool:
    """Whether an unhandled KeyboardInterrupt has ended the program. At a prompt, the program would continue after it."""
    return isinstance(getattr(sys, "last_exc", None), KeyboardInterrupt) and not (
        hasattr(sys, "ps1") or sys.flags.interactive
    )


def _leave_at_once(code: int) -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(code)
