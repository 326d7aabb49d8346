"""Objects that change their containers while they are pickled, hashed or compared: never a crash."""

import contextlib
import gc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from aiointerpreters import NotTransferableError, _core
from support.graphs import as_pickle, carry, same_graph


@dataclass
class Box:
    """Holds anything."""

    content: Any = None

    __hash__ = object.__hash__


# ---- Objects that act while they are pickled


class Meddles:
    """Acts when it is pickled, and becomes a Box."""

    def __init__(self, action: Callable[[], object], state: Any = None) -> None:
        self.action = action
        self.state = state

    def __reduce__(self) -> Any:
        self.action()
        return Box, (), {"content": self.state}


CONTAINERS: dict[str, Callable[[Any], Any]] = {
    "list": lambda item: [[0], item, [2], "s" * 50],
    "dict": lambda item: {"a": [0], "b": item, "c": [2], "d": "s" * 50},
    "set": lambda item: {("a", 1), item, ("c", 2), "s" * 50},
    "nested": lambda item: [[[0]], [{"k": item}], (2,), "s" * 50],
}


def grow(container: Any) -> None:
    """Add an item."""
    if isinstance(container, list):
        container += [Box()] * 100
    elif isinstance(container, dict):
        container.update((number, Box()) for number in range(100))
    else:
        container.update(range(100))


def shrink(container: Any) -> None:
    """Remove an item."""
    if isinstance(container, dict):
        container.pop(next(iter(container)))
    else:
        container.pop()


def replace(container: Any) -> None:
    """Keep the size."""
    if isinstance(container, list):
        container[:] = [Box(number) for number in range(len(container))]
    elif isinstance(container, dict):
        for key in container:
            container[key] = Box(key)
    else:
        size = len(container)
        container.clear()
        container.update(range(size))


@pytest.mark.parametrize("shape", CONTAINERS)
@pytest.mark.parametrize("change", [grow, shrink, lambda container: container.clear(), replace],
                         ids=["grow", "shrink", "clear", "replace"])  # fmt: skip
@pytest.mark.parametrize("crossing", [False, True])
@pytest.mark.parametrize("root", [False, True])
def test_a_container_that_is_changed_by_what_is_in_it(
    shape: str, change: Callable[[Any], object], crossing: bool, root: bool
) -> None:
    container: Any = None

    def meddle() -> None:
        change(container)
        gc.collect()

    item: Any = Meddles(meddle)
    container = CONTAINERS[shape](item)
    if crossing:
        item.state = container
    before = len(container)
    message: Any = None
    try:
        message = _core.encode(container if root else {"in": [container], "again": (container,)})
    except RuntimeError as error:
        assert "changed size during iteration" in str(error)
    if message is not None:
        copy = _core.decode(message)
        copy = copy if root else copy["in"][0]
        assert len(copy) in (before, len(container))


def test_a_part_that_puts_itself_into_a_new_container_each_time() -> None:
    calls = 0
    rows: list[Any] = []

    class Moves:
        def __reduce__(self) -> Any:
            nonlocal calls
            calls += 1
            old, rows[0] = rows[0], [self]
            return Box, (), {"content": old}

    rows.append([Moves()])
    with contextlib.suppress(RuntimeError):
        assert carry(rows)[0]
    assert calls < 10


@pytest.mark.parametrize("crossing", [False, True])
def test_a_part_that_drops_the_others(crossing: bool) -> None:
    rows: list[Any] = []
    rows += [Meddles(rows.clear), Box([1]), Box([2]), ["native"] * 3]
    if crossing:
        rows[0].state = rows
    with pytest.raises(RuntimeError, match="changed size"):
        carry([rows])


def test_changes_of_native_siblings_are_no_crash() -> None:
    for _ in range(50):
        sibling: dict[Any, Any] = {number: [str(number)] for number in range(100)}
        rows = [sibling, Meddles(sibling.clear, [sibling]), list(sibling.values())]
        try:
            copy = carry(rows)
        except RuntimeError:
            continue
        assert copy[0] in ({}, {number: [str(number)] for number in range(100)})


def test_a_reduction_that_encodes_its_container_again() -> None:
    depth = 0
    rows: list[Any] = [1]

    def again() -> None:
        nonlocal depth
        depth += 1
        if depth < 10:
            carry(rows)

    rows.append(Meddles(again, rows))
    assert carry(rows)[0] == 1
    assert depth >= 10


