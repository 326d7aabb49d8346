"""Exceptions that this package raises. Exceptions of your functions are raised with their own types."""

from ._core import InterpreterError, NotTransferableError, RemoteTraceback, TaskInterrupted

__all__ = ["InterpreterError", "NotTransferableError", "RemoteTraceback", "RunnerError", "TaskInterrupted"]


class RunnerError(InterpreterError):
    """A `Runner` is not used correctly: it is not started, it is started twice, or a function cannot be found by name."""
