"""Objects and exceptions that cause as much trouble as possible while they cross."""

import sys
from typing import Any, Never

from support import work


class EqualRaises:
    """Cannot be compared."""

    def __eq__(self, other: object) -> bool:
        raise ValueError("incomparable")

    def __hash__(self) -> int:
        return 1


class EndlessReduce:
    """Each one that is pickled creates another one to be pickled, without end."""

    def __reduce__(self) -> Any:
        return EndlessReduce, (EndlessReduce(),)


class ReduceToNumber:
    """Its __reduce__ returns something useless."""

    def __reduce__(self) -> Any:
        return 5


class ReduceToExit:
    """Ends the program when it is unpickled."""

    def __reduce__(self) -> Any:
        return sys.exit, (4,)


class ReprRaises:
    """Cannot be printed, cannot be pickled."""

    def __repr__(self) -> str:
        raise RuntimeError("no words")

    def __reduce__(self) -> Any:
        raise LookupError("no recipe")


class Nameless(type):
    """A class that hides its name."""

    def __getattribute__(cls, name: str) -> Any:
        if name in ("__module__", "__qualname__", "__name__"):
            raise RuntimeError("no name")
        return super().__getattribute__(name)


class OfNameless(metaclass=Nameless):
    """An instance has a class without a name."""


class ItemsRaise(dict[Any, Any]):
    """A dict that hides its items."""

    def items(self) -> Never:
        raise RuntimeError("no items")


class GetattrRaises:
    """Raises for every name that it does not have."""

    def __getattr__(self, name: str) -> Never:
        raise RuntimeError(name)


def make_reduce_to_exit() -> ReduceToExit:
    """A result that ends the program when it is unpickled."""
    return ReduceToExit()


def fail_with_cause_cycle() -> Never:
    """Two exceptions that caused each other."""
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    raise first


def fail_with_itself_as_cause() -> Never:
    """An exception that caused itself."""
    error = ValueError("itself")
    error.__cause__ = error
    raise error


def fail_with_itself_as_argument() -> Never:
    """An exception among its own arguments."""
    error = ValueError()
    error.args = (error, [error])
    raise error


def fail_with_long_chain() -> Never:
    """Twenty thousand causes."""
    error: ValueError | None = None
    for n in range(20_000):
        error, cause = ValueError(n), error
        error.__cause__ = cause
    assert error is not None
    raise error


def fail_with_deep_group() -> Never:
    """Groups in groups."""
    error: Exception = ValueError(1)
    for _ in range(3000):
        error = ExceptionGroup("group", [error])
    raise error


def fail_with_odd_notes() -> Never:
    """Notes that are no list."""
    error = ValueError("notes")
    error.__notes__ = 5  # type: ignore[assignment]
    raise error


def fail_with_unpicklable_notes() -> Never:
    """Notes that are not strings."""
    error = ValueError("notes")
    error.__notes__ = ["good", object(), iter(())]  # type: ignore[list-item]
    raise error


def fail_with_surrogate() -> Never:
    """A message that cannot be printed in UTF-8."""
    raise ValueError("\ud800")


def fail_with_huge_message() -> Never:
    """A message of ten megabytes."""
    raise ValueError("x" * 10_000_000)


def fail_deep_down(depth: int = 500) -> None:
    """A long traceback."""
    if depth == 0:
        raise ValueError("deep down")
    fail_deep_down(depth - 1)


def own_future_result(number: int) -> Any:
    """Called when a result is unpickled: it asks for this very result."""
    return work.recall(f"future {number}").result(timeout=0.01)


class AsksForItself:
    """When it is unpickled, it asks its own future."""

    def __reduce__(self) -> Any:
        return own_future_result, (1,)
