"""Functions that fail, and the exceptions they raise."""

import sys
import types
from typing import Any, Never


class Custom(Exception):
    """Arguments and attributes."""

    def __init__(self, code: int, detail: str) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail


class KeywordOnly(Exception):
    """An __init__ that pickle cannot call again."""

    def __init__(self, *, code: int) -> None:
        super().__init__(f"failed with code {code}")
        self.code = code


class TwoArguments(Exception):
    """An __init__ that wants other arguments than it keeps."""

    def __init__(self, first: int, second: int) -> None:
        super().__init__(f"{first} and {second}")
        self.first = first
        self.second = second


class StrictNew(Exception):
    """A __new__ that wants other arguments than it keeps."""

    def __new__(cls, first: int, second: int) -> "StrictNew":
        self = super().__new__(cls, f"{first}-{second}")
        self.args = (f"{first}-{second}",)
        return self

    def __init__(self, *_: Any) -> None:
        pass


class RefusesPickle(Exception):
    """Raises when it is pickled."""

    def __reduce__(self) -> Any:
        raise TypeError("not me")


class BadStr(Exception):
    """Raises when it is printed."""

    def __str__(self) -> str:
        raise RuntimeError("no words")

    __repr__ = __str__


class OwnBase(BaseException):
    """Not an Exception."""


class Slotted(Exception):
    """Keeps its state in slots."""

    __slots__ = ("code",)

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def fail(exception: BaseException) -> Never:
    """Raise what was passed in."""
    raise exception


def fail_in_the_third_line() -> Never:
    """Leave a line that the remote traceback must show."""
    row = 3
    raise ValueError(f"no such row: {row}")


def fail_below() -> None:
    """Fail one call further down."""
    fail_in_the_third_line()


def fail_with_cause() -> None:
    """Raise from another exception."""
    try:
        fail_in_the_third_line()
    except ValueError as error:
        raise LookupError("table") from error


def fail_while_handling() -> None:
    """Raise while another exception is handled."""
    try:
        fail_in_the_third_line()
    except ValueError:
        raise LookupError("table")  # noqa: B904


def fail_with_notes() -> None:
    """Raise with notes and an attribute."""
    error = Custom(7, "seven")
    error.extra = ["more"]  # type: ignore[attr-defined]
    error.add_note("first note")
    error.add_note("second note")
    raise error


def fail_with_keyword_only(code: int) -> Never:
    """Raise what pickle cannot make again."""
    raise KeywordOnly(code=code)


def fail_with_two_arguments() -> Never:
    """Raise what pickle cannot make again."""
    raise TwoArguments(1, 2)


def fail_with_strict_new() -> Never:
    """Raise what pickle cannot make again."""
    raise StrictNew(1, 2)


def fail_with_unpicklable_attribute() -> Never:
    """Raise with an attribute that cannot cross, beside one that can."""
    error = Custom(8, "eight")
    error.handle = (i for i in range(3))  # type: ignore[attr-defined]
    error.kept = "kept"  # type: ignore[attr-defined]
    raise error


def fail_with_unpicklable_argument() -> Never:
    """Raise with an argument that cannot cross."""
    raise ValueError("text", (i for i in range(3)))


def fail_with_refusal() -> Never:
    """Raise what refuses to be pickled."""
    raise RefusesPickle("still here")


def fail_with_bad_str() -> Never:
    """Raise what cannot be printed."""
    raise BadStr("never seen")


def fail_with_group() -> Never:
    """Raise a group."""
    raise ExceptionGroup("several", [ValueError(1), ExceptionGroup("inner", [KeyError("k"), Custom(2, "two")])])


def fail_with_local_class() -> Never:
    """Raise an exception whose class nobody else can find."""

    class OnlyHere(Exception):
        pass

    raise OnlyHere("a local complaint")


def fail_with_class_of_worker_module() -> Never:
    """Raise an exception whose module exists in this interpreter only."""
    module = types.ModuleType("made_in_worker")
    exec("class MadeInWorker(Exception): pass", module.__dict__)
    sys.modules["made_in_worker"] = module
    raise module.MadeInWorker("a foreign complaint", 3)


def recurse(n: int = 0) -> int:
    """Never end."""
    return recurse(n + 1) + 1


def exhaust_memory() -> int:
    """Ask for more than there is."""
    return len(b"x" * (1 << 60))


def stop(value: Any) -> Never:
    """Raise StopIteration."""
    raise StopIteration(value)


def leave(code: Any) -> Never:
    """Call sys.exit."""
    sys.exit(code)


def open_missing_file() -> None:
    """Raise an error with errno and file name."""
    open("/nonexistent/file", encoding="utf-8").close()


def missing_attribute() -> Any:
    """Raise an error that knows a name."""
    return (3).no_such_attribute  # type: ignore[attr-defined]


def swallow_and_return() -> str:
    """Handle an own error; nothing of it may be left."""
    try:
        fail_in_the_third_line()
    except ValueError:
        return "handled"


def fail_with_keyword_only_code() -> Never:
    """Raise what pickle cannot make again, code 5."""
    fail_with_keyword_only(5)


def fail_with_custom() -> Never:
    """Raise an exception that can be weakly referenced, from a frame that does not refer to it."""
    raise Custom(7, "seven")
