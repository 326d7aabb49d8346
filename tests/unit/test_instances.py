"""Instances that are taken apart natively arrive as from pickle, whatever their class is, and whatever becomes of it."""

import abc
import copyreg
import dataclasses
import gc
import importlib
import pickle
import sys
import types
import weakref
from collections.abc import Callable, Iterator
from dataclasses import InitVar, dataclass, field
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiointerpreters import NotTransferableError, SharedBuffer, _core
from support.graphs import as_pickle, carry, same_graph

NATIVE, MIXED, INSTANCES = 1, 2, 3


class Plain:
    """An ordinary class; its instances are keys by their identity."""

    def __init__(self, **attributes: Any) -> None:
        self.__dict__.update(attributes)


class Child(Plain):
    """A subclass, with a property and a method."""

    kind = "child"

    @property
    def first(self) -> Any:
        return next(iter(self.__dict__.values()), None)


@dataclass
class Point:
    """A plain data class."""

    x: Any = None
    y: Any = None


@dataclass
class Counted:
    """Its constructor must not be called again."""

    made: ClassVar[int] = 0
    x: int
    scale: InitVar[int] = 1
    y: int = field(init=False, default=0)

    def __post_init__(self, scale: int) -> None:
        type(self).made += 1
        self.y = self.x * scale


@dataclass(frozen=True)
class Frozen:
    """Hashable by value, and not to be written to."""

    x: Any = None
    y: Any = None


@dataclass(slots=True)
class Slotted:
    """With slots, in another order than they lie in memory."""

    second: Any = None
    first: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenSlotted:
    """With slots, frozen: dataclasses sees to its state."""

    second: Any = None
    first: Any = None
    limit: ClassVar[int] = 3


@dataclass(slots=True)
class MoreSlots(Slotted):
    """Has slots of its own and inherited ones."""

    third: Any = None


class Bare:
    """Has slots, some of which are not set, one of them private."""

    __slots__ = ("__private", "__weakref__", "left", "number", "right")

    def __init__(self, **attributes: Any) -> None:
        self.__private = attributes.pop("private", None)
        for name, value in attributes.items():
            setattr(self, name, value)

    def private(self) -> Any:
        return self.__private


class OneSlot:
    """Its slot is a plain str."""

    __slots__ = "only"


class Nothing:
    """Has no state."""

    __slots__ = ()


class Abstract(abc.ABC):
    """Of another metaclass."""

    @abc.abstractmethod
    def answer(self) -> Any: ...


