"""Values that record the context in which they are decoded at home."""

import contextvars
from typing import Any

variable: contextvars.ContextVar[Any] = contextvars.ContextVar("variable", default="nothing")


class Decoded:
    """Records the value of the variable and whether it was decoded in a task. Leaves the variable changed."""

    def __init__(self) -> None:
        self.seen: Any = None
        self.by_reduce: Any = None

    def __reduce__(self) -> Any:
        return rebuild, (), {}

    def __setstate__(self, _: dict[str, Any]) -> None:
        self.seen = variable.get()
        variable.set("changed by decoding")


def rebuild() -> Decoded:
    """Create the object at home."""
    made = Decoded()
    made.by_reduce = variable.get()
    return made


class DecodedError(Exception):
    """The same as an exception."""

    seen: Any = None

    def __reduce__(self) -> Any:
        return rebuild_error, ()


def rebuild_error() -> DecodedError:
    """Create the exception at home."""
    made = DecodedError()
    made.seen = variable.get()
    return made


def make(_: object = None) -> Decoded:
    """For workers."""
    return Decoded()


def fail() -> None:
    """For workers."""
    raise DecodedError
