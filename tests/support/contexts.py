"""What is decoded at home, in which context."""

import contextvars
from typing import Any

variable: contextvars.ContextVar[Any] = contextvars.ContextVar("variable", default="nothing")


class Decoded:
    """Knows what the variable was where it was decoded, and whether that was in a task; leaves the variable changed."""

    def __init__(self) -> None:
        self.seen: Any = None
        self.by_reduce: Any = None

    def __reduce__(self) -> Any:
        return rebuild, (), {}

    def __setstate__(self, _: dict[str, Any]) -> None:
        self.seen = variable.get()
        variable.set("changed by decoding")


def rebuild() -> Decoded:
    """Make one."""
    made = Decoded()
    made.by_reduce = variable.get()
    return made


class DecodedError(Exception):
    """The same as an exception."""

    seen: Any = None

    def __reduce__(self) -> Any:
        return rebuild_error, ()


def rebuild_error() -> DecodedError:
    """Make one."""
    made = DecodedError()
    made.seen = variable.get()
    return made


def make(_: object = None) -> Decoded:
    """For workers."""
    return Decoded()


def fail() -> None:
    """For workers."""
    raise DecodedError
