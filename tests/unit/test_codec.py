"""Values arrive as from pickle. Values that cannot cross are named. No input can do harm."""

import gc
import math
import pickle
import struct
import sys
import threading
import weakref
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aiointerpreters import NotTransferableError, _core
from support.graphs import as_pickle, carry, same_graph

NATIVE, MIXED = 1, 2


def carry_natively(value: object) -> Any:
    """The same. The message must also be in the native format."""
    message = _core.encode(value)
    assert message.form == NATIVE
    return _core.decode(message)


INT_EDGES = [sign * (1 << bits) + off for bits in (0, 4, 7, 8, 15, 16, 30, 31, 32, 60, 63, 64, 65, 1000)
             for sign in (1, -1) for off in (-1, 0, 1)] + [111, 112, -16, -17]  # fmt: skip
ATOMS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(2**70), 2**70),
    st.sampled_from(INT_EDGES),
    st.text(max_size=40),
    st.text(alphabet=st.characters(), max_size=5),  # lone surrogates too
    st.binary(max_size=5),
    st.sampled_from([..., NotImplemented, "", b"", (), -0.0, range(0), range(5, 1, -2), range(10**30)]),
    st.floats(allow_nan=False),
    st.complex_numbers(allow_nan=False),
)
LEAVES = st.one_of(ATOMS, st.floats(), st.complex_numbers(), st.builds(bytearray, st.binary(max_size=5)))
KEYS = st.recursive(
    ATOMS, lambda inner: st.one_of(st.lists(inner, max_size=3).map(tuple), st.frozensets(inner, max_size=3)), max_leaves=4
)
VALUES = st.recursive(
    st.one_of(
        LEAVES, KEYS, st.sets(KEYS, max_size=4), st.builds(slice, *[st.one_of(st.none(), st.integers(), st.text())] * 3)
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=8), st.lists(inner, max_size=8).map(tuple), st.dictionaries(KEYS, inner, max_size=6)
    ),
    max_leaves=30,
)


def is_hashable(value: object) -> bool:
    """Return whether `value` may be a key."""
    try:
        hash(value)
    except TypeError:
        return False
    return True


@st.composite
def graphs(draw: st.DrawFn) -> object:
    """Values that share their parts in any way, including cycles."""
    pool: list[Any] = draw(st.lists(st.one_of(ATOMS, st.builds(bytearray, st.binary(max_size=5))), min_size=1, max_size=6))
    for _ in range(draw(st.integers(0, 10))):
        picks = [pool[i] for i in draw(st.lists(st.integers(0, len(pool) - 1), max_size=5))]
        keys = [pick for pick in picks if is_hashable(pick)]
        kind = draw(st.sampled_from(["list", "tuple", "dict", "set", "frozenset", "slice"]))
        if kind == "list":
            pool.append(picks)
        elif kind == "tuple":
            pool.append(tuple(picks))
        elif kind == "dict":
            pool.append(dict(zip(keys, picks, strict=False)))
        elif kind == "slice":
            pool.append(slice(*(picks + [None] * 3)[:3]))
        else:
            pool.append(set(keys) if kind == "set" else frozenset(keys))
    mutable = [item for item in pool if isinstance(item, list | dict)]
    for item in mutable:
        for i in draw(st.lists(st.integers(0, len(pool) - 1), max_size=2)):
            if isinstance(item, list):
                item.append(pool[i])
            else:
                item[f"later{i}"] = pool[i]
    return pool if draw(st.booleans()) else pool[-1]


