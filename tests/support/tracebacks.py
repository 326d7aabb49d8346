"""Exceptions of many shapes. Home must print their tracebacks exactly as the worker would."""

import functools
import importlib.util
import linecache
import sys
import traceback
import types
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Never

SHAPES: dict[str, Callable[[], object]] = {}
_texts: list[str] = []


def shape(function: Callable[[], object]) -> Callable[[], object]:
    """Add a function to the shapes."""
    SHAPES[function.__name__] = function
    return function


def meet(name: str, *, is_formatted: bool) -> None:
    """Raise the exception of a shape. If `is_formatted`, first store its text, as `traceback` formats it here."""
    try:
        SHAPES[name]()
    except BaseException as error:
        if is_formatted:
            _texts.append("".join(traceback.format_exception(error)))
        raise


def last_text() -> str:
    """The text that was kept."""
    return _texts.pop()


def _below(depth: int = 3) -> int:
    return 1 // 0 if depth == 0 else _below(depth - 1)


@shape
def nested_calls() -> object:
    return _below()


@shape
def recursion() -> object:
    return _below(60)


@shape
def endless_recursion() -> object:
    return endless_recursion()


def _ping(n: int) -> int:
    return _pong(n - 1) + 1


def _pong(n: int) -> int:
    if n < 0:
        raise ValueError(n)
    return _ping(n - 1) + 1


@shape
def mutual_recursion() -> object:
    return _ping(41)


@shape
def multiple_lines() -> object:
    zero = 0
    return (
        "a"
        + str(
            1 / zero,
        )
        + "b"
    )


@shape
def carets() -> object:
    rows: Any = {"a": {"b": [1, 2, None]}}
    return rows["a"]["b"][2]["c"] + 1 if rows else None


@shape
def wide_characters() -> object:
    größe, 变量 = "äöü", 0  # noqa: N806
    return f"{größe}" + "漢字かな" + str(1 / 变量) + "ё"


