"""What home changes in a class or function by value arrives with the next function that uses it."""

import abc
import ctypes
import enum
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support.protocols import MakePool


@pytest.fixture
def sent(make_pool: MakePool) -> Callable[[Callable[[], Any]], Any]:
    """Submits a function to a pool with one worker, which therefore has every class from the submits before."""
    pool: InterpreterThreadPoolExecutor = make_pool(1)
    return lambda fn: pool.submit(interpreter(fn)).result()


def test_attributes_of_a_class_that_are_deleted(sent: Callable[[Callable[[], Any]], Any]) -> None:
    class Base:
        kept, deleted = 1, 2

        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = None  # type: ignore[assignment]

    class Derived(Base):
        pass

    def here() -> Any:
        return Base() == 1, hasattr(Derived, "deleted"), hasattr(Derived, "later"), Derived.kept, Base.__hash__ is None

    assert sent(here) == here() == (True, True, False, 1, True)
    del Base.deleted, Base.__eq__, Base.__hash__
    Derived.later = 3  # type: ignore[attr-defined]
    assert sent(here) == here() == (False, False, True, 1, False)
    del Derived.later  # type: ignore[attr-defined]
    assert sent(here) == here() == (False, False, False, 1, False)


def test_names_and_bases_of_a_class_that_are_changed(sent: Callable[[Callable[[], Any]], Any]) -> None:
    class One:
        which = 1

    class Two:
        which = 2

    class Meta(type):
        pass

    class OtherMeta(type):
        pass

    class Derived(One, metaclass=Meta):
        pass

    def here() -> Any:
        return Derived.which, Derived.__name__, Derived.__qualname__, Derived.__module__, type(Derived).__name__

    assert sent(here) == here()
    Derived.__bases__ = (Two,)
    Derived.__name__, Derived.__qualname__, Derived.__module__ = "Renamed", "Some.where", "elsewhere"
    Derived.__class__ = OtherMeta  # type: ignore[assignment]
    assert sent(here) == here() == (2, "Renamed", "Some.where", "elsewhere", "OtherMeta")


def test_annotations_that_are_changed_in_place(sent: Callable[[Callable[[], Any]], Any]) -> None:
    def function(a: int) -> None: ...

    class Class:
        a: int

    def here() -> Any:
        return function.__annotations__, Class.__annotations__

    assert sent(here) == here()
    function.__annotations__["a"] = str
    Class.__annotations__["b"] = Class
    assert sent(lambda: (function.__annotations__["a"], Class.__annotations__["b"] is Class)) == (str, True)
    del function.__annotations__["a"], Class.__annotations__["b"]
    assert sent(here) == here() == ({"return": None}, {"a": int})


def test_classes_of_special_kinds_that_are_changed(sent: Callable[[Callable[[], Any]], Any]) -> None:
    class Color(enum.Enum):
        RED = 1

        def shown(self) -> str:
            return self.name

    class Pair(ctypes.Structure):
        _fields_ = (("a", ctypes.c_int), ("b", ctypes.c_int))
        extra = 1

    class Slotted:
        __slots__ = ("a",)
        extra = 1

    def here() -> Any:
        slotted = Slotted()
        slotted.a = 5  # type: ignore[attr-defined]
        shown = Color.RED.shown() if hasattr(Color, "shown") else None
        extra = hasattr(Pair, "extra"), hasattr(Slotted, "extra")
        return shown, list(Color), Pair(1, 2).b, slotted.a, extra  # type: ignore[attr-defined]

    assert sent(here) == here()
    del Color.shown, Pair.extra, Slotted.extra
    assert sent(here) == here() == (None, [Color.RED], 2, 5, (False, False))


def test_members_of_an_enum_that_are_changed(sent: Callable[[Callable[[], Any]], Any]) -> None:
    class Key:
        def __init__(self) -> None:
            self.uses = 0

    class Place(enum.Enum):
        LIST = [1]  # noqa: RUF012
        KEY = Key()
        TEXT = "text"
        ALIAS = LIST

    kept: Any = threading.local()

    def here() -> Any:
        if not hasattr(kept, "member"):
            kept.member = Place.LIST
        found = [each.name for each in (Place(Place.LIST.value), Place(Place.KEY.value), Place("text"), Place.ALIAS)]
        is_in = Place.LIST.value in Place, Place.KEY.value in Place
        attributes = [sorted(vars(member).keys() - {"_sort_order_"}) for member in Place]
        return found, is_in, Place.LIST.value, Place.KEY.value.uses, attributes, kept.member is Place.LIST

    assert sent(here) == here()
    Place.LIST.value.append(2)
    Place.KEY.value.uses = 5
    Place.TEXT.note = "new"  # type: ignore[attr-defined]
    assert sent(here) == here()
    del Place.TEXT.note  # type: ignore[attr-defined]
    assert sent(here) == here()
    assert here()[2:4] == ([1, 2], 5)


def test_subclasses_that_are_registered_later(sent: Callable[[Callable[[], Any]], Any]) -> None:
    class Shape(abc.ABC):  # noqa: B024
        pass

    def here() -> Any:
        return [issubclass(kind, Shape) for kind in (int, float, str)]

    Shape.register(int)
    assert sent(here) == here()
    Shape.register(float)
    assert sent(here) == here() == [True, True, False]


def test_builtins_of_its_own_that_a_function_has(sent: Callable[[Callable[[], Any]], Any]) -> None:
    def length(_: object) -> int:
        return 42

    source = """
import colorsys
def own():
    class Local:
        def size(self): return len("abc")
    return Local().size(), colorsys.__name__, recursive(3), "open" in __builtins__
def recursive(n):
    return [len(recursive(n - 1))] if n else []
"""
    own = {name: getattr(sys.modules["builtins"], name) for name in ("__build_class__", "__import__")} | {"len": length}
    names: dict[str, Any] = {"__builtins__": own, "__name__": "typed"}
    exec(source, names)
    own["own"] = names["own"]
    assert sent(names["own"]) == (42, "colorsys", [42], False)
    own["len"] = lambda _: 43
    assert sent(names["own"]) == (43, "colorsys", [43], False)
    del own["len"]
    with pytest.raises(NameError, match="len"):
        sent(names["own"])