class TestValues:
    @settings(deadline=None)
    @given(VALUES)
    def test_trees_arrive_as_from_pickle(self, value: object) -> None:
        assert same_graph(carry_natively(value), as_pickle(value))

    @settings(max_examples=300, deadline=None)
    @given(graphs())
    def test_graphs_arrive_as_from_pickle(self, value: object) -> None:
        assert same_graph(carry(value), as_pickle(value))

    @pytest.mark.parametrize("value", [None, True, False, ..., NotImplemented], ids=repr)
    def test_singletons_stay_themselves(self, value: object) -> None:
        assert carry_natively(value) is value

    @pytest.mark.parametrize("value", INT_EDGES)
    def test_ints_of_any_size(self, value: int) -> None:
        assert carry_natively(value) == value
        assert carry_natively([value] * 5) == [value] * 5

    def test_an_int_of_a_megabyte(self) -> None:
        value = -(7 << 8_000_000)
        assert carry_natively(value) == value

    @pytest.mark.parametrize("bits", [0x8000000000000000, 0x7FF8000000000001, 0xFFF800000000ABCD, 1, 0x7FF0000000000000])
    def test_floats_keep_their_bits(self, bits: int) -> None:
        value = struct.unpack("d", struct.pack("Q", bits))[0]
        for copy in (carry_natively(value), *carry_natively([value] * 6), carry_natively(complex(1, value)).imag):
            assert struct.pack("d", copy) == struct.pack("Q", bits)

    @pytest.mark.parametrize("alphabet", ["a", "é", "中", "😀", "\udc80", "aé", "a中", "a😀", "\x80", "\xff", "Ā", "\uffff"])
    @pytest.mark.parametrize("length", [0, 1, 2, 7, 8, 31, 32, 33, 1000])
    def test_strings_of_every_kind(self, alphabet: str, length: int) -> None:
        value = (alphabet * length)[:length]
        assert carry_natively(value) == value
        assert carry_natively([value, value]) == [value, value]
        assert carry_natively({value: 1}) == {value: 1}

    @pytest.mark.parametrize("length", [0, 1, 3, 4, 254, 255, 256, 511, 600])
    @pytest.mark.parametrize(
        "items", [[5], [300, -300], [70_000], [2**40], [1.5], [1.5, 2], [1, 2, 3, 2**70], [1, True], [1, "s"]]
    )
    def test_runs_of_equal_types(self, items: list[object], length: int) -> None:
        value = (items * length)[:length]
        assert same_graph(carry_natively(value), as_pickle(value))
        assert same_graph(carry_natively(tuple(value)), as_pickle(tuple(value)))

    def test_dicts_keep_their_order(self) -> None:
        value = dict.fromkeys(["z", "a", 3, "m", (1,), b"q"])
        assert list(carry_natively(value)) == list(value)

    @pytest.mark.parametrize("size", [0, 1, 95, 96, 97, 1 << 20])
    def test_bytes_of_every_size(self, size: int) -> None:
        value = bytes(range(256)) * (size // 256) + bytes(size % 256)
        assert carry_natively(value) == value
        copy = carry_natively(bytearray(value))
        assert type(copy) is bytearray
        assert copy == value

    @pytest.mark.parametrize("kind", [list, tuple, dict])
    def test_a_hundred_thousand_levels_cross_natively(self, kind: Callable[[Any], Any]) -> None:
        value: Any = None
        for _ in range(100_000):
            value = {"k": value} if kind is dict else kind((value,))
        copy = carry_natively(value)
        for _ in range(100_000):
            assert type(copy) is kind
            copy = copy["k"] if kind is dict else copy[0]
        assert copy is None


class TestIdentity:
    @pytest.mark.parametrize(
        "shared",
        ["a string", b"some bytes", bytearray(b"x"), (1, 2), [1], {1: 2}, {1}, frozenset([1]), 1j, range(3), slice(1, 2)],
        ids=lambda value: type(value).__name__,
    )
    def test_shared_parts_stay_shared(self, shared: object) -> None:
        copy = carry_natively([shared, (shared,), {"k": shared}])
        assert copy[0] is copy[1][0] is copy[2]["k"]
        assert copy[0] == shared

    def test_equal_parts_stay_distinct(self) -> None:
        copy = carry_natively([[1], [1], "ab" * 20, "".join(["ab"] * 20)])
        assert copy[0] is not copy[1]
        assert copy[2] is not copy[3]

    def test_bytes_of_length_1_are_shared_as_from_pickle(self) -> None:
        alone, shared = pickle.loads(pickle.dumps(b"x")), pickle.loads(pickle.dumps(b"x"))
        assert alone is not shared
        for value in ([alone, shared, shared], [b"x", b"x", alone], {"k": alone, "l": (shared, shared)}):
            assert same_graph(carry_natively(value), as_pickle(value))

    def test_keys_and_elements_are_shared_too(self) -> None:
        key = ("key", 1)
        copy = carry_natively([{key: 1}, {key}, frozenset([key]), key])
        assert next(iter(copy[0])) is next(iter(copy[1])) is next(iter(copy[2])) is copy[3]

    def test_a_list_that_contains_itself(self) -> None:
        value: list[Any] = [1]
        value.append(value)
        copy = carry_natively(value)
        assert copy[1] is copy
        assert copy[0] == 1

    def test_a_tuple_in_a_cycle(self) -> None:
        inner: list[Any] = []
        value = (inner, 1, inner)
        inner.append(value)
        inner.append({"me": (value,)})
        copy = carry_natively(value)
        assert copy[0] is copy[2]
        assert copy[0][0] is copy
        assert copy[0][1]["me"][0] is copy

    def test_a_dict_in_a_cycle(self) -> None:
        value: dict[Any, Any] = {}
        value["self"] = value
        value[(1, 2)] = [value]
        copy = carry_natively(value)
        assert copy["self"] is copy
        assert copy[1, 2][0] is copy

    @pytest.mark.parametrize("value", [slice((1, 2), [3]), slice(None, range(3)), slice(slice(1), {"k": {2}})], ids=repr)
    def test_a_slice_with_compound_parts_is_left_to_pickle(self, value: slice) -> None:
        assert carry([value, value]) == [value, value]

    def test_a_slice_in_a_cycle_is_left_to_pickle(self) -> None:
        inner: list[Any] = []
        inner.append(slice(inner, None))
        copy = carry(inner)
        assert copy[0].start is copy


@st.composite
def tables(draw: st.DrawFn) -> object:
    """Rows with a few different sets of keys, in any order, with any values."""
    names = draw(st.lists(st.text(max_size=6), min_size=1, max_size=20, unique=True))
    some = st.permutations(names).flatmap(lambda keys: st.integers(0, 18).map(lambda n: keys[:n]))
    shapes = draw(st.lists(some, max_size=3))
    content = st.one_of(LEAVES, st.lists(LEAVES, max_size=2))
    rows: list[dict[Any, Any]] = []
    for keys in draw(st.lists(st.sampled_from(shapes), max_size=12)) if shapes else []:
        fields: list[Any] = draw(st.lists(content, min_size=len(keys), max_size=len(keys)))
        row: dict[Any, Any] = dict(zip(keys, fields, strict=True))
        refers: bool = draw(st.booleans())
        if rows and row and refers:
            fillings: list[object] = [rows, rows[-1], *names]
            row[draw(st.sampled_from(list(row)))] = draw(st.sampled_from(fillings))
        rows.append(row)
    whole: list[object] = [rows, tuple(rows), {"rows": rows}, rows + rows[:2]]
    return draw(st.sampled_from(whole))


class TestRows:
    """If a dict has the same keys as an earlier one, they are not written again."""

    @settings(max_examples=300, deadline=None)
    @given(tables())
    def test_tables_arrive_as_from_pickle(self, value: object) -> None:
        assert same_graph(carry_natively(value), as_pickle(value))

    def test_a_row_that_holds_rows_with_its_own_keys(self) -> None:
        outer: dict[str, Any] = dict.fromkeys(["first", "second", "third"])
        inner = dict.fromkeys(outer)
        outer["first"] = [outer, inner, dict.fromkeys(outer)]
        value = [outer, inner, dict.fromkeys(outer)]
        assert same_graph(carry_natively(value), as_pickle(value))

    @pytest.mark.parametrize("width", [1, 2, 15, 16, 17, 40])
    def test_rows_of_any_width(self, width: int) -> None:
        names = [f"column {i}" for i in range(width)]
        rows = [{name: (number, name) for name in names} for number in range(5)]
        copy = carry_natively(rows)
        assert copy == rows
        assert all(list(row) == names for row in copy)

    def test_keys_are_named_twice_at_most(self) -> None:
        name = "a name of some length"
        assert _core.encode([{name: None} for _ in range(1000)]).data.count(name.encode()) <= 2
        assert len(_core.encode([{name: None} for _ in range(1000)]).data) < 4000

    def test_a_row_that_contains_itself(self) -> None:
        rows: list[dict[str, Any]] = [{"me": None, "next": None} for _ in range(4)]
        for row, following in zip(rows, [*rows[1:], rows[0]], strict=True):
            row.update(me=row, next=following)
        copy = carry_natively(rows)
        assert all(row["me"] is row for row in copy)
        assert [row["next"] for row in copy] == [*copy[1:], copy[0]]

    def test_keys_that_a_part_shares(self) -> None:
        name = "shared key"
        copy = carry([{name: 1}, {name: 2}, {name: 3}, Box(name)])
        assert all(next(iter(row)) is copy[3].items for row in copy[:3])

    def test_rows_with_parts_in_their_fields(self) -> None:
        rows = [{"box": Box(i), "rest": [Pair(i, i)]} for i in range(10)]
        assert carry(rows) == rows


class Text(str):
    """A subclass of a built-in type."""

    __slots__ = ()


class Pair(NamedTuple):
    """A subclass of tuple."""

    left: Any
    right: Any


@dataclass
class Box:
    """Holds anything."""

    items: Any = None
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Slotted:
    """Has no __dict__."""

    content: Any


class Raises:
    """Raises when it is pickled."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __reduce__(self) -> Any:
        raise self.error


class Grows:
    """Changes the dict it is in when it is pickled."""

    def __init__(self, container: dict[Any, Any]) -> None:
        self.container = container

    def __reduce__(self) -> Any:
        self.container[len(self.container)] = None
        return int, ()


class TestPickled:
    @pytest.mark.parametrize(
        "value", [Text("t"), Pair(1, [2]), OrderedDict(a=1), deque([1]), len, Box, memoryview], ids=repr
    )
    def test_other_types_go_through_pickle(self, value: object) -> None:
        message = _core.encode([value, value])
        assert message.form == MIXED
        copy = _core.decode(message)
        assert copy[0] == value
        assert type(copy[0]) is type(value)
        assert copy[0] is copy[1]

    def test_identity_between_native_and_other_parts(self) -> None:
        shared = [1]
        copy = carry([shared, Box(shared)])
        assert copy[1].items is copy[0]

    def test_a_local_function_goes_by_value(self) -> None:
        shared = [1]

        def local() -> Any:
            return shared

        copy = carry([local, shared])
        assert copy[0]() is copy[1]

    def test_what_unpickling_raises_comes_out(self) -> None:
        content = b"\x80\x05x"
        with pytest.raises(pickle.UnpicklingError):
            _core.decode(bytes([NONE]) + content + struct.pack("Q", 1), MIXED)

    @pytest.mark.parametrize("error", [RecursionError("deep"), MemoryError("full"), KeyboardInterrupt(), SystemExit(3)])
    def test_errors_that_are_not_about_the_value_pass(self, error: BaseException) -> None:
        with pytest.raises(type(error)) as caught:
            _core.encode([1, Raises(error)])
        assert caught.value is error

    def test_too_deep_for_pickle_is_a_recursion_error(self) -> None:
        value: Any = None
        for _ in range(200_000):
            value = [value]
        with pytest.raises(RecursionError):
            _core.encode(deque([value]))

    def test_what_needs_pickle_may_lie_deep_in_what_does_not(self) -> None:
        value: Any = Box("deep")
        for _ in range(200_000):
            value = [value]
        copy = carry(value)
        for _ in range(200_000):
            copy = copy[0]
        assert copy == Box("deep")

    def test_a_dict_that_changes_its_size(self) -> None:
        container: dict[Any, Any] = {}
        container.update(grows=Grows(container), more=1)
        with pytest.raises(RuntimeError, match="changed size during iteration"):
            _core.encode(container)


def numbers() -> Any:
    """Return an object that cannot be pickled."""
    return (item for item in [0])


class TestRefusals:
    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (numbers(), "result: generator objects cannot cross interpreters"),
            ([0, numbers()], "result[1]: generator objects cannot cross interpreters"),
            ({"rows": [0, 1, 2, numbers()]}, "result['rows'][3]: generator objects cannot cross interpreters"),
            ({(1, "a"): numbers()}, "result[(1, 'a')]: generator objects cannot cross interpreters"),
            (Box([0, 1, numbers()]), "result.items[2]: generator objects cannot cross interpreters"),
            ((Slotted(numbers()),), "result[0].content: generator objects cannot cross interpreters"),
            (Pair(1, numbers()), "result[1]: generator objects cannot cross interpreters"),
            (deque([1, numbers()]), "result[1]: generator objects cannot cross interpreters"),
            (OrderedDict(a=numbers()), "result['a']: generator objects cannot cross interpreters"),
            ({numbers()}, "result element: generator objects cannot cross interpreters"),
            ({(1, numbers()): 1}, "result key[1]: generator objects cannot cross interpreters"),
            (Box(extra={"lock": threading.Lock()}), "result.extra['lock']: _thread.lock objects cannot cross interpreters"),
            (ValueError(1, numbers()), "result.args[1]: generator objects cannot cross interpreters"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_the_path_leads_to_the_value(self, value: object, text: str) -> None:
        with pytest.raises(NotTransferableError) as caught:
            _core.encode(value)
        assert str(caught.value) == text
        assert isinstance(caught.value, TypeError)
        assert isinstance(caught.value.__cause__, TypeError)

    def test_an_error_of_the_value_itself_is_the_cause(self) -> None:
        error = ValueError("boom")
        with pytest.raises(NotTransferableError, match=r"result\[1\]: .*Raises objects .*\(ValueError: boom\)") as caught:
            _core.encode([1, Raises(error)])
        assert caught.value.__cause__ is error

    def test_a_cycle_does_not_lead_in_circles(self) -> None:
        box = Box()
        box.items = [box, {"g": numbers()}]
        with pytest.raises(NotTransferableError) as caught:
            _core.encode(box)
        assert str(caught.value).startswith("result.items[1]['g']: ")

    def test_one_part_of_a_huge_value_is_found(self) -> None:
        rows: list[Any] = [Box(i) for i in range(30_000)]
        rows[-7].items = numbers()
        with pytest.raises(NotTransferableError) as caught:
            _core.encode({"few": [1], "rows": rows})
        assert str(caught.value).startswith("result['rows'][29993].items: generator objects")


# Bytes of the format that the tests below use. codec/format.h lists all of them.
LIST, TUPLE, DICT, SET, FROZENSET, INT64_RUN, FLOAT_RUN, NONE, REFERENCE, ONE = 0, 1, 2, 3, 4, 8, 9, 0x0A, 0x1D, 0x91
RECORD = 0x20


def forged(*content: int) -> bytes:
    """A native message of these bytes."""
    return bytes(content)


def number_of_bytes(count: int, shared: Literal[0, 1] = 0) -> list[int]:
    """The header for `count`."""
    number = count << 1 | shared
    content = []
    while number >= 0x80:
        content.append(number & 0x7F | 0x80)
        number >>= 7
    return [*content, number]


ANYTHING = [
    None,
    1,
    2**70,
    1.5,
    "text",
    "é",
    "中",
    "😀",
    b"bytes",
    {"a": [1, 2, 3, 4, 5]},
    {1, (2, frozenset([3]))},
    range(3),
]


class TestCorruptMessages:
    @pytest.mark.parametrize("value", [*ANYTHING, ANYTHING, [1.5] * 9, [1] * 9, {"k": ANYTHING}, slice(1, "x")], ids=repr)
    def test_every_part_of_a_message_is_refused(self, value: object) -> None:
        message = _core.encode(value).data
        for end in range(len(message)):
            with pytest.raises(ValueError, match="corrupt message"):
                _core.decode(message[:end])
        with pytest.raises(ValueError, match="corrupt message"):
            _core.decode(message + b"\x00")

    @pytest.mark.parametrize("form", [0, 3, 255])
    def test_unknown_forms(self, form: int) -> None:
        with pytest.raises(ValueError, match="corrupt message"):
            _core.decode(forged(NONE), form)

    @pytest.mark.parametrize("tag", [LIST, TUPLE, DICT, SET, FROZENSET, 0x17, 0x18, 0x19, 0x1A, 0x1B, 0x1C])
    @pytest.mark.parametrize("count", [2, 1 << 20, 1 << 40, (1 << 62) - 1, (1 << 63) - 1])
    def test_counts_are_not_believed(self, tag: int, count: int) -> None:
        with pytest.raises(ValueError, match="corrupt message"):
            _core.decode(forged(tag, *number_of_bytes(count), NONE))

    def test_nested_counts_cannot_add_up_to_much_memory(self) -> None:
        size = 200_000
        content = (bytes([LIST, *number_of_bytes(size // 2)]) * (size // 4))[:size]
        with pytest.raises(ValueError, match="corrupt message"):
            _core.decode(content)

    @pytest.mark.parametrize(
        "content",
        [
            [REFERENCE, 0],
            [LIST, 2, REFERENCE, 1],
            [TUPLE, 3, REFERENCE, 0],  # a tuple that contains itself
            [TUPLE, 3, TUPLE, 3, REFERENCE, 0],
            [FROZENSET, 3, REFERENCE, 0],
            [FROZENSET, 3, TUPLE, 2, REFERENCE, 0],
            [TUPLE, 5, FROZENSET, 2, REFERENCE, 0, NONE],
            [TUPLE, 5, LIST, 2, TUPLE, 3, REFERENCE, 0, DICT, 2, REFERENCE, 1, NONE],
            [TUPLE, 5, LIST, 4, TUPLE, 3, REFERENCE, 0, SET, 2, REFERENCE, 1, NONE],
            [TUPLE, 5, FROZENSET, 2, TUPLE, 4, LIST, 2, TUPLE, 3, REFERENCE, 0, FROZENSET, 2, REFERENCE, 1, NONE],
            [DICT, 2, LIST, 0, NONE],
            [DICT, 2, DICT, 0, NONE],
            [SET, 2, SET, 0],
            [SET, 2, 0x1C, 0],  # a bytearray as an element
            [LIST, 4, INT64_RUN, 3, *bytes(24)],
            [LIST, 4, FLOAT_RUN, 0],
            [SET, 4, INT64_RUN, 2, *bytes(16)],
            [INT64_RUN, 1, *bytes(8)],
            [0x16, 0, LIST, 0, NONE, NONE],  # a slice with a list in it
            [0x16, 0, 0x16, 0, NONE, NONE, NONE, NONE, NONE],
            [LIST, 4, TUPLE, 1, 0x16, 0, REFERENCE, 0, NONE, NONE],
            [0x15, 0, ONE, ONE, NONE],
            [0x15, 0, ONE, ONE, 0x90],  # step 0
            [0x42, 0x61, 0xE9],  # not ASCII
            [0x19, 2, 0x61, 0],  # needs no second byte
            [0x1A, 2, 0, 0, 0x11, 0],  # beyond Unicode
            [0x12, 0],
            [RECORD, 0, 0],  # a shape without keys
            [RECORD, 0, 17, *[0x41, 0x61] * 17, *[NONE] * 17],  # more keys than there may be
            [RECORD, 2, 1, 0x41, 0x61, NONE],  # the second shape, without a first
            [RECORD, 0, 1, NONE, NONE],  # a key that is no str
            [RECORD, 0, 1, LIST, 0, NONE],
            [RECORD, 0, 1, 0x41, 0x61],
            [LIST, 4, RECORD, 0, 2, 0x41, 0x61, 0x41, 0x62, NONE, NONE, RECORD, 0, NONE],
            [SET, 2, RECORD, 0, 1, 0x41, 0x61, NONE],
            [TUPLE, 3, RECORD, 0, 1, REFERENCE, 0, NONE],
            [0x1E],
            [0x1E, 0],
            [0x1F, 0],
            [LIST, 2, 0x1F, 0],
            [0x3F],
            [LIST, *[0xFF] * 12],
        ],
        ids=lambda content: bytes(content).hex(" "),
    )
    def test_forged_messages_are_refused(self, content: list[int]) -> None:
        with pytest.raises((ValueError, TypeError), match=r"corrupt message|unhashable|cannot use|range\(\) arg 3"):
            _core.decode(forged(*content))

    def test_a_key_nested_too_deep_is_a_recursion_error(self) -> None:
        with pytest.raises(RecursionError):
            _core.decode(forged(SET, 2, *[TUPLE, 2] * 1_000_000, NONE))

    def test_a_key_nested_too_deep_by_references_is_a_recursion_error(self) -> None:
        count = 1_000_000
        chain = [TUPLE, 3, NONE]
        for i in range(count):
            chain += [TUPLE, 3, REFERENCE, *number_of_bytes(i >> 1, 1 if i & 1 else 0)]
        last = [REFERENCE, *number_of_bytes(count >> 1, 0)]
        with pytest.raises(RecursionError):
            _core.decode(forged(LIST, *number_of_bytes(count + 2), *chain, SET, 2, *last))

    @settings(max_examples=500, deadline=None)
    @given(st.binary(max_size=80))
    @example(b"")
    def test_random_bytes_do_no_harm(self, content: bytes) -> None:
        try:
            value = _core.decode(content)
        except (ValueError, TypeError):
            return
        assert same_graph(carry(value), value)

    @settings(max_examples=500, deadline=None)
    @given(VALUES, st.lists(st.tuples(st.integers(0), st.integers(0, 255)), min_size=1, max_size=4))
    def test_damaged_messages_do_no_harm(self, value: object, damages: list[tuple[int, int]]) -> None:
        message = bytearray(_core.encode(value).data)
        for at, byte in damages:
            message[at % len(message)] = byte
        try:
            copy = _core.decode(bytes(message))
        except (ValueError, TypeError):
            return
        _core.encode(copy)


def least_growth(use: Callable[[], object]) -> int:
    """The number of blocks that `use` keeps: the least of several runs, because CPython itself keeps some blocks once."""
    growths = []
    for _ in range(4):
        gc.collect()
        before = sys.getallocatedblocks()
        use()
        gc.collect()
        growths.append(sys.getallocatedblocks() - before)
    return min(growths)


class Collecting:
    """A non-native type. As a key, it collects all garbage while a message is being read."""

    def __hash__(self) -> int:
        gc.collect()
        return 1


def in_dict() -> Any:
    """A dict in a tuple that is in that dict."""
    value: dict[str, object] = {}
    value["tuple"] = (Collecting(), value)
    return value


def in_tuple() -> Any:
    """A tuple that ends before the tuple in it."""
    value: tuple[Any, list[Any]] = (Collecting(), [])
    value[1].append((value,))
    value[1].append({value[0]: 1})
    return value


class TestMemory:
    @pytest.mark.parametrize(
        "value",
        [
            ANYTHING,
            [[i] for i in range(50)],
            {f"k{i}": (i, {i}) for i in range(50)},
            [Box(1)],
            "x" * 500,
            frozenset([(1, "a b")]),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_nothing_is_kept(self, value: object) -> None:
        message = _core.encode(value)

        def use() -> None:
            for _ in range(20):
                _core.decode(_core.encode(value))
                for end in range(0, min(len(message.data), 200), 3):
                    with pytest.raises((ValueError, EOFError, pickle.UnpicklingError, IndexError)):
                        _core.decode(message.data[:end], message.form)

        def use_often() -> None:
            for _ in range(5):
                use()

        assert least_growth(use_often) < 100

    @pytest.mark.parametrize("make", [in_dict, in_tuple])
    def test_cycles_with_a_part_that_is_not_native_are_collected(self, make: Callable[[], Any]) -> None:
        copy = carry(make())
        part = weakref.ref((copy["tuple"] if isinstance(copy, dict) else copy)[0])
        del copy
        gc.collect()
        assert part() is None

    def test_refusals_keep_nothing(self) -> None:
        def use() -> None:
            for _ in range(1000):
                with pytest.raises(NotTransferableError):
                    _core.encode([[1], Box([numbers()])])

        assert least_growth(use) < 500

    def test_nan_is_no_special_case_for_sharing(self) -> None:
        nan = math.nan
        copy = carry_natively([nan, nan])
        assert copy[0] is not copy[1]
        assert all(math.isnan(item) for item in copy)