class Concrete(Abstract):
    """Can be made."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def answer(self) -> Any:
        return self.value


class Parametrized[T]:
    """Generic."""

    def __init__(self, value: T) -> None:
        self.value = value


class Outer:
    """Has a class in it."""

    @dataclass
    class Inner:
        """Has a dotted name."""

        value: Any = None


def with_attributes(cls: Any, **attributes: Any) -> Any:
    """An instance that no constructor has seen."""
    made = cls.__new__(cls)
    for name, value in attributes.items():
        setattr(made, name, value)
    return made


NATIVELY: dict[str, Any] = {
    "plain": Plain(a=1, b="two", c=[3.5]),
    "without attributes": Plain(),
    "subclass": Child(a=1),
    "dataclass": Point(1, "two"),
    "dataclass with more attributes": with_attributes(Point, y=1, x=2, other=3),
    "post_init": Counted(2, 3),
    "frozen": Frozen(1, 2),
    "slots": Slotted(1, [2]),
    "slots of ints": Slotted(1, 2),
    "frozen with slots": FrozenSlotted(second=1, first=[2]),
    "inherited slots": MoreSlots(1, 2, 3),
    "private slot": Bare(private=1, left=2, right=3, number=4),
    "one slot": with_attributes(OneSlot, only=[1]),
    "nothing": Nothing(),
    "abc": Concrete([1]),
    "generic": Parametrized(3),
    "nested class": Outer.Inner([1]),
    "many attributes": Plain(**{f"a{n}": n for n in range(100)}),
    "odd names": Plain(**{"not an identifier": 1, "": 2, "größe": 3, "😀": 4}),
    "large text": Point("x" * 100_000, b"y" * 100_000),
    "a list of them": [Point(n, str(n)) for n in range(100)],
    "several classes": [Point(1), Frozen(2), Slotted(3), {"k": FrozenSlotted(second=Plain(a=Outer.Inner()))}],
    "in a set": {Plain(a=1), Child()},
    "in a key": {(Plain(a=[1]), 2): 3},
    "frozen ones as values": {"a": Frozen(1), 2: Frozen(Frozen())},
}


class Reduced(Point):
    """Says by itself how it is made."""

    def __reduce__(self) -> Any:
        return Reduced, (self.x,)


class Stated(Point):
    """Says what its state is."""

    def __getstate__(self) -> Any:
        return {"x": "state"}


class NewArgs(Point):
    """Wants arguments."""

    def __getnewargs__(self) -> Any:
        return ()


class OwnNew(Point):
    """Is made in its own way."""

    def __new__(cls, *args: Any) -> Any:
        return super().__new__(cls)


class Watching(Plain):
    """Sees how its attributes are looked up."""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


class Impostor(Plain):
    """Shows another class."""

    __class__ = property(lambda self: Plain)


class Both(Bare):
    """Has slots and a dict."""


class Registered(Plain):
    """copyreg knows how to take it apart."""


copyreg.pickle(Registered, lambda one: (Registered, (), {"a": "registered"}))


class MetaWithModule(type):
    """Its classes seem to be in another module."""

    __module__ = property(lambda cls: "builtins")


class Moved(Plain, metaclass=MetaWithModule):
    """Is not found."""


class SubDict(dict[str, Any]):
    """A dict of another type."""


def with_another_dict() -> Plain:
    made = Plain()
    made.__dict__ = SubDict(a=1)
    return made


PICKLED: dict[str, Callable[[], Any]] = {
    "reduce": lambda: Reduced(1),
    "getstate": lambda: Stated(1),
    "getnewargs": lambda: NewArgs(1),
    "new": lambda: OwnNew(1),
    "getattr": lambda: Watching(a=1),
    "slots and dict": lambda: with_attributes(Both, left=1, other=2),
    "copyreg": lambda: Registered(a=1),
    "reduce of the instance": lambda: Plain(__reduce_ex__=lambda protocol: (Plain, ())),
    "an unset slot": lambda: Bare(left=1),
    "another dict": with_another_dict,
    "a dict that others hold": lambda: [one := Plain(a=1), vars(one)],
    "hashed by value in a set": lambda: {Frozen(1)},
    "hashed by value in a key": lambda: [Frozen(1), {("k", Frozen(1)): 2}],
    "hashed by value in a key of a key": lambda: {frozenset([Frozen(1)]): 2},
    "beside another type": lambda: [Point(1), 1j, range(3), {Point: Point}],
    "in a slice": lambda: slice(Point(1), None),
}


class TestValues:
    @pytest.mark.parametrize("value", NATIVELY.values(), ids=NATIVELY)
    def test_what_is_taken_apart_arrives_as_from_pickle(self, value: Any) -> None:
        message = _core.encode(value)
        assert message.form == INSTANCES
        assert same_graph(as_pickle(value), _core.decode(message))
        assert same_graph(value, carry(carry(value)))

    @pytest.mark.parametrize("make", PICKLED.values(), ids=PICKLED)
    def test_what_says_otherwise_is_pickled(self, make: Callable[[], Any]) -> None:
        value = make()
        message = _core.encode(value)
        assert message.form == MIXED
        assert same_graph(as_pickle(value), _core.decode(message))

    @pytest.mark.parametrize("value", [Impostor(), Moved(), Plain(module=types.SimpleNamespace(a=sys))], ids=type)
    def test_what_pickle_refuses_is_refused(self, value: Any) -> None:
        with pytest.raises((pickle.PicklingError, TypeError)):
            pickle.dumps(value, 5)
        try:
            copy = carry(value)
        except NotTransferableError:
            return
        assert type(copy).__name__ == type(value).__name__  # by value, which pickle cannot

    def test_no_constructor_is_called(self) -> None:
        value = Counted(2, 3)
        before = Counted.made
        assert carry([value] * 3)[2] == value
        assert Counted.made == before

    def test_a_message_holds_no_names(self) -> None:
        data = _core.encode([Point(1, 2)]).data
        assert b"Point" not in data
        assert len(data) < 20

    def test_views_in_attributes(self) -> None:
        memory = SharedBuffer(4)
        copy = carry(Point(memory, memoryview(memory)))
        copy.x_view = memoryview(copy.x)
        copy.x_view[0] = 7
        assert copy.y[0] == 7

    def test_attributes_do_not_make_a_dict_for_each_instance(self) -> None:
        copy = carry([Point(n, n) for n in range(1000)])
        assert len([one for one in gc.get_referents(*copy) if type(one) is dict]) == 0

    def test_of_an_interned_name_there_is_one_object(self) -> None:
        (name,) = vars(carry(Plain(some_name=1)))
        assert name is sys.intern("some_name")


class TestSharing:
    def test_one_that_refers_to_itself(self) -> None:
        one: Any = Plain()
        one.me, one.list, one.set, one.tuple, one.dict = one, [one], {one}, (one,), {one: one}
        copy = carry(one)
        assert same_graph(one, copy)
        assert copy.me is copy.list[0] is next(iter(copy.set)) is copy.tuple[0] is copy.dict[copy] is copy

    @pytest.mark.parametrize(
        "wrap",
        [
            lambda one: (one,), lambda one: frozenset([one]), lambda one: {(one,): 1}, lambda one: {one},
            lambda one: [(one, [one])], lambda one: ((one,), one),
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("from_outside", [False, True])
    def test_cycles(self, wrap: Callable[[Any], Any], from_outside: bool) -> None:
        one: Any = Plain()
        one.around = wrap(one)
        one.again = [one.around]
        one.key = {one.around: 1} if not isinstance(one.around, (dict, list, set)) else None
        value = one.around if from_outside else one
        assert same_graph(as_pickle(value), carry(value))

    @pytest.mark.parametrize("wrap", [lambda one: (one,), lambda one: [one]])
    def test_cycles_through_what_is_hashed_by_value(self, wrap: Callable[[Any], Any]) -> None:
        one = with_attributes(Slotted, first=1)
        one.second = wrap(one)
        assert same_graph(one, carry(one))

    def test_parents_children_and_peers(self) -> None:
        parent: Any = Plain(children=[], peers=set())
        for n in range(50):
            child = Child(parent=parent, number=n)
            parent.children.append(child)
            parent.peers.add(child)
        assert same_graph(parent, carry(parent))

    def test_a_chain_is_as_long_as_memory_allows(self) -> None:
        one: Any = None
        for _ in range(200_000):
            one = Point(one)
        copy = carry(one)
        for _ in range(200_000):
            copy = copy.x
        assert copy is None


CLASSES = [Plain, Child, Point, Slotted, FrozenSlotted, Bare, Stated, Frozen]


@st.composite
def graphs(draw: st.DrawFn) -> object:
    """Instances of all kinds in containers of all kinds, shared, and with cycles."""
    pool: list[Any] = [1, "text", "x" * 40, 2.5, None]
    for _ in range(draw(st.integers(1, 10))):
        picks = [pool[i] for i in draw(st.lists(st.integers(0, len(pool) - 1), min_size=2, max_size=4))]
        kind = draw(st.sampled_from([*CLASSES, list, tuple, dict, set, frozenset]))
        if kind in (list, tuple):
            made: Any = kind(picks)
        elif kind is dict:
            made = {"a": picks[0], "b": picks[1]}
        elif kind in (set, frozenset):
            try:
                made = kind(picks)
            except TypeError:
                made = kind()
        elif kind is FrozenSlotted:
            made = FrozenSlotted(second=picks[0], first=picks[1])
        elif kind in (Plain, Child):
            made = kind(**dict(zip("ab", picks, strict=False)), number=len(pool))
        elif kind is Bare:
            made = Bare(left=picks[0], right=picks[1], number=len(pool))
        else:
            made = kind(picks[0], picks[1])
        pool.append(made)
    for item in list(pool):
        if type(item) in (Plain, Child, Point, Slotted, list) and draw(st.booleans()):
            other = pool[draw(st.integers(0, len(pool) - 1))]
            if type(item) is list:
                item.append(other)
            else:
                setattr(item, "first" if type(item) is Slotted else "x" if type(item) is Point else "a", other)
    return pool if draw(st.booleans()) else pool[-1]


class TestGraphs:
    @settings(max_examples=600, deadline=None)
    @given(graphs())
    def test_graphs_arrive_as_from_pickle(self, value: object) -> None:
        try:
            expected = as_pickle(value)
        except (RecursionError, TypeError, AttributeError):
            return  # a cycle through a key that is hashed by value: pickle cannot either
        assert same_graph(expected, carry(value))
        assert same_graph(expected, carry(carry(value)))


@pytest.fixture
def module() -> Iterator[Any]:
    """A module for classes that change."""
    made = types.ModuleType("changing_module")
    sys.modules[made.__name__] = made
    yield made
    sys.modules.pop(made.__name__, None)


def declare(module: Any, name: str = "Changing", /, **members: Any) -> Any:
    """Make a class in a module."""
    made = type(name, (), {"__module__": module.__name__, "__qualname__": name, **members})
    setattr(module, name, made)
    return made


def make(cls: Any, **attributes: Any) -> Any:
    return with_attributes(cls, **attributes)


def set_state(self: Any, state: Any) -> None:
    object.__setattr__(self, "seen", state) if hasattr(self, "__dict__") else setattr(self, "a", state)


CHANGES_BEFORE: dict[str, Callable[[Any], object]] = {
    "reduce": lambda cls: setattr(cls, "__reduce__", lambda self: (list, ())),
    "getstate": lambda cls: setattr(cls, "__getstate__", lambda self: {"a": "changed"}),
    "getnewargs": lambda cls: setattr(cls, "__getnewargs__", lambda self: ()),
    "new": lambda cls: setattr(cls, "__new__", lambda cls: object.__new__(cls)),
    "getattribute": lambda cls: setattr(cls, "__getattribute__", lambda self, name: object.__getattribute__(self, name)),
    "copyreg": lambda cls: copyreg.pickle(cls, lambda one: (list, ())),
}


class TestChanges:
    """A class is looked at again for each message."""

    @pytest.mark.parametrize("change", CHANGES_BEFORE.values(), ids=CHANGES_BEFORE)
    def test_a_class_that_changes_between_messages(self, module: Any, change: Callable[[Any], object]) -> None:
        cls = declare(module)
        assert _core.encode(make(cls, a=1)).form == INSTANCES
        change(cls)
        try:
            message = _core.encode(make(cls, a=1))
            assert message.form == MIXED
            assert same_graph(as_pickle(make(cls, a=1)), _core.decode(message))
        finally:
            copyreg.dispatch_table.pop(cls, None)

    def test_a_base_that_changes(self, module: Any) -> None:
        base = declare(module, "Base")
        cls = type("Derived", (base,), {"__module__": module.__name__})
        module.Derived = cls
        assert _core.encode(make(cls, a=1)).form == INSTANCES
        base.__reduce__ = lambda self: (list, ())
        assert carry(make(cls, a=1)) == []

    def test_a_class_whose_name_leads_elsewhere(self, module: Any) -> None:
        cls = declare(module)
        one = make(cls, a=1)
        assert type(carry(one)) is cls
        declare(module)
        assert _core.encode(one).form == MIXED  # by value: no name leads back to it
        assert carry(one).a == 1
        cls.__qualname__ = "Other"
        module.Other = cls
        assert type(carry(one)) is cls
        cls.__module__ = "no_such_module"
        assert _core.encode(one).form == MIXED

    def test_a_class_that_has_been_replaced_meanwhile(self, module: Any) -> None:
        message = _core.encode([make(declare(module), a=1)])
        later = declare(module)
        assert type(_core.decode(message)[0]) is later
        assert type(_core.decode(message)[0]) is later

    def test_a_class_that_is_gone(self, module: Any) -> None:
        message = _core.encode([make(declare(module), a=1)])
        assert _core.decode(message)[0].a == 1
        del module.Changing
        with pytest.raises(AttributeError, match="Changing"):
            _core.decode(message)
        del sys.modules[module.__name__]
        with pytest.raises(ModuleNotFoundError, match=module.__name__):
            _core.decode(message)

    def test_a_name_that_is_no_class(self, module: Any) -> None:
        message = _core.encode([make(declare(module), a=1)])
        module.Changing = 3
        with pytest.raises(TypeError, match="no class"):
            _core.decode(message)

    @pytest.mark.parametrize("slots", [False, True])
    @pytest.mark.parametrize("attributes", [{"a": 1, "b": [2]}, {"a": 1, "b": 2, "c": 3, "d": 4, "e": 5}])
    @pytest.mark.parametrize(
        "change",
        [
            lambda cls: setattr(cls, "__setstate__", set_state),
            lambda cls: setattr(cls, "__setattr__", lambda self, name, value: object.__setattr__(self, name, [value])),
            lambda cls: setattr(cls, "__new__", lambda cls: object.__new__(cls)),
            lambda cls: setattr(cls, "a", property(lambda self: "property")),
            lambda cls: setattr(cls, "z", 3),
            lambda cls: setattr(cls, "__hash__", lambda self: 3),
        ],
        ids=["setstate", "setattr", "new", "property", "attribute", "hash"],
    )
    def test_a_class_that_is_another_where_the_message_is_read(
        self, module: Any, change: Callable[[Any], object], attributes: dict[str, Any], slots: bool
    ) -> None:
        members: dict[str, Any] = {"__slots__": tuple(attributes)} if slots else {}
        cls = declare(module, **members)
        one = make(cls, **attributes)
        value = [one, (one, {"k": one})]
        message, content = _core.encode(value), pickle.dumps(value, 5)
        assert message.form == INSTANCES
        change(cls)
        try:
            expected = pickle.loads(content)
        except AttributeError as error:
            with pytest.raises(AttributeError) as caught:
                _core.decode(message)
            assert caught.value.args == error.args
            return
        assert same_graph(expected, _core.decode(message))

    @pytest.mark.parametrize("slots", [("b", "a"), ("a",), ("a", "b", "c"), ("__dict__",), ()])
    def test_other_slots_where_the_message_is_read(self, module: Any, slots: tuple[str, ...]) -> None:
        one = make(declare(module, __slots__=("a", "b")), a=[1], b=2)
        message, content = _core.encode([one]), pickle.dumps([one], 5)
        declare(module, __slots__=slots)
        try:
            expected = pickle.loads(content)
        except AttributeError:
            with pytest.raises(AttributeError):
                _core.decode(message)
            return
        assert same_graph(expected, _core.decode(message))

    def test_another_frozen_dataclass_where_the_message_is_read(self, module: Any) -> None:
        def make_class(*names: str, frozen: bool = True) -> Any:
            made = dataclasses.make_dataclass("Changing", names, slots=True, frozen=frozen)
            made.__module__ = module.__name__
            module.Changing = made
            return made

        one = make_class("b", "a")(1, [2])
        message, content = _core.encode([one]), pickle.dumps([one], 5)
        assert message.form == INSTANCES
        for names, frozen in [(("a", "b"), True), (("b", "a", "c"), True), (("a", "c"), True)]:
            make_class(*names, frozen=frozen)
            assert same_graph(pickle.loads(content), _core.decode(message))

    def test_what_python_code_sees_while_a_message_is_read(self, module: Any) -> None:
        seen: list[int] = []

        def look(self: Any, state: Any) -> None:
            vars(self).update(state)
            for found in gc.get_objects():
                if type(found) in (list, tuple):
                    seen.append(sum(item is self for item in found))
            gc.collect()

        cls = declare(module)
        inner = make(cls, a=1, b=[])
        value = ([inner], (inner, make(cls, a=(inner,))), {"k": (1, inner)})
        message = _core.encode(value)
        cls.__setstate__ = look
        copy = _core.decode(message)
        assert copy[0][0] is copy[1][0] is copy[2]["k"][1]
        assert seen
        for part in (copy, copy[1], copy[2]["k"]):
            assert gc.is_tracked(part)

    @pytest.mark.parametrize("fails", [1, 2, 3])
    def test_a_state_that_cannot_be_set(self, module: Any, fails: int) -> None:
        cls = declare(module)
        value = [make(cls, a=n, b=[n]) for n in range(3)]
        message = _core.encode([value, {"k": (value[1],)}])
        left = [fails]

        def refuse(self: Any, state: Any) -> None:
            left[0] -= 1
            if left[0] == 0:
                raise ValueError("not like this")

        cls.__setstate__ = refuse
        gc.collect()
        alive = [weakref.ref(one) for one in gc.get_objects() if type(one) is cls]
        with pytest.raises(ValueError, match="not like this"):
            _core.decode(message)
        gc.collect()
        assert sum(type(one) is cls for one in gc.get_objects()) == len(alive)

    @pytest.mark.parametrize("made", [None, 3, "text", (), (1,), [], {}], ids=repr)
    @pytest.mark.parametrize("slots", [False, True])
    def test_a_class_that_makes_something_else(self, module: Any, made: Any, slots: bool) -> None:
        members: dict[str, Any] = {"__slots__": ("a", "b")} if slots else {}
        cls = declare(module, **members)
        value = [make(cls, a=[1], b=2)]
        message, content = _core.encode(value), pickle.dumps(value, 5)
        cls.__new__ = lambda cls: made
        with pytest.raises((AttributeError, TypeError)) as expected:
            pickle.loads(content)
        with pytest.raises(type(expected.value)) as caught:
            _core.decode(message)
        assert str(caught.value) == str(expected.value)
        gc.collect()

    @pytest.mark.parametrize("slots", [False, True])
    def test_a_class_that_changes_while_a_message_is_read(self, module: Any, slots: bool) -> None:
        members: dict[str, Any] = {"__slots__": tuple("abcdefgh")} if slots else {}
        later = declare(module, "Later", **members)
        first = declare(module)
        message = _core.encode([make(first, x=1), make(later, **{name: [name] for name in "abcdefgh"})])
        other = make(Plain, z=1)

        def change(self: Any, state: Any) -> None:
            later.__new__ = lambda cls: other

        first.__setstate__ = change
        copy = _core.decode(message)[1]
        assert type(copy) is later
        assert [getattr(copy, name) for name in "abcdefgh"] == [[name] for name in "abcdefgh"]
        assert vars(other) == {"z": 1}

    def test_an_import_that_changes_another_class(self, module: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "patching_module.py").write_text(
            "import changing_module\n"
            "class Patcher: pass\n"
            "changing_module.Changing.__setstate__ = lambda self, state: vars(self).update(state, patched=True)\n"
        )
        monkeypatch.syspath_prepend(tmp_path)
        cls = declare(module)
        patching: Any = importlib.import_module("patching_module")
        del cls.__setstate__
        message = _core.encode(make(cls, a=patching.Patcher()))
        assert message.form == INSTANCES
        del sys.modules["patching_module"]
        assert _core.decode(message).patched
        del sys.modules["patching_module"]

    def test_the_values_that_a_class_is_to_get_are_hidden(self, module: Any) -> None:
        names = [f"a{n}" for n in range(50)]
        cls = declare(module, __slots__=tuple(names))
        message = _core.encode(make(cls, **{name: [name, "mark"] for name in names}))
        seen: list[int] = []

        def set_one(self: Any, name: str, value: Any) -> None:
            object.__setattr__(self, name, value)
            for found in gc.get_objects():
                if type(found) is list and len(found) == 50 and type(found[0]) is list and found[0][-1:] == ["mark"]:
                    seen.append(1)

        cls.__setattr__ = set_one
        copy = _core.decode(message)
        assert [getattr(copy, name) for name in names] == [[name, "mark"] for name in names]
        assert not seen

    @pytest.mark.parametrize("how", ["__setattr__", "__setstate__"])
    def test_slots_come_in_the_order_that_pickle_has(self, module: Any, how: str) -> None:
        base = declare(module, "Base", __slots__=("z", "_Base__y"))
        cls = type("Changing", (base,), {"__module__": module.__name__, "__slots__": ["b", "a", "__c", "d"]})
        module.Changing = cls
        seen: list[Any] = []

        def set_one(self: Any, name: str, value: Any) -> None:
            seen.append(name)

        def set_all(self: Any, state: Any) -> None:
            seen.append((state[0], list(state[1].items())))

        one = make(cls, z=1, _Base__y=2, b=3, a=4, _Changing__c=5, d=6)
        message, content = _core.encode(one), pickle.dumps(one, 5)
        assert message.form == INSTANCES
        setattr(cls, how, set_one if how == "__setattr__" else set_all)
        pickle.loads(content)
        expected = seen.copy()
        seen.clear()
        _core.decode(message)
        assert seen == expected

    @pytest.mark.parametrize("names", [["a"], ["b", "a"], ("a", "b"), ["a", "b", "c"]])
    def test_names_of_slots_that_the_class_gives(self, module: Any, names: Any) -> None:
        one = make(declare(module, __slots__=("a", "b"), __slotnames__=names), a=1, b=2)
        try:
            expected = as_pickle(one)
        except TypeError:
            with pytest.raises(NotTransferableError):
                carry(one)
            return
        assert same_graph(expected, carry(one))

    def test_a_descriptor_whose_type_changes(self, module: Any) -> None:
        class Descriptor:
            def __get__(self, one: object, of: Any = None) -> str:
                return "descriptor"

        cls = declare(module, a=Descriptor())
        one = make(cls, b=2)
        vars(one)["a"] = 1
        message = _core.encode([one])
        assert vars(_core.decode(message)[0]) == {"b": 2, "a": 1}
        Descriptor.__set__ = lambda self, one, value: None  # type: ignore[attr-defined]
        assert vars(_core.decode(message)[0]) == {"b": 2, "a": 1}

    def test_very_many_attributes_are_left_to_pickle(self, module: Any) -> None:
        one = make(declare(module), **{f"a{n}": n for n in range(2000)})
        assert _core.encode(one).form == MIXED
        assert vars(carry(one)) == vars(one)

    def test_ever_other_attributes_are_left_to_pickle(self, module: Any) -> None:
        cls = declare(module)
        forms = [_core.encode(make(cls, **{f"a{n}": n})).form for n in range(20)]
        assert forms[0] == INSTANCES
        assert forms[-1] == MIXED
        assert all(vars(carry(make(cls, **{f"a{n}": n}))) == {f"a{n}": n} for n in range(20))

    def test_more_classes_than_are_remembered(self, module: Any) -> None:
        values = [make(declare(module, f"C{n}"), a=n) for n in range(1500)]
        assert all(carry(value).a == n for n, value in enumerate(values))
        assert [one.a for one in carry(values)] == list(range(1500))

    def test_a_class_that_is_not_used_any_more_dies(self, module: Any) -> None:
        cls = declare(module)
        carry(make(cls, a=1))
        dead = weakref.ref(cls)
        del cls, module.Changing
        gc.collect()
        assert dead() is None


class TestForged:
    """Messages that no encoder has written."""

    def data(self, value: Any) -> bytes:
        message = _core.encode(value)
        assert message.form == INSTANCES
        return bytes(message.data)

    def test_every_truncation_is_refused(self) -> None:
        data = self.data([Point(1, [2]), Slotted("a" * 50, (3, 4.5))])
        for size in range(len(data)):
            with pytest.raises((ValueError, MemoryError)):
                _core.decode(data[:size], INSTANCES)

    @pytest.mark.parametrize("value", [[Point(1, [2]), Slotted(1, 2)], {Plain(a=1)}, [Frozen(1), {"k": Frozen(2)}]])
    def test_no_changed_byte_does_harm(self, value: Any) -> None:
        data = bytearray(self.data(value))
        read = 0
        for at in range(len(data)):
            for byte in range(0, 256, 5):
                changed = data.copy()
                changed[at] = byte
                try:
                    _core.decode(bytes(changed), INSTANCES)
                except (ValueError, TypeError, RecursionError, MemoryError, AttributeError, ImportError):
                    continue
                read += 1
        assert read
        gc.collect()

    def test_an_instance_in_another_form_of_message(self) -> None:
        data = self.data(Point(1))
        with pytest.raises(ValueError, match="corrupt"):
            _core.decode(data, NATIVE)
