"""Objects in native containers, and native containers in objects, arrive as from pickle: as one graph."""

import array
import datetime
import decimal
import enum
import fractions
import gc
import itertools
import pickle
import sys
import uuid
import weakref
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiointerpreters import NotTransferableError, SharedBuffer, _core
from support.graphs import as_pickle, carry, same_graph

NATIVE, MIXED = 1, 2


@dataclass
class Box:
    """Holds any object. Defines its own state, so it is pickled."""

    content: Any = None
    extra: dict[str, Any] = field(default_factory=dict)

    __hash__ = object.__hash__

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__


class Slots:
    """Has no __dict__."""

    __slots__ = ("__weakref__", "left", "right")

    def __init__(self, left: Any = None, right: Any = None) -> None:
        self.left = left
        if right is not None:
            self.right = right


class Pair(NamedTuple):
    """A subclass of tuple."""

    left: Any
    right: Any


class Text(str):
    """A str with an attribute."""

    tag: Any = None


class Number(int):
    """An int with an attribute."""

    tag: Any = None


class Items(list[Any]):
    """A list with an attribute."""

    tag: Any = None


class Table(dict[Any, Any]):
    """A dict with an attribute."""

    tag: Any = None


class Bag(set[Any]):
    """A set of another type."""


class Color(enum.Enum):
    """An enumeration."""

    RED = "red"
    BLUE = "blue"


class State:
    """Defines its own state: a list, which other objects may share."""

    def __init__(self, rows: list[Any]) -> None:
        self.rows = rows
        self.restored = False

    def __getstate__(self) -> Any:
        return (self.rows, False)

    def __setstate__(self, state: Any) -> None:
        self.rows, _ = state
        self.restored = False


class Recipe:
    """Recreated by a call. Then its items and its state are set."""

    def __init__(self, *args: Any) -> None:
        self.args = args
        self.items: list[Any] = []
        self.table: dict[Any, Any] = {}
        self.state: Any = None

    def __reduce__(self) -> Any:
        return Recipe, self.args, {"state": self.state}, iter(self.items), iter(self.table.items())

    def append(self, item: Any) -> None:
        """Called by unpickling for each item."""
        self.items.append(item)

    def __setitem__(self, key: Any, value: Any) -> None:
        self.table[key] = value


class Key:
    """Hashed and compared by Python code, by its name."""

    def __init__(self, name: Any) -> None:
        self.name = name
        self.owner: Any = None

    def __reduce__(self) -> Any:
        return Key, (self.name,), {"owner": self.owner}

    def __hash__(self) -> int:
        return hash(self.name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and self.name == other.name


class Named:
    """Hashed by an attribute, as most objects are."""

    def __init__(self, name: str, owner: Any = None) -> None:
        self.name = name
        self.owner = owner

    def __hash__(self) -> int:
        return hash(self.name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Named) and self.name == other.name


class NamesFirst:
    """Reduces itself to the content of another container, not to the container."""

    def __init__(self, rows: list[Any]) -> None:
        self.rows = rows
        self.first: Any = None

    def __reduce__(self) -> Any:
        return _with_first, (self.rows[0],)


def _with_first(first: Any) -> NamesFirst:
    made = NamesFirst([first])
    made.first = first
    return made


ATOMS = st.one_of(
    st.none(),
    st.integers(-5, 300),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=4),
    st.binary(max_size=4),
    st.sampled_from(["left", "content", "x" * 40, "é" * 20_000, b"y" * 20_000, "z" * 20_000]),
    st.sampled_from([Color.RED, Color.BLUE, decimal.Decimal("1.50"), fractions.Fraction(1, 3), uuid.UUID(int=7), len, Box]),
    st.sampled_from([datetime.date(2024, 2, 29), datetime.datetime(2024, 2, 29, 1, 2, 3, tzinfo=datetime.UTC)]),
    st.builds(Text, st.text(max_size=3)),
    st.builds(Number, st.integers(0, 5)),
)


def is_key(value: object) -> bool:
    """Return whether `value` may be a key that finds its counterpart: equal by content, not by identity."""
    if isinstance(value, tuple | frozenset):
        return all(map(is_key, value)) and _is_hashable(value)
    return value == value and isinstance(
        value, (str | bytes | int | float | enum.Enum | Key | Named | decimal.Decimal | datetime.date)
    )


