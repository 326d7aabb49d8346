"""What this package raises itself. A function's own exceptions arrive as themselves."""

from ._core import InterpreterError, NotTransferableError, RemoteTraceback, TaskInterrupted

__all__ = ["InterpreterError", "NotTransferableError", "RemoteTraceback", "RunnerError", "TaskInterrupted"]


class RunnerError(InterpreterError):
    """A `Runner` is used in a way that it is not made for."""
