"""What this package raises itself. A function's own exceptions arrive as themselves."""

from ._core import InterpreterError, NotTransferableError, RemoteTraceback, TaskInterrupted

__all__ = ["InterpreterError", "NotTransferableError", "RemoteTraceback", "TaskInterrupted"]