def test_a_failing_reduction_is_named_where_it_stands() -> None:
    def fail() -> None:
        raise ValueError("no")

    rows = [[1], {"k": (Meddles(fail),)}]
    with pytest.raises(NotTransferableError, match=r"result\[1\]\['k'\]\[0\]"):
        carry(rows)
    assert carry([rows[0], Box(rows[0])])[0] == [1]


@pytest.mark.parametrize("error", [RecursionError("deep"), MemoryError("full"), KeyboardInterrupt(), SystemExit(3)])
def test_what_is_not_about_the_value_passes(error: BaseException) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        carry([1, {"k": Meddles(fail)}])
    assert caught.value is error


# ---- Objects that act while they are hashed


class Hashed:
    """A key that runs what the test has set."""

    action: Callable[["Hashed"], object] = staticmethod(lambda _: None)

    def __init__(self, name: int) -> None:
        self.name = name

    def __reduce__(self) -> Any:
        return Hashed, (self.name,)

    def __hash__(self) -> int:
        Hashed.action(self)
        return hash(self.name)

    def __eq__(self, other: object) -> bool:
        Hashed.action(self)
        return isinstance(other, Hashed) and self.name == other.name


def touch_everything(_: object) -> None:
    """Look at all new objects."""
    for found in gc.get_objects():
        if type(found) in (list, tuple, dict, set, frozenset):
            repr(found)
            list(found)


def clear_fresh_containers(_: object) -> None:
    """Clear all new containers with a mark: the decoder is filling them."""
    for found in gc.get_objects():
        if type(found) in (list, dict, set) and any(type(item) is str and item == MARK for item in list(found)):
            found.clear()


def clear_referrers(key: object) -> None:
    """Clear all containers that hold the key."""
    for found in gc.get_referrers(key):
        if type(found) in (list, dict, set):
            found.clear()


def empty_everything(_: object) -> None:
    """Clear all new lists and sets, marked or not, and fill them with other objects."""
    for found in gc.get_objects():
        if type(found) is list and all(type(item) in (str, Hashed, list, dict, set) for item in found):
            found[:] = [None] * 3
        elif type(found) is set:
            found.clear()


def empty_what_dicts_hold(_: object) -> None:
    """Clear and refill the lists in new dicts."""
    for found in gc.get_objects():
        if type(found) is dict:
            for item in list(found.values()):
                if type(item) is list:
                    item.clear()
                    item.extend(range(100))
                    item.clear()


MARK = "marked by the test of hostile hashes"


def shapes_with_keys() -> Iterator[Any]:
    """Containers of all kinds, their keys in all positions."""
    keys = [Hashed(number) for number in range(5)]
    yield [MARK, {keys[0]: [MARK, keys[1]], keys[2]: keys[0]}]
    yield [MARK, {(keys[0], (keys[1], "x")): 1, "after": [MARK]}, [MARK, {keys[3]}]]
    yield {MARK: [keys[0], {keys[1]: MARK}], "more": {keys[1], keys[2], MARK}}
    yield [MARK, {MARK, frozenset([keys[0], keys[1]])}, ({MARK: {keys[4]: 1}},)]
    yield [MARK, *({"first": {key: MARK}, MARK: [MARK, {key, MARK}], "last": ({MARK: key},)} for key in keys)]
    yield ([MARK, {keys[0]: {MARK: 1}}], {MARK: keys[0]}, [MARK, frozenset([(keys[0], keys[1])])])


type Hostile = Callable[[Callable[[Any], object]], contextlib.AbstractContextManager[list[int]]]


@pytest.fixture
def hostile() -> Iterator[Hostile]:
    """Sets the action of keys when they are hashed or compared, once at a time. It does not see earlier objects."""

    @contextlib.contextmanager
    def use(action: Callable[[Any], object]) -> Iterator[list[int]]:
        calls: list[int] = []

        def act(key: Any) -> None:
            Hashed.action = staticmethod(lambda _: None)
            try:
                action(key)
                calls.append(1)
            finally:
                Hashed.action = staticmethod(act)

        gc.collect()
        gc.freeze()
        Hashed.action = staticmethod(act)
        try:
            yield calls
        finally:
            Hashed.action = staticmethod(lambda _: None)
            gc.unfreeze()

    yield use
    Hashed.action = staticmethod(lambda _: None)