def _is_hashable(value: object) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


MAKERS: dict[str, Callable[[list[Any], list[Any]], Any]] = {
    "list": lambda picks, keys: picks,
    "tuple": lambda picks, keys: tuple(picks),
    "dict": lambda picks, keys: dict(zip(keys, picks, strict=False)),
    "set": lambda picks, keys: set(keys),
    "frozenset": lambda picks, keys: frozenset(keys),
    "slice": lambda picks, keys: slice(*(picks + [None] * 3)[:3]),
    "Box": lambda picks, keys: Box(picks, {"more": picks[:1]}),
    "Slots": lambda picks, keys: Slots(*picks[:2]),
    "Pair": lambda picks, keys: Pair(picks, keys),
    "Items": lambda picks, keys: Items(picks),
    "Table": lambda picks, keys: Table(zip(keys, picks, strict=False)),
    "Bag": lambda picks, keys: Bag(keys),
    "deque": lambda picks, keys: deque(picks),
    "OrderedDict": lambda picks, keys: OrderedDict(zip(keys, picks, strict=False)),
    "State": lambda picks, keys: State(picks),
    "Recipe": lambda picks, keys: Recipe(*picks),
    "Key": lambda picks, keys: Key(tuple(keys)),
    "Named": lambda picks, keys: Named(str(len(picks)), picks),
    "NamesFirst": lambda picks, keys: NamesFirst([picks, keys]),
    "rows": lambda picks, keys: [{"left": pick, "content": picks} for pick in picks],
    "exception": lambda picks, keys: ValueError(*picks),
}
LATER: dict[type, Callable[[Any, Any], None]] = {
    list: lambda target, value: target.append(value),
    dict: lambda target, value: target.update({f"later{len(target)}": value}),
    Box: lambda target, value: setattr(target, "content", value),
    Slots: lambda target, value: setattr(target, "right", value),
    Items: lambda target, value: setattr(target, "tag", value),
    Table: lambda target, value: target.update({f"later{len(target)}": value}),
    State: lambda target, value: target.rows.append(value),
    Recipe: lambda target, value: target.items.append(value),
    Key: lambda target, value: setattr(target, "owner", value),
    Named: lambda target, value: setattr(target, "owner", value),
    NamesFirst: lambda target, value: target.rows[0].append(value),
    deque: lambda target, value: target.append(value),
    Text: lambda target, value: setattr(target, "tag", value),
    Number: lambda target, value: setattr(target, "tag", value),
}


@st.composite
def graphs(draw: st.DrawFn) -> object:
    """Native containers and objects that share their parts in any way, including cycles."""
    pool: list[Any] = draw(st.lists(ATOMS, min_size=1, max_size=6))
    for _ in range(draw(st.integers(0, 10))):
        picks = [pool[i] for i in draw(st.lists(st.integers(0, len(pool) - 1), max_size=5))]
        keys = [pick for pick in picks if is_key(pick)]
        pool.append(MAKERS[draw(st.sampled_from(sorted(MAKERS)))](picks, keys))
    for item in list(pool):
        if type(item) in LATER:
            for i in draw(st.lists(st.integers(0, len(pool) - 1), max_size=2)):
                LATER[type(item)](item, pool[i])
    return pool if draw(st.booleans()) else pool[-1]


@st.composite
def graphs_with_memory(draw: st.DrawFn) -> object:
    """Graphs with views and SharedBuffers, which pickle cannot carry."""
    memory = SharedBuffer(8)
    pool: list[Any] = [
        memory,
        memoryview(memory),
        memoryview(bytearray(b"0123456789"))[::-2],
        memoryview(b"x" * 20_000),
        "text",
    ]
    for _ in range(draw(st.integers(1, 8))):
        picks = [pool[i] for i in draw(st.lists(st.integers(0, len(pool) - 1), max_size=5))]
        pool.append(
            MAKERS[draw(st.sampled_from(["list", "tuple", "Box", "Slots", "Items", "rows", "deque", "slice"]))](picks, [])
        )
    for item in list(pool):
        if type(item) in LATER:
            for i in draw(st.lists(st.integers(0, len(pool) - 1), max_size=2)):
                LATER[type(item)](item, pool[i])
    return pool if draw(st.booleans()) else pool[-1]


