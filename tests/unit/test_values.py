"""Values arrive as from pickle: equal, of the same type, with shared parts shared."""

import array
import collections
import datetime
import decimal
import fractions
import math
import pathlib
import pickle
import re
import struct
import sys
import types
import uuid
from typing import Any

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import shapes, work
from support.protocols import MakePool


def recursive_types(value: Any) -> Any:
    """The types of a value and of its contents, for a comparison that distinguishes 1, True and 1.0."""
    kind = type(value)
    if kind is float:
        return kind, struct.pack("d", value)
    if kind is complex:
        return kind, struct.pack("dd", value.real, value.imag)
    if isinstance(value, dict):
        return kind, [(recursive_types(k), recursive_types(v)) for k, v in value.items()]
    if isinstance(value, list | tuple | collections.deque):
        return kind, [recursive_types(item) for item in value]
    if isinstance(value, set | frozenset):
        return kind, sorted(repr(recursive_types(item)) for item in value)
    return kind, value


BUILTIN: dict[str, Any] = {
    "None": None,
    "booleans": [True, False],
    "small ints": list(range(-300, 300)),
    "ints around powers of two": [s * 2**n + d for n in range(130) for d in (-1, 0, 1) for s in (1, -1)],
    "huge ints": [10**1000, -(10**1000), 1 << 100_000, -(1 << 65536) - 1],
    "floats": [0.0, -0.0, 1.5, -1e308, 5e-324, math.inf, -math.inf, math.pi, sys.float_info.max],
    "not a number": [math.nan, -math.nan, struct.unpack("d", b"\x01\x02\x03\x04\x05\x06\xf8\x7f")[0]],
    "complex": [0j, -0.0 - 0.0j, 1 + 2j, complex(math.inf, math.nan)],
    "strings": ["", "a", "abc" * 1000, "é", "ÿ", "Ā", "日本語", "😀", "a😀b", "\x00", "a\x00b", "\u2028", "\x7f\x80"],
    "lone surrogates": ["\ud800", "a\udfffb", "\udc80", "\ud83d\ude00"],
    "bytes": [b"", b"\x00", bytes(range(256)), b"x" * 100_000],
    "bytearray": [bytearray(), bytearray(b"abc"), bytearray(70_000)],
    "tuples": [(), (1,), (1, 2), tuple(range(1000)), ((), ((),))],
    "lists": [[], [1], [[]], [None] * 1000, [[1, [2, [3]]], [4]]],
    "dicts": [{}, {1: 2}, {"b": 1, "a": 2, "c": 3}, {None: None, True: 0, 2.5: "x", (1, 2): [], b"k": {}}],
    "large dict": {n: str(n) for n in range(5000)},
    "equal keys of other types": [{1: "int"}, {1.0: "float"}, {True: "bool"}],
    "sets": [set(), {1, 2, 3}, {"a", None, 1.5}, set(range(1000))],
    "frozensets": [frozenset(), frozenset([1, "a", (2, 3)]), {frozenset([frozenset()])}],
    "everything nested": {"a": [1, (2.0, {3}, {"b": [None, True, b"c", bytearray(b"d")]})], "e": frozenset([(4, 5)])},
    "constants": [..., NotImplemented],
    "ranges and slices": [range(0), range(5, 100, 7), range(10**30), slice(None), slice(1, None, -2)],
    "types": [int, str, type, type(None), dict, ValueError, list[int], types.SimpleNamespace],
    "builtin functions": [len, print, math.sqrt],
}

