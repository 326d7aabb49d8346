"""Exceptions that this package raises. Exceptions of your functions are raised with their own types."""

from ._core import InterpreterError, NotTransferableError, RemoteTraceback, TaskInterrupted

__all__ = [
    "FallbackWarning",
    "InterpreterError",
    "LostTagWarning",
    "NotTransferableError",
    "ProcessEndedError",
    "RemoteTraceback",
    "RunnerError",
    "TaskInterrupted",
]


class RunnerError(InterpreterError):
    """A `Runner` is not used correctly: it is not started, it is started twice, or a function cannot be found by name."""


class ProcessEndedError(InterpreterError, RuntimeError):
    """The process that ran a call ended before the call did. Other calls are not affected.

    Attributes:
        exitcode: The exit code of the process. `-N`: it was ended by the signal N. None: unknown.
    """

    exitcode: int | None = None


class FallbackWarning(RuntimeWarning):
    """No interpreter can run a function that has a fallback. From now on it runs elsewhere. Shown once a function."""


class LostTagWarning(RuntimeWarning):
    """A tagged function was called directly in a thread of a pool, so it ran there and not in an interpreter.

    It is shown once for each function, and only in Python's development mode (`-X dev`), or if the environment variable
    AIOINTERPRETERS_WARN_LOST_TAGS is 1.
    """