class TestGraphs:
    @settings(max_examples=300, deadline=None)
    @given(graphs_with_memory())
    def test_graphs_with_memory_arrive_as_they_are(self, value: object) -> None:
        assert same_graph(value, carry(value))
        assert same_graph(value, carry(carry(value)))

    @settings(max_examples=600, deadline=None)
    @given(graphs())
    def test_mixed_graphs_arrive_as_from_pickle(self, value: object) -> None:
        try:
            expected = as_pickle(value)
        except (RecursionError, TypeError, AttributeError):
            return  # a cycle through a reduction or through a key, which pickle cannot do either
        assert same_graph(expected, carry(value))

    @settings(max_examples=200, deadline=None)
    @given(graphs())
    def test_what_has_arrived_can_go_on(self, value: object) -> None:
        try:
            expected = as_pickle(value)
        except (RecursionError, TypeError, AttributeError):
            return
        assert same_graph(expected, carry(carry(value)))

    @pytest.mark.parametrize(
        "value",
        [
            Text("t"), Number(3), Pair(1, 2), Items([1]), Table(a=1), Bag([1]), deque([1]), OrderedDict(a=1), Counter("aab"),
            defaultdict(list, a=[1]), Color.RED, decimal.Decimal("1.10"), fractions.Fraction(1, 3), uuid.UUID(int=7),
            datetime.datetime(2024, 2, 29), datetime.timedelta(1), array.array("i", [1]), Box([1]), Slots(1), ValueError(1),
            True, len, Box, range, type(None),
        ],
        ids=lambda value: type(value).__name__,
    )  # fmt: skip
    def test_only_what_is_not_native_is_pickled(self, value: object) -> None:
        rows = [["native"] * 5, {"k": value}, value]
        copy = carry(rows)
        assert same_graph(as_pickle(rows), copy)
        assert copy[1]["k"] is copy[2]

    def test_the_native_parts_are_not_in_the_pickle(self) -> None:
        message = _core.encode([b"native" * 100, Box(1)])
        assert message.form == MIXED
        native = int.from_bytes(message.data[-8:], "little")
        assert b"native" in message.data[:native]
        assert b"native" not in message.data[native:]