@shape
def long_line() -> object:
    return 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + (1 // 0) + 1 + 1 + 1 + 1 + 1 + 1


@shape
def comprehension_and_lambda() -> object:
    divide: Callable[[int], float] = lambda n: 1 / n  # noqa: E731
    return [divide(n) for n in (2, 1, 0)]


@shape
def generator() -> object:
    def numbers() -> Iterator[float]:
        yield 1
        yield 1 / 0

    return list(numbers())


class _Method:
    def __init__(self) -> None:
        self.counter = 1
        self.inner = types.SimpleNamespace(deeply=1)

    def wrapped(self) -> object:
        return counter  # type: ignore[name-defined]  # noqa: F821

    def misspelled(self) -> object:
        return self.countre  # type: ignore[attr-defined]

    @property
    def failing(self) -> object:
        raise AttributeError("by hand")


@shape
def name_of_an_attribute() -> object:
    return _Method().wrapped()


@shape
def misspelled_attribute() -> object:
    return _Method().misspelled()


@shape
def nested_attribute() -> object:
    return _Method().deeply  # type: ignore[attr-defined]


@shape
def attribute_of_another_language() -> object:
    return [].push(1)  # type: ignore[attr-defined]


@shape
def attribute_of_none() -> object:
    return None.split  # type: ignore[attr-defined]


@shape
def attribute_by_hand() -> object:
    return _Method().failing


@shape
def misspelled_name() -> object:
    counting = 1
    return countign + counting  # type: ignore[name-defined]  # noqa: F821


@shape
def module_not_imported() -> object:
    return decimal.Decimal(1)  # type: ignore[name-defined]  # noqa: F821


@shape
def misspelled_import() -> object:
    from collections import OrderedDcit  # type: ignore[attr-defined]

    return OrderedDcit


@shape
def missing_module() -> object:
    return importlib.import_module("no_such_module_at_all")


@shape
def missing_submodule() -> object:
    return importlib.import_module("collections.abcd")


@shape
def chain_of_hints() -> object:
    try:
        return misspelled_name()
    except NameError:
        try:
            return misspelled_attribute()
        except AttributeError as error:
            raise ImportError("none") from error


class _Odd(Exception):
    def __str__(self) -> str:
        raise RuntimeError


class _Text(str):
    __slots__ = ()


def _words() -> dict[str, BaseException]:
    with_slots = KeyError("one", 2)
    return {
        "key": KeyError("ke'y\n"),
        "empty": ValueError(),
        "lines": ValueError("one\n  two\n\nthree"),
        "surrogate": ValueError("\udc80"),
        "zero": ValueError("a\0b"),
        "no_words": _Odd(),
        "text": ValueError(_Text("text")),
        "several": with_slots,
        "os": FileNotFoundError(2, "missing", "file"),
        "unicode": UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
        "exit": SystemExit(3),
        "interrupt": KeyboardInterrupt(),
        "stop": StopIteration(4),
        "import": ImportError("by hand", name="x", path="/p"),
        "name": NameError("by hand"),
    }


def _raise_word(name: str) -> Never:
    raise _words()[name]


for _name in _words():
    SHAPES["says_" + _name] = functools.partial(_raise_word, _name)


class _FailingNote:
    def __str__(self) -> str:
        raise RuntimeError


def _raise_with_notes(notes: object) -> Never:
    error = ValueError("noted")
    error.__notes__ = notes  # type: ignore[assignment]
    raise error


_NOTES: dict[str, object] = {
    "list": ["one", "two\nthree", "", "\n"],
    "tuple": ("one",),
    "others": [1, None, ["x"], _FailingNote()],
    "text": "text",
    "number": 5,
    "failing": _FailingNote(),
    "empty": [],
    "none": None,
}
for _name, _notes in _NOTES.items():
    SHAPES["notes_" + _name] = functools.partial(_raise_with_notes, _notes)


class _PropertyNotes(Exception):
    @property
    def __notes__(self) -> Any:  # type: ignore[override]
        raise RuntimeError("no notes")


@shape
def notes_of_a_property() -> object:
    raise _PropertyNotes("x")


@shape
def cause() -> object:
    try:
        return _below(0)
    except ZeroDivisionError as error:
        raise LookupError("table") from error


@shape
def context() -> object:
    try:
        return _below(0)
    except ZeroDivisionError:
        raise LookupError("table")  # noqa: B904


@shape
def hidden_context() -> object:
    try:
        return _below(0)
    except ZeroDivisionError:
        raise LookupError("table") from None


@shape
def cause_beside_context() -> object:
    try:
        return _below(0)
    except ZeroDivisionError:
        raise LookupError("table") from KeyError("other")


@shape
def long_chain() -> object:
    try:
        return _below(1)
    except ZeroDivisionError as first:
        try:
            raise ValueError("second") from first
        except ValueError:
            try:
                raise KeyError("third")
            except KeyError as third:
                raise OSError("fourth") from third


@shape
def context_in_the_place_of_a_cause() -> object:
    a, b, c, d = ValueError("a"), ValueError("b"), ValueError("c"), ValueError("d")
    a.__cause__, b.__cause__, b.__context__ = b, a, c
    c.__context__, d.__context__ = d, a
    b.__suppress_context__ = False
    raise a


@shape
def cycle_of_causes() -> object:
    a, b = ValueError("a"), KeyError("b")
    a.__cause__, b.__cause__ = b, a
    raise a


@shape
def cycle_of_contexts() -> object:
    a, b, c = ValueError("a"), KeyError("b"), OSError("c")
    a.__context__, b.__context__, c.__context__ = b, c, b
    raise a


def _raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as raised:
        return raised


@shape
def group() -> object:
    members: list[Any] = [_raised(ValueError(1)), ExceptionGroup("inner", [_raised(KeyError("k")), TypeError("t\nu")])]
    members[0].__cause__ = members[1].__cause__ = _raised(OSError("cause"))
    members[1].add_note("of inner\nnote")
    error = ExceptionGroup("outer", members)
    error.add_note("of outer")
    raise error from _raised(RuntimeError("before"))


@shape
def wide_group() -> object:
    raise BaseExceptionGroup("wide", [_raised(ValueError(n)) for n in range(20)])


@shape
def deep_group() -> object:
    error: Any = _raised(ValueError("deepest"))
    for n in range(15):
        error = _raised(ExceptionGroup(str(n), [error, KeyError(n)]))
    raise error


@shape
def group_among_causes() -> object:
    try:
        return group()
    except* KeyError as error:
        raise ValueError("from a group") from error


class _TellingGroup(ExceptionGroup[Exception]):
    def __str__(self) -> str:
        return "of its own"


@shape
def group_of_its_own() -> object:
    raise _TellingGroup("g", [ValueError(1)])


@shape
def local_class() -> object:
    class Local(Exception):
        pass

    raise Local("x")


@shape
def class_of_odd_module() -> object:
    kind: Any = type("Odd", (Exception,), {"__module__": None})
    raise kind("x")


@shape
def class_of_main() -> object:
    kind: Any = type("Mine", (Exception,), {"__module__": "__main__", "__qualname__": "Outer.Mine"})
    raise kind("x")


class _Hiding(Exception):
    @property
    def __traceback__(self) -> Any:
        return None

    @__traceback__.setter
    def __traceback__(self, value: object) -> None:
        pass


@shape
def hidden_traceback() -> object:
    raise _Hiding("x") from _raised(ValueError("y")).with_traceback(None)


class _False(Exception):
    def __bool__(self) -> bool:
        return False


@shape
def false_exception() -> object:
    raise ValueError("x") from _raised(_False("y").with_traceback(None))


class _ShowsOtherCause(Exception):
    @property
    def __cause__(self) -> Any:  # type: ignore[override]
        return KeyError("not the cause")


@shape
def other_cause() -> object:
    raise _ShowsOtherCause("x")


@shape
def made_traceback() -> object:
    frame = sys._getframe()
    raise ValueError("x").with_traceback(types.TracebackType(None, frame, frame.f_lasti, 7))


@shape
def made_traceback_without_instruction() -> object:
    frame = sys._getframe()
    raise ValueError("x").with_traceback(types.TracebackType(None, frame, -1, frame.f_lineno))


def _limited(limit: object) -> object:
    sys.tracebacklimit = limit  # type: ignore[assignment]
    return _below()


for _limit in (0, 1, 2, -1, None):
    SHAPES[f"limit_{_limit}"] = functools.partial(_limited, _limit)


def _compiled(filename: str, source: str = "def f():\n    x = 0\n    return (1 /\n      x)\nf()\n") -> None:
    exec(compile(source, filename, "exec"), {"__name__": "compiled"})


for _label, _filename in {
    "string": "<string>",
    "nameless": "<made up>",
    "gone": "/no/such/file.py",
    "relative": "no.py",
}.items():
    SHAPES["source_" + _label] = functools.partial(_compiled, _filename)


@shape
def source_that_was_registered() -> object:
    source = "def f():\n    x = 0\n    return (1 /\n      x)\n\nf()\n"
    linecache.cache["<registered>"] = (len(source), None, source.splitlines(keepends=True), "<registered>")
    _compiled("<registered>", source)
    return None


class _Loader:
    def get_source(self, _name: str) -> str:
        return "def f():\n    x = 0\n    return (1 /\n      x)\nf()\n"


@shape
def source_of_a_loader() -> object:
    names: dict[str, Any] = {"__name__": "loaded"}
    names["__spec__"] = importlib.util.spec_from_loader("loaded", _Loader())  # type: ignore[arg-type]
    names["__loader__"] = names["__spec__"].loader
    exec(compile(_Loader().get_source(""), "/not/there/loaded.py", "exec"), names)
    return None


@functools.cache
def _archive() -> str:
    path = Path(mkdtemp()) / "archive.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("zipped_module.py", "def fail(x):\n    return (1 /\n            x)\n")
    sys.path.insert(0, str(path))
    return str(path)


@shape
def source_in_an_archive() -> object:
    _archive()
    return importlib.import_module("zipped_module").fail(0)


_SOURCES = {
    "two_names": "a = 1\nb c\n",
    "keyword": "for x in range(3)\n    pass\n",
    "typo": "whille True:\n    pass\n",
    "indent": "if 1:\npass\n",
    "tabs": "if 1:\n\tpass\n        pass\n",
    "open": "x = (1,\n",
    "unicode": "größe = 漢 字\n",
    "string": "x = 'abc\n",
    "null": "x = 'a\0c'\n",
}
for _label, _source in _SOURCES.items():
    SHAPES["syntax_" + _label] = functools.partial(_compiled, "<source>", _source)


def _syntax(*args: Any) -> Never:
    raise SyntaxError(*args)


for _number, _args in enumerate(
    [(), ("msg",), ("msg", ("f", 1, 2, "text")), ("msg", ("f", 1, None, None)), ("msg", (None, None, None, None)),
     ("msg", ("f", 2, 3, "x" * 5, 2, 9)), ("msg", ("f", 2, 30, "x", 4, 9)), ("msg", ("f", 1, -1, "text")), (5,)]
):  # fmt: skip
    SHAPES[f"syntax_by_hand_{_number}"] = functools.partial(_syntax, *_args)
