"""Instances that are encoded natively arrive as from pickle, whatever their class is."""

import contextlib
import copyreg
import gc
import pickle
import sys
import types
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiointerpreters import NotTransferableError, SharedBuffer, _core
from support.graphs import as_pickle, carry, same_graph
from support.instances import (
    INSTANCES,
    MIXED,
    NATIVE,
    Bare,
    Child,
    Concrete,
    Counted,
    Frozen,
    FrozenSlotted,
    MoreSlots,
    Nothing,
    OneSlot,
    Outer,
    Parametrized,
    Plain,
    Point,
    Slotted,
    with_attributes,
)

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
    """Defines how it is created."""

    def __reduce__(self) -> Any:
        return Reduced, (self.x,)


class Stated(Point):
    """Defines its state."""

    def __getstate__(self) -> Any:
        return {"x": "state"}


class NewArgs(Point):
    """Needs arguments."""

    def __getnewargs__(self) -> Any:
        return ()


class OwnNew(Point):
    """Has a __new__ of its own."""

    def __new__(cls, *args: Any) -> Any:
        return super().__new__(cls)


class Watching(Plain):
    """Has a __getattr__ of its own."""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


class Impostor(Plain):
    """Pretends to have another class."""

    __class__ = property(lambda self: Plain)


class Both(Bare):
    """Has slots and a dict."""


class Registered(Plain):
    """copyreg has a function for it."""


copyreg.pickle(Registered, lambda one: (Registered, (), {"a": "registered"}))


class MetaWithModule(type):
    """Its classes pretend to be in another module."""

    __module__ = property(lambda cls: "builtins")


class Moved(Plain, metaclass=MetaWithModule):
    """Cannot be found by name."""


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
        except (NotTransferableError, AttributeError):
            return
        assert type(copy).__name__ == type(value).__name__  # by value, which pickle cannot do

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
            return  # a cycle through a key that is hashed by value, which pickle cannot do either
        assert same_graph(expected, carry(value))
        assert same_graph(expected, carry(carry(value)))


def instances_of(of: type) -> int:
    """The number of instances that the garbage collector tracks."""
    return sum(type(each) is of for each in gc.get_objects())


class TestForged:
    """Messages that no encoder writes."""

    def data(self, value: Any) -> bytes:
        message = _core.encode(value)
        assert message.form == INSTANCES
        return bytes(message.data)

    def test_every_truncation_is_refused(self) -> None:
        data = self.data([Point(1, [2]), Slotted("a" * 50, (3, 4.5))])
        for size in range(len(data)):
            with pytest.raises((ValueError, MemoryError)):
                _core.decode(data[:size], INSTANCES)

    @pytest.mark.parametrize(
        ("list_of", "instead"), [(1, b"\x03\x02"), (1, b"\x04\x02"), (2, b"\x02\x02")], ids=["set", "frozenset", "dict"]
    )
    def test_a_circle_through_a_key_is_collected(
        self, list_of: int, instead: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An instance in a tuple refers to that tuple, and the tuple is a key. No encoder writes this."""
        data = self.data([Child(a=1), [(Plain(a=None), 2), 1][:list_of], "end"])
        begin = data.index(bytes([0, 2 * list_of, 1, 4]))  # of the list and of the tuple in it
        none = data.index(b"\x0a", begin)
        # Now the tuple is shared, like the outer list, and Plain.a refers to it.
        data = data[:begin] + instead + b"\x01\x05" + data[begin + 4 : none] + b"\x1d\x01" + data[none + 1 :]
        layouts = 4 * 3  # bytes: the layouts of Child and Plain, and their number
        # From here on Python code may run while it is read.
        monkeypatch.setattr(Child, "__setstate__", lambda self, state: self.__dict__.update(state), raising=False)
        gc.collect()
        before = instances_of(Plain)
        for at in range(begin, len(data) - layouts):
            with contextlib.suppress(ValueError):
                _core.decode(data[:at] + b"\x3f" + data[at + 1 :], INSTANCES)  # an unknown tag
        _core.decode(data, INSTANCES)
        gc.collect()
        assert instances_of(Plain) == before

    @pytest.mark.parametrize("value", [[Point(1, [2]), Slotted(1, 2)], {Plain(a=1)}, [Frozen(1), {"k": Frozen(2)}]])
    def test_no_changed_byte_does_harm(self, value: Any) -> None:
        data = bytearray(self.data(value))
        layouts = 4 * (1 + int.from_bytes(data[-4:], sys.byteorder))  # bytes: the layouts, and their number
        read = 0
        for at in range(len(data) - layouts):  # another layout number could run code of other tests' classes
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

    @pytest.mark.parametrize("number", [1 << 31, (1 << 32) - 1])
    @pytest.mark.parametrize("place", [-4, -8, -12])
    def test_numbers_of_layouts_that_there_are_not(self, place: int, number: int) -> None:
        data = bytearray(self.data([Point(1), Slotted(1, 2)]))
        data[place : place + 4 or None] = number.to_bytes(4, sys.byteorder)
        with pytest.raises(ValueError, match="corrupt"):
            _core.decode(bytes(data), INSTANCES)

    def test_an_instance_in_another_form_of_message(self) -> None:
        data = self.data(Point(1))
        with pytest.raises(ValueError, match="corrupt"):
            _core.decode(data, NATIVE)
