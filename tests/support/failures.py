"""Functions that fail, and the exceptions they raise."""

import dataclasses
import sys
import types
from typing import Any, Never

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import work


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
    """The arguments of its __init__ differ from its args."""

    def __init__(self, first: int, second: int) -> None:
        super().__init__(f"{first} and {second}")
        self.first = first
        self.second = second


class StrictNew(Exception):
    """The arguments of its __new__ differ from its args."""

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


class OwnOSError(OSError):
    """An __init__ that pickle cannot call again, derived from an error that keeps its fields outside of its __dict__."""

    def __init__(self, *, path: str) -> None:
        super().__init__(5, "no good", path)


class OwnUnicodeError(UnicodeDecodeError):
    """The same."""

    def __init__(self) -> None:
        super().__init__("utf-8", b"ab\xff", 2, 3, "bad")


class OwnSyntaxError(SyntaxError):
    """The same."""

    def __init__(self, line: int) -> None:
        super().__init__("odd", ("file.py", line, 2, "text"))


class OwnImportError(ImportError):
    """A second call of its __init__ would repeat the text."""

    def __init__(self, module: str) -> None:
        super().__init__(f"no {module}", name=module, path="/there")


class OwnStopIteration(StopIteration):
    """An __init__ that pickle cannot call again."""

    def __init__(self, *, value: int) -> None:
        super().__init__(value)


class PrivateSlots(Exception):
    """State in slots, one of them private and one never set."""

    __slots__ = ("__hidden", "code", "unset")

    def __init__(self, *, code: int) -> None:
        super().__init__("slots")
        self.code = code
        self.__hidden = code * 2

    @property
    def hidden(self) -> int:
        """The content of the private slot."""
        return self.__hidden


@dataclasses.dataclass(frozen=True)
class Frozen(Exception):
    """A dataclass that cannot be changed."""

    code: int
    rows: list[int] = dataclasses.field(default_factory=list, kw_only=True)


@dataclasses.dataclass(frozen=True, slots=True)
class FrozenSlots(Exception):
    """A dataclass that cannot be changed and has no __dict__ of its own."""

    code: int
    word: str = "default"


class Counting(Exception):
    """An __init__ with effects: it changes its argument and counts its calls."""

    calls = 0

    def __init__(self, rows: list[int]) -> None:
        super().__init__(rows)
        rows.append(len(rows))
        Counting.calls += 1


class Reduces(Exception):
    """A __reduce__ of its own that omits some attributes."""

    def __init__(self, code: int, *, detail: Any) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail

    def __reduce__(self) -> Any:
        return make_reduces, (self.code, self.detail)


class ReducesToCall(Exception):
    """A __reduce__ of its own that names the class."""

    def __init__(self, code: int, detail: Any) -> None:
        super().__init__(f"code {code}")
        self.code = code
        self.detail = detail

    def __reduce__(self) -> Any:
        return ReducesToCall, (self.code, self.detail)


class OwnGroup(ExceptionGroup[Exception]):
    """A group that needs one more argument."""

    def __new__(cls, message: str, members: list[Exception], code: int) -> "OwnGroup":
        self = super().__new__(cls, message, members)
        self.code = code
        return self

    def derive(self, excs: Any, /) -> Any:
        """Part of it is such a group too."""
        return OwnGroup(self.message, excs, self.code)

    code: int