class TestSharing:
    @pytest.mark.parametrize("shared", [[1], {1: 2}, {3}, (1, [2]), frozenset([4]), bytearray(b"5"), "text" * 9, b"6" * 9,
                                        "l" * 30_000, b"l" * 30_000, slice(1, 2), range(3), 1j],
                             ids=lambda value: type(value).__name__)  # fmt: skip
    @pytest.mark.parametrize("object_first", [False, True])
    def test_what_both_sides_hold_is_one_object(self, shared: object, object_first: bool) -> None:
        rows = [Box(shared), {"k": shared}, (shared,)] if object_first else [(shared,), {"k": shared}, Box(shared)]
        copy = carry(rows)
        box = copy[0 if object_first else 2]
        others = [copy[1]["k"], copy[2 if object_first else 0][0]]
        assert all(other is box.content for other in others)
        assert box.content == shared

    def test_an_object_in_several_containers_is_one(self) -> None:
        box = Box()
        copy = carry([box, (box,), {"k": [box]}, {box}])
        assert copy[0] is copy[1][0] is copy[2]["k"][0] is next(iter(copy[3]))

    def test_objects_that_share_among_themselves(self) -> None:
        inner = Box([1])
        copy = carry([Box(inner), [Box(inner)], inner])
        assert copy[0].content is copy[1][0].content is copy[2]

    def test_a_container_that_an_object_in_it_refers_to(self) -> None:
        rows: list[Any] = [1]
        rows.append(Box(rows))
        copy = carry(rows)
        assert copy[1].content is copy

    def test_containers_and_objects_in_turns(self) -> None:
        rows: list[Any] = []
        first = Box(rows)
        table = {"first": first}
        second = Slots(table, rows)
        rows += [second, table, first]
        copy = carry({"rows": rows, "table": table})
        assert copy["rows"][0].left is copy["rows"][1] is copy["table"]
        assert copy["rows"][0].right is copy["rows"][2].content is copy["rows"]
        assert copy["table"]["first"] is copy["rows"][2]

    def test_a_tuple_in_a_cycle_through_an_object(self) -> None:
        box = Box()
        box.content = (box, [box])
        copy = carry([box.content])
        assert copy[0][0].content is copy[0]
        assert copy[0][1][0] is copy[0][0]

    def test_an_inner_container_is_shared_without_its_parent(self) -> None:
        inner = [1]
        copy = carry([[[inner]], Box(inner)])
        assert copy[1].content is copy[0][0][0]

    def test_a_registry_whose_keys_know_it(self) -> None:
        registry: dict[Any, Any] = {}
        for name in "abc":
            key = Named(name, registry)
            registry[key] = [key]
        expected, copy = as_pickle(registry), carry(registry)
        assert [key.name for key in copy] == [key.name for key in expected]
        assert all(key.owner is copy and copy[key][0] is key for key in copy)

    def test_a_set_whose_elements_know_it(self) -> None:
        group: set[Any] = set()
        group.add(Named("a", group))
        copy = carry({"group": group})["group"]
        assert next(iter(copy)).owner is copy
        assert Named("a") in copy

    def test_a_reduction_that_names_a_part_of_its_container(self) -> None:
        rows: list[Any] = [[1]]
        rows.append(NamesFirst(rows))
        assert as_pickle(rows)[1].first is not None
        copy = carry(rows)
        assert copy[1].first is copy[0]

    def test_what_setstate_gets_is_complete(self) -> None:
        rows = [1, [2]]
        copy = carry([rows, State(rows)])
        assert copy[1].rows is copy[0]
        assert copy[0] == [1, [2]]

    def test_local_functions_share_what_they_close_over(self) -> None:
        rows = [1]
        box = Box(rows)

        def first() -> Any:
            return rows

        def second() -> Any:
            return box, first

        copy = carry({"functions": [first, (second,)], "rows": rows, "box": box})
        first_copy, (second_copy,) = copy["functions"]
        assert first_copy() is copy["rows"] is copy["box"].content
        assert second_copy()[0] is copy["box"]
        assert second_copy()[1] is first_copy

    def test_a_local_class_and_its_instances(self) -> None:
        class Local:
            def __init__(self, rows: list[int]) -> None:
                self.rows = rows

        rows = [1]
        copy = carry([Local(rows), Local, rows, {"k": Local(rows)}])
        assert type(copy[0]) is copy[1] is type(copy[3]["k"])
        assert copy[0].rows is copy[2] is copy[3]["k"].rows

    def test_a_local_function_that_holds_the_container_it_stands_in(self) -> None:
        rows: list[Any] = []

        def local() -> Any:
            return rows

        rows.append(local)
        copy = carry(rows)
        assert copy[0]() is copy


class TestDepth:
    def test_an_object_deep_in_containers(self) -> None:
        value: Any = Box("deep")
        for _ in range(100_000):
            value = ({"k": [value]},)
        copy = carry(value)
        for _ in range(100_000):
            copy = copy[0]["k"][0]
        assert copy == Box("deep")

    def test_many_objects_at_many_depths(self) -> None:
        value: Any = None
        for number in range(50_000):
            value = [Number(number), value]
        copy = carry(value)
        for number in reversed(range(50_000)):
            assert type(copy[0]) is Number
            assert copy[0] == number
            copy = copy[1]

    def test_what_an_object_holds_is_as_deep_as_pickle_goes(self) -> None:
        value: Any = None
        for _ in range(200_000):
            value = [value]
        with pytest.raises(RecursionError):
            carry([Box(value)])
        assert carry([1]) == [1]

    def test_a_deep_container_that_an_object_in_it_refers_to(self) -> None:
        root: list[Any] = []
        value: Any = Box(root)
        for _ in range(100_000):
            value = [value]
        root.append(value)
        with pytest.raises(RecursionError):  # as from pickle
            carry(root)

    def test_a_hundred_thousand_objects(self) -> None:
        shared = ["shared"]
        copy = carry([[Slots(shared, number)] for number in range(100_000)])
        assert all(row[0].left is copy[0][0].left and row[0].right == number for number, row in enumerate(copy) if number)