PICKLED: dict[str, Any] = {
    "data class": shapes.Point(1, 2.5),
    "frozen data class": {shapes.FrozenPoint(1, 2): [shapes.FrozenPoint(3, 4)]},
    "nested objects": shapes.Box([shapes.Box({"a": shapes.Point(1, 2)}), 3]),
    "enumerations": [shapes.Color.RED, shapes.Access.READ | shapes.Access.WRITE, shapes.Level.HIGH],
    "named tuples": [shapes.Named("a", 1), shapes.Pair(1, [2])],
    "slots": shapes.Slotted(1, shapes.Slotted([2], None)),
    "list subclass": shapes.TaggedList([1, 2], "label"),
    "subclasses of builtin types": [
        shapes.MyDict(a=1),
        shapes.MyInt(5),
        shapes.MyStr("s"),
        shapes.MyBytes(b"b"),
        shapes.MyTuple((1, 2)),
        shapes.MySet({1}),
        shapes.MyFloat(1.5),
    ],
    "bool subclass key": {shapes.Level.LOW: 1},
    "datetime": [
        datetime.datetime(2024, 2, 29, 12, 30, tzinfo=datetime.UTC),
        datetime.date(1, 1, 1),
        datetime.timedelta(days=-1, microseconds=5),
        datetime.timezone(datetime.timedelta(hours=2), "here"),
    ],
    "decimal and fraction": [decimal.Decimal("1.10"), decimal.Decimal("-Infinity"), fractions.Fraction(1, 3)],
    "uuid": uuid.UUID(int=5),
    "paths": [pathlib.PurePosixPath("/a/b"), pathlib.Path("c")],
    "collections": [
        collections.OrderedDict(b=1, a=2),
        collections.Counter("hello"),
        collections.deque([1, 2], maxlen=5),
        collections.defaultdict(list, {1: [2]}),
        collections.ChainMap({1: 2}, {3: 4}),
    ],
    "array": array.array("d", [1.0, -0.0]),
    "namespace": types.SimpleNamespace(a=1, b=[2]),
    "pattern": re.compile(r"(?i)a+"),
    "functions": [work.square, shapes.Point, shapes.Counter.untagged_made],
}


ALL = BUILTIN | PICKLED
WITHOUT_STABLE_REPR = {
    "huge ints",
    "sets",
    "frozensets",
    "everything nested",
    "slots",
    "functions",
    "subclasses of builtin types",
}


@pytest.mark.parametrize("value", ALL.values(), ids=ALL)
def test_values_come_back_equal_and_of_the_same_type(pool: InterpreterThreadPoolExecutor, value: Any) -> None:
    expected = pickle.loads(pickle.dumps(value, 5))
    result = pool.submit(interpreter(work.echo), value).result()
    assert recursive_types(result) == recursive_types(expected)


@pytest.mark.parametrize("name", [name for name in ALL if name not in WITHOUT_STABLE_REPR])
def test_values_arrive_in_the_worker_as_they_are(pool: InterpreterThreadPoolExecutor, name: str) -> None:
    value = ALL[name]
    copied = pickle.loads(pickle.dumps(value, 5))
    assert pool.submit(interpreter(work.describe), value).result() == work.describe(copied)


def test_singletons_stay_singletons(pool: InterpreterThreadPoolExecutor) -> None:
    for value in (None, True, False, ..., NotImplemented, (), shapes.Color.RED, shapes.THE_ONE, int, work.square):
        assert pool.submit(interpreter(work.echo), value).result() is value


def test_state_methods_are_asked(pool: InterpreterThreadPoolExecutor) -> None:
    result = pool.submit(interpreter(work.echo), shapes.WithState(4)).result()
    assert (result.value, result.cache) == (4, None)


@pytest.mark.parametrize("shared", [[1], {"k": 1}, {1}, (1, [2]), "a string", 10**30, 1.5, shapes.Box([1]), bytearray(3)])
def test_shared_parts_stay_shared(pool: InterpreterThreadPoolExecutor, shared: Any) -> None:
    first, second, third = pool.submit(interpreter(work.echo), [shared, shared, {"k": shared}]).result()
    pickled_first, pickled_second = pickle.loads(pickle.dumps((shared, shared), 5))
    if pickled_first is pickled_second:
        assert first is second is third["k"]
    assert first == second == third["k"] == shared or isinstance(shared, shapes.Box)


def test_equal_parts_that_are_not_shared_stay_apart(pool: InterpreterThreadPoolExecutor) -> None:
    first, second = pool.submit(interpreter(work.echo), [[1], [1]]).result()
    assert first == second
    assert first is not second


def test_shared_arguments_are_one_object_in_the_worker(pool: InterpreterThreadPoolExecutor) -> None:
    shared = [1]
    assert pool.submit(interpreter(work.is_same), shared, shared).result()
    assert pool.submit(interpreter(work.is_same), shared, b=shared).result()
    assert not pool.submit(interpreter(work.is_same), [1], [1]).result()


def test_parts_shared_between_builtin_containers_and_objects_stay_shared(pool: InterpreterThreadPoolExecutor) -> None:
    shared = [1]
    box, again, inner = pool.submit(interpreter(work.echo), (shapes.Box(shared), shared, {"x": [shared]})).result()
    assert box.items is again is inner["x"][0]


def test_objects_shared_in_builtin_containers_stay_shared(pool: InterpreterThreadPoolExecutor) -> None:
    point = shapes.Point(1, 2)
    first, second = pool.submit(interpreter(work.echo), [point, {"p": point}]).result()
    assert first is second["p"]