class TestHostileKeys:
    def test_keys_that_empty_a_list_which_is_found_through_its_dict(self, hostile: Hostile) -> None:
        value = {"list": [{Hashed(1): 1}, *[f"item {i}" for i in range(400)], *range(300), {Hashed(2): 1}, [1.5] * 9]}
        message = _core.encode(value)
        with hostile(empty_what_dicts_hold) as calls:
            copy = _core.decode(message)
        assert calls
        assert isinstance(copy["list"], list)
        repr(copy)

    @pytest.mark.parametrize("number", range(6))
    def test_keys_that_look_at_everything(self, hostile: Hostile, number: int) -> None:
        value = list(shapes_with_keys())[number]
        message = _core.encode(value)
        with hostile(touch_everything) as calls:
            copy = _core.decode(message)
        assert calls
        assert same_graph(copy, as_pickle(value))

    @pytest.mark.parametrize("number", range(6))
    @pytest.mark.parametrize("action", [clear_fresh_containers, clear_referrers, empty_everything])
    def test_keys_that_clear_what_they_find_do_no_harm(
        self, hostile: Hostile, number: int, action: Callable[[Any], object]
    ) -> None:
        value = list(shapes_with_keys())[number]
        message = _core.encode(value)
        with hostile(action) as calls:
            for _ in range(20):
                with contextlib.suppress(RuntimeError, ValueError, SystemError, KeyError):
                    repr(_core.decode(message))
        assert calls
        assert same_graph(_core.decode(message), as_pickle(value))

    def test_keys_that_keep_what_they_find(self, hostile: Hostile) -> None:
        kept: list[Any] = []
        message = _core.encode(list(shapes_with_keys()))

        def keep(key: Any) -> None:
            kept.extend(gc.get_referrers(key))
            kept.extend(found for found in gc.get_objects() if type(found) in (tuple, frozenset, list, dict, set))
            kept[:] = [found for found in kept if found is not kept]

        with hostile(keep):
            for _ in range(3):
                # A frozenset to which another object refers can no longer be filled.
                with contextlib.suppress(SystemError):
                    _core.decode(message)
                repr(kept)
        kept.clear()

    def test_keys_that_fail(self, hostile: Any) -> None:
        message = _core.encode(list(shapes_with_keys()))

        def fail(_: object) -> None:
            raise LookupError("not hashed")

        with hostile(fail), pytest.raises(LookupError, match="not hashed"):
            _core.decode(message)

    def test_keys_that_decode_the_same_message(self, hostile: Hostile) -> None:
        value = list(shapes_with_keys())
        message = _core.encode(value)
        with hostile(lambda _: _core.decode(message)) as calls:
            copy = _core.decode(message)
        assert calls
        assert same_graph(copy, as_pickle(value))

    def test_keys_that_collect_garbage(self, hostile: Hostile) -> None:
        value = list(shapes_with_keys())
        message = _core.encode(value)
        with hostile(lambda _: gc.collect()):
            copy = _core.decode(message)
        assert same_graph(copy, as_pickle(value))

    def test_a_key_that_is_equal_to_another(self) -> None:
        class Same(Hashed):
            def __eq__(self, other: object) -> bool:
                return True

            __hash__ = Hashed.__hash__

        value = {Hashed(1): "a"}
        copy = carry([value, Hashed(1)])
        assert copy[0][copy[1]] == "a"

    def test_reductions_that_clear_what_they_find(self, hostile: Hostile) -> None:
        def clear() -> None:
            for found in gc.get_objects():
                if type(found) is list and any(isinstance(item, Box | Meddles) for item in found):
                    found.clear()

        for _ in range(10):
            shared = [1]
            rows = [shared, Box(shared), Meddles(clear, shared), Box([shared])]
            with hostile(lambda _: None), contextlib.suppress(RuntimeError, ValueError, NotTransferableError):
                repr(carry({"rows": rows}))
            assert rows

    def test_picklers_that_are_kept_are_of_no_use(self) -> None:
        kept: list[Any] = []

        def find() -> None:
            kept.extend(found for found in gc.get_objects() if type(found).__name__ == "builtin_function_or_method"
                        and found.__name__ == "persistent_id")  # fmt: skip

        _core.encode([Meddles(find)])
        for function in kept:
            with pytest.raises(RuntimeError, match="belongs to is gone"):
                function([])