class TestMemory:
    @pytest.mark.parametrize(
        "make",
        [
            lambda: [Box([1]), {"k": Slots(1, 2)}],
            lambda: [(shared := [1]), Box(shared), {"k": Box({"x": shared})}],
            lambda: [{Key("a"): {Key("b")}}],
            lambda: ["l" * 50_000, b"l" * 50_000, Box("m" * 50_000)],
        ],
        ids=["objects", "crossing", "keys", "large"],
    )
    def test_nothing_is_kept(self, make: Callable[[], Any]) -> None:
        value = make()

        def use() -> None:
            for _ in range(20):
                carry(value)

        def count() -> int:
            gc.collect()
            return sys.getallocatedblocks()

        levels = []
        for _ in range(5):
            for _ in range(5):
                use()
            levels.append(count())
        growth = min(after - before for before, after in itertools.pairwise(levels))
        assert growth < 100, "blocks in a hundred messages"

    def test_refusals_keep_nothing(self) -> None:
        def use() -> None:
            for _ in range(100):
                shared = [1]
                with pytest.raises(NotTransferableError):
                    carry([shared, Box(shared), memoryview(bytearray(9)), "x" * 20_000, Box(item for item in [1])])

        use()
        gc.collect()
        before = sys.getallocatedblocks()
        use()
        gc.collect()
        assert sys.getallocatedblocks() - before < 500

    def test_parts_are_let_go_with_the_message(self) -> None:
        box = Box([1])
        reference = weakref.ref(box)
        message = _core.encode([box, {"k": [box]}])
        del box
        assert reference() is None
        assert _core.decode(message)[0].content == [1]


class TestMostlyObjects:
    """Values that consist mostly of objects are one pickle, unless they contain attachments."""

    def test_they_share_and_refer_back_as_from_pickle(self) -> None:
        shared = [1]
        rows: list[Any] = [Box(shared, {"text": "a text"}) for _ in range(50)]
        rows[7].content = rows
        assert same_graph(carry(rows), as_pickle(rows))
        assert same_graph(carry((rows, shared, "a text")), as_pickle((rows, shared, "a text")))
        assert same_graph(carry({"rows": rows, "more": [shared]}), as_pickle({"rows": rows, "more": [shared]}))

    def test_a_view_in_one_of_them_is_of_the_same_memory(self) -> None:
        memory = bytearray(b"abc")
        rows = [Box(i) for i in range(50)]
        rows[33].content = memoryview(memory)
        copy = carry(rows)
        copy[33].content[0] = 88
        assert memory == b"Xbc"
        assert [box.content for box in copy[:33]] == list(range(33))

    def test_a_shared_buffer_in_one_of_them_is_of_the_same_memory(self) -> None:
        buffer = SharedBuffer(4)
        copy = carry((*[Box(i) for i in range(50)], Box(buffer)))
        memoryview(copy[-1].content)[0] = 7
        assert bytes(buffer) == b"\x07\0\0\0"

    def test_a_buffer_for_pickle_in_one_of_them_is_out_of_band(self) -> None:
        memory = bytearray(100_000)
        copy = carry([*[Box(i) for i in range(50)], Box(pickle.PickleBuffer(memory))])
        copy[-1].content[5] = 5
        assert memory[5] == 5

    def test_large_strings_in_them_are_not_copied_into_the_message(self) -> None:
        rows = [Box("x" * 100_000 + str(i)) for i in range(50)]
        message = _core.encode(rows)
        assert message.attachments == 50
        assert len(message.data) < 100_000
        assert _core.decode(message) == rows

    def test_a_local_class_among_them_goes_by_value(self) -> None:
        @dataclass
        class Local:
            content: Any

        shared = [1]
        copy = carry([*[Box(shared) for _ in range(50)], Local(shared)])
        assert copy[0].content is copy[50].content
        assert type(copy[50]).__name__ == "Local"

    def test_what_cannot_cross_is_named(self) -> None:
        rows = [Box(i) for i in range(50)]
        rows[12].content = (item for item in [0])
        with pytest.raises(NotTransferableError, match=r"result\[12\].content: generator objects"):
            _core.encode(rows)

    @pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3)])
    def test_an_interruption_passes(self, error: BaseException) -> None:
        class Interrupts:
            def __reduce__(self) -> Any:
                raise error

        with pytest.raises(type(error)):
            _core.encode([*[Box(i) for i in range(50)], Interrupts()])