def test_the_worker_works_on_a_copy(pool: InterpreterThreadPoolExecutor) -> None:
    mine = [1]
    assert pool.submit(interpreter(work.append_to), mine, 2).result() == [1, 2]
    assert mine == [1]


def test_changes_after_submit_do_not_reach_the_worker(make_pool: MakePool, gate: Any) -> None:
    from support import gate as gates

    pool = make_pool(1)
    mine = [1]
    pool.submit(interpreter(gates.hold), gate.ends)
    gate.wait_for()
    future = pool.submit(interpreter(work.echo), mine)
    mine.append(2)
    gate.open()
    assert future.result() == [1]


def test_a_list_that_contains_itself(pool: InterpreterThreadPoolExecutor) -> None:
    value: list[Any] = [1]
    value.append(value)
    result = pool.submit(interpreter(work.echo), value).result()
    assert result[0] == 1
    assert result[1] is result


def test_a_dict_that_contains_itself(pool: InterpreterThreadPoolExecutor) -> None:
    value: dict[str, Any] = {}
    value["me"] = value
    result = pool.submit(interpreter(work.echo), value).result()
    assert result["me"] is result


def test_a_tuple_that_contains_itself_through_a_list(pool: InterpreterThreadPoolExecutor) -> None:
    value: tuple[Any, ...] = ([],)
    value[0].append(value)
    result = pool.submit(interpreter(work.echo), value).result()
    assert result[0][0] is result


def test_objects_that_refer_to_each_other(pool: InterpreterThreadPoolExecutor) -> None:
    assert pool.submit(interpreter(shapes.node_cycle), shapes.make_node_cycle()).result()
    assert shapes.node_cycle(pool.submit(interpreter(shapes.make_node_cycle)).result())


def test_a_set_of_an_object_that_refers_to_the_set(pool: InterpreterThreadPoolExecutor) -> None:
    node = shapes.Node("n")
    node.next = {node}  # type: ignore[assignment]
    result = pool.submit(interpreter(work.echo), node).result()
    assert result in result.next


def test_dicts_keep_their_order(pool: InterpreterThreadPoolExecutor) -> None:
    value = dict.fromkeys(["z", "a", 5, (), "m", 0])
    del value["a"]
    value["a"] = None
    assert list(pool.submit(interpreter(work.echo), value).result()) == list(value)


def test_sixteen_megabytes_cross(pool: InterpreterThreadPoolExecutor) -> None:
    value = bytes(range(256)) * 65536
    assert pool.submit(interpreter(work.echo), value).result() == value
    assert pool.submit(interpreter(work.echo), [value.decode("latin-1")]).result() == [value.decode("latin-1")]


def test_a_hundred_thousand_items_cross(pool: InterpreterThreadPoolExecutor) -> None:
    value = [{"n": n, "s": str(n), "f": n / 3} for n in range(100_000)]
    assert pool.submit(interpreter(work.echo), value).result() == value


@pytest.mark.parametrize("depth", [10, 1000, 100_000])
@pytest.mark.parametrize("wrap", [lambda x: [x], lambda x: (x,), lambda x: {0: x}], ids=["list", "tuple", "dict"])
def test_deep_arguments_cross_or_give_a_recursion_error(pool: InterpreterThreadPoolExecutor, depth: int, wrap: Any) -> None:
    value: Any = []
    for _ in range(depth):
        value = wrap(value)
    future = pool.submit(interpreter(work.depth_of), value)
    if isinstance(future.exception(), RecursionError):
        assert depth > 100
    else:
        assert future.result() == depth


@pytest.mark.parametrize("depth", [10, 1000, 100_000])
def test_deep_results_cross_or_give_a_recursion_error(pool: InterpreterThreadPoolExecutor, depth: int) -> None:
    future = pool.submit(interpreter(work.nested_list), depth)
    if isinstance(future.exception(), RecursionError):
        assert depth > 100
    else:
        assert work.depth_of(future.result()) == depth


@pytest.mark.parametrize("depth", [10, 100_000])
def test_deep_chains_of_objects_cross_or_give_a_recursion_error(pool: InterpreterThreadPoolExecutor, depth: int) -> None:
    node = shapes.Node("last")
    for _ in range(depth):
        outer = shapes.Node("n")
        outer.next, node = node, outer
    error = pool.submit(interpreter(work.nothing), node).exception()
    assert error is None or (isinstance(error, RecursionError) and depth > 100)
    while node.next is not None:  # without recursion
        node = node.next