class LooksAway(Exception):
    """Refuses to be inspected."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(name)


class OnlyInWorker:
    """Refuses to be created at home."""

    def __init__(self) -> None:
        self.maker = work.here()

    def __setstate__(self, state: dict[str, Any]) -> None:
        if work.here() != state["maker"]:
            raise LookupError("not here")
        self.__dict__.update(state)


def make_reduces(code: int, detail: Any) -> Reduces:
    """Recreates Reduces."""
    return Reduces(code, detail=detail)


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
    """Raise an exception that pickle cannot recreate."""
    raise KeywordOnly(code=code)


def fail_with_two_arguments() -> Never:
    """Raise an exception that pickle cannot recreate."""
    raise TwoArguments(1, 2)


def fail_with_strict_new() -> Never:
    """Raise an exception that pickle cannot recreate."""
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
    """Raise an exception that refuses to be pickled."""
    raise RefusesPickle("still here")


def fail_with_bad_str() -> Never:
    """Raise an exception that cannot be printed."""
    raise BadStr("never seen")


def fail_with_group() -> Never:
    """Raise a group."""
    raise ExceptionGroup("several", [ValueError(1), ExceptionGroup("inner", [KeyError("k"), Custom(2, "two")])])


class ShadowGroup(ExceptionGroup[Exception]):
    """Has other objects than its members under their name."""

    exceptions = (1, "x")  # type: ignore[assignment]


def fail_with_shadowed_members() -> Never:
    """Raise a group that does not show its members."""
    raise ShadowGroup("several", [ValueError(1)])


def fail_with_local_class() -> Never:
    """Raise an exception whose class no other interpreter can find."""

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
    """Request too much memory."""
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
    """Raise an error that has a name."""
    return (3).no_such_attribute  # type: ignore[attr-defined]


def swallow_and_return() -> str:
    """Handle an error inside. No part of it may remain."""
    try:
        fail_in_the_third_line()
    except ValueError:
        return "handled"


def fail_with_keyword_only_code() -> Never:
    """Raise an exception that pickle cannot recreate, with code 5."""
    fail_with_keyword_only(5)


def fail_with_custom() -> Never:
    """Raise an exception that can be weakly referenced, from a frame that does not refer to it."""
    raise Custom(7, "seven")


def fail_with_own(name: str, *args: Any, **kwargs: Any) -> Never:
    """Make an exception of a class of this module here, and raise it."""
    raise globals()[name](*args, **kwargs)


def fail_with_undefined_name() -> None:
    """Raise an error that has a name."""
    exec("no_such_name")


def fail_with_extra_attribute(name: str, *args: Any, **kwargs: Any) -> Never:
    """The same, with an attribute that its class does not know."""
    error = globals()[name](*args, **kwargs)
    error.extra = ["more"]
    raise error


def fail_with_reduction_that_cannot_cross() -> Never:
    """Raise an exception that reduces itself to an object that cannot cross."""
    raise ReducesToCall(4, (i for i in range(3)))


def fail_with_handle_in_init() -> Never:
    """Raise with an attribute that cannot cross. __init__ creates it from an argument that is not in args."""

    raise Holding(i for i in range(3))


class Holding(Exception):
    """Keeps its argument, but not in args."""

    def __init__(self, handle: Any) -> None:
        super().__init__("holding")
        self.handle = handle


def fail_with_shared_list() -> Never:
    """Raise with the same list as argument, attribute and slot."""
    rows = [1]
    error = Custom(rows, "shared")  # type: ignore[arg-type]
    error.rows = error.again = rows  # type: ignore[attr-defined]
    raise error


def fail_with_itself_as_attribute() -> Never:
    """Raise an exception that refers to itself."""
    error = KeywordOnly(code=3)
    error.me = error  # type: ignore[attr-defined]
    error.all = [error]  # type: ignore[attr-defined]
    error.by_name = {"me": error}  # type: ignore[attr-defined]
    raise error


def fail_with_cause_in_attributes() -> Never:
    """Raise an exception that also has its cause in args and attributes."""
    try:
        fail_with_keyword_only(4)
    except KeywordOnly as original:
        error = ValueError("wrapped", original)
        error.original = original  # type: ignore[attr-defined]
        raise error from original


def fail_with_what_home_cannot_make(where: str) -> Never:
    """Raise with an object that can be created here but not at home, beside an ordinary one."""
    error = ValueError("kept", OnlyInWorker()) if where == "args" else ValueError("kept")
    error.kept = {"rows": [1, 2]}  # type: ignore[attr-defined]
    if where == "attributes":
        error.foreign = OnlyInWorker()  # type: ignore[attr-defined]
    raise error


def fail_with_attributes_of_local_class() -> Never:
    """Raise an exception with state, whose class no other interpreter can find."""

    class OnlyHere(OSError):
        def __init__(self, code: int) -> None:
            super().__init__(code, "gone", "file")
            self.code = code

    error = OnlyHere(7)
    error.add_note("a note")
    raise error


def fail_with_local_group() -> Never:
    """Raise a group whose class no other interpreter can find."""

    class OnlyHere(ExceptionGroup[Exception]):
        pass

    raise OnlyHere("local", [ValueError(1), Custom(2, "two")])


def fail_from_none() -> Never:
    """Hide the context."""
    try:
        fail_in_the_third_line()
    except ValueError:
        raise LookupError("hidden context") from None


def fail_with_noted_groups() -> Never:
    """Notes and attributes on groups and members, a member that is in both groups, members with the same cause."""
    cause = OSError(2, "missing", "file")
    first, second = ValueError(1), KeyError("k")
    first.__cause__ = second.__cause__ = cause
    first.add_note("of first")
    inner = OwnGroup("inner", [first], 5)
    inner.add_note("of inner")
    outer = ExceptionGroup("outer", [inner, first, second])
    outer.add_note("of outer")
    raise outer


def fail_in_inner_pool() -> Never:
    """Fail in a pool of this interpreter."""
    with InterpreterThreadPoolExecutor(1) as pool:
        pool.submit(interpreter(fail_with_cause)).result()
    raise AssertionError


def fail_in_group_of_inner_pool() -> Never:
    """Put a failure of a pool of this interpreter into a group."""
    with InterpreterThreadPoolExecutor(1) as pool:
        error = pool.submit(interpreter(fail_below)).exception()
    assert isinstance(error, ValueError)
    raise ExceptionGroup("from inside", [error])


def fail_with_rows_that_cannot_cross(word: str) -> Never:
    """Raise with a single argument that cannot cross."""

    class Rows:
        def __init__(self) -> None:
            self.lines = (i for i in range(3))

        def __str__(self) -> str:
            return word

    raise ValueError(Rows())


def fail_whatever_comes(*_args: Any) -> Never:
    """Raise an exception that can be weakly referenced, from a frame that refers to the arguments."""
    raise Custom(7, "seven")


def fail_with_many_causes(count: int) -> Never:
    """Raise an exception above a long chain of causes."""
    error = ValueError(0)
    for n in range(count):
        cause, error = error, ValueError(n)
        error.__cause__ = cause
    raise error
