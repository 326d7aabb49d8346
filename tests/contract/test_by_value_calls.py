"""Each call of a function by value starts from what the main interpreter has, whatever earlier calls have changed."""

import abc
import asyncio
import collections
import enum
import functools
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, Runner, interpreter
from support import work
from support.protocols import MakePool

TOTAL = 0
LOGGER = logging.getLogger("some.name")


def make_counters() -> dict[str, Callable[..., Any]]:
    """Functions that change what they have captured. Each returns the same for every call that starts from the same."""
    count = 0
    numbers = [0]
    table = {"old": 1}
    some = {1}
    nested = ([1],)
    waiting = collections.deque([1])

    class Counter:
        made = 0

        def __init__(self) -> None:
            self.calls = 0

    @dataclass
    class Point:
        x: int = 0

    counter = Counter()

    def helper() -> int:
        return 1

    def variable(_: int = 0) -> Any:
        nonlocal count
        count += 1
        return count

    def in_nested_code(_: int = 0) -> Any:
        def inner() -> int:
            nonlocal count
            count += 1
            return count

        return inner(), count

    def a_global(_: int = 0) -> Any:
        global TOTAL
        TOTAL += 1
        return TOTAL

    def by_name(_: int = 0) -> Any:
        globals()["TOTAL"] = globals().get("TOTAL", 0) + 1
        return globals()["TOTAL"]

    def default(_: int = 0, seen: list[int] = []) -> Any:  # noqa: B006
        seen.append(1)
        return len(seen)

    def in_list(_: int = 0) -> Any:
        numbers[0] += 1
        return numbers

    def in_dict(_: int = 0) -> Any:
        table["new"] = table.pop("old")
        return table

    def in_set(_: int = 0) -> Any:
        some.add(max(some) + 1)
        return len(some)

    def in_tuple(_: int = 0) -> Any:
        nested[0].append(1)
        return nested

    def in_deque(_: int = 0) -> Any:
        waiting.append(1)
        return len(waiting)

    def attribute(_: int = 0) -> Any:
        counter.calls += 1
        return counter.calls

    def of_class(_: int = 0) -> Any:
        Counter.made += 1
        Point.later = getattr(Point, "later", 0) + 1  # type: ignore[attr-defined]
        return Counter.made, Point.later  # type: ignore[attr-defined]

    def of_function(_: int = 0) -> Any:
        vars(helper)["calls"] = vars(helper).get("calls", 0) + 1
        of_function.calls = getattr(of_function, "calls", 0) + 1  # type: ignore[attr-defined]
        return vars(helper)["calls"], of_function.calls  # type: ignore[attr-defined]

    def elsewhere(_: int = 0) -> Any:
        work.mark(helper)
        return len(vars(helper)["marks"])

    def deleted(_: int = 0) -> Any:
        nonlocal count
        before = count
        del count
        return before

    def code(_: int = 0) -> Any:
        before = helper()
        helper.__code__ = (lambda: 2).__code__
        return before

    functions = [variable, in_nested_code, a_global, by_name, default, in_list, in_dict, in_set, in_tuple, in_deque]
    functions += [attribute, of_class, of_function, elsewhere, deleted, code]
    return {fn.__name__: fn for fn in functions}


def make_counters_of_kinds() -> dict[str, Callable[..., Any]]:
    """The same for what Python keeps apart from attributes: registries, and members of enums."""
    found = [0]

    class Level(enum.Enum):
        LOW = [1]  # noqa: RUF012
        HIGH = 2

    class Shape(abc.ABC):  # noqa: B024
        pass

    class Round(Shape):
        pass

    @functools.singledispatch
    def shown(_: object) -> Any:
        return "any"

    @shown.register
    def _(_: bytes) -> int:
        found.append(1)
        return len(found)

    class Printer:
        @functools.singledispatchmethod
        def show(self, _: object) -> str:
            return "any"

    def value_of_member(_: int = 0) -> Any:
        Level.LOW.value.append(1)
        return Level.LOW.value, Level(Level.LOW.value).name

    def attribute_of_member(_: int = 0) -> Any:
        Level.HIGH.count = getattr(Level.HIGH, "count", 0) + 1  # type: ignore[attr-defined]
        return Level.HIGH.count  # type: ignore[attr-defined]

    def subclass(_: int = 0) -> Any:
        before = issubclass(int, Shape), issubclass(float, Shape)
        Round.register(int)
        Shape.register(float)
        return before, issubclass(int, Shape), issubclass(float, Shape)

    def implementation(_: int = 0) -> Any:
        before = shown(1)
        shown.register(int, lambda _: "int")
        return before, shown(1)

    def in_implementation(_: int = 0) -> Any:
        return shown(b"")

    def implementation_of_method(_: int = 0) -> Any:
        before = Printer().show(1)
        Printer.show.register(int, lambda *_: "int")  # type: ignore[attr-defined]
        return before, Printer().show(1)

    functions = [value_of_member, attribute_of_member, subclass, implementation, in_implementation]
    return {fn.__name__: fn for fn in (*functions, implementation_of_method)}


COUNTERS = {**make_counters(), **make_counters_of_kinds()}


@pytest.fixture
def one(make_pool: MakePool) -> InterpreterThreadPoolExecutor:
    """A pool with one worker, so that all calls meet in one interpreter."""
    return make_pool(1)


@pytest.mark.parametrize("kind", COUNTERS)
def test_what_a_call_changes_does_not_reach_later_calls(one: InterpreterThreadPoolExecutor, kind: str) -> None:
    fn = COUNTERS[kind]
    first = one.submit(interpreter(fn)).result()
    assert [one.submit(interpreter(fn)).result() for _ in range(3)] == [first] * 3


@pytest.mark.parametrize("kind", COUNTERS)
def test_calls_of_one_batch_do_not_reach_each_other(one: InterpreterThreadPoolExecutor, kind: str) -> None:
    fn = COUNTERS[kind]
    first = one.submit(interpreter(fn)).result()
    assert list(one.map(interpreter(fn), range(6), chunksize=3)) == [first] * 6
    assert [future.result() for future in [one.submit(interpreter(fn)) for _ in range(3)]] == [first] * 3


@pytest.mark.parametrize("chunksize", [1, 3])
def test_coroutine_functions_that_run_at_the_same_time_do_not_reach_each_other(
    one: InterpreterThreadPoolExecutor, chunksize: int
) -> None:
    count = 0
    numbers = [0]

    async def counting(_: int) -> Any:
        nonlocal count
        count += 1
        await asyncio.sleep(0)
        numbers.append(1)
        await asyncio.sleep(0)
        return count, len(numbers)

    results: list[Any] = list(one.map(interpreter(counting), range(6), chunksize=chunksize))
    assert results == [(1, 2)] * 6


def test_awaited_calls_do_not_reach_each_other() -> None:
    count = 0

    def counting() -> int:
        nonlocal count
        count += 1
        return count

    async def main() -> list[int]:
        async with Runner(workers=1) as runner:
            return [await runner.run(counting) for _ in range(3)]

    assert asyncio.run(main()) == [1, 1, 1]


def test_a_change_here_arrives_after_changes_there(one: InterpreterThreadPoolExecutor) -> None:
    count = 1

    def counting() -> int:
        nonlocal count
        count += 1
        return count

    def sent() -> int:
        result: int = one.submit(interpreter(counting)).result()
        return result

    results = [sent()]
    count = 5
    results.append(sent())
    count = 1
    results += [sent(), sent()]
    assert results == [2, 6, 2, 2]


def test_an_unchanged_function_is_kept(one: InterpreterThreadPoolExecutor) -> None:
    table = {"a": [1, 2]}

    class Local:
        value = 5

    def plain() -> int:
        return id(plain)

    def with_table() -> tuple[int, int]:
        return id(with_table), len(table)

    def with_class() -> tuple[int, int]:
        return id(with_class), Local().value

    def with_logger() -> tuple[int, str]:
        return id(with_logger), LOGGER.name

    for fn in (plain, with_table, with_class, with_logger):
        assert len({one.submit(interpreter(fn)).result() for _ in range(4)}) == 1, fn


def test_caches_are_kept_when_the_function_around_them_is_not(one: InterpreterThreadPoolExecutor) -> None:
    calls = 0

    @functools.cache
    def square(x: int) -> int:
        return x * x

    @functools.lru_cache(maxsize=5)
    def cube(x: int) -> int:
        return x**3

    def here(x: int) -> Any:
        nonlocal calls
        calls += 1
        return calls, square(x), cube(x), square.cache_info().misses, cube.cache_info().misses

    assert [one.submit(interpreter(here), x).result()[3:] for x in (1, 2, 1, 3)] == [(1, 1), (2, 2), (2, 2), (3, 3)]
    assert one.submit(interpreter(here), 2).result() == (1, 4, 8, 3, 3)


def test_what_a_call_changes_does_not_reach_other_functions(one: InterpreterThreadPoolExecutor) -> None:
    class Level(enum.Enum):
        LOW = [1]  # noqa: RUF012

    class Shape(abc.ABC):  # noqa: B024
        pass

    class Round(Shape):
        pass

    @functools.singledispatch
    def shown(_: object) -> str:
        return "any"

    def change() -> tuple[bool, bool]:
        Level.LOW.value.append(2)
        Level.LOW.note = "changed"  # type: ignore[attr-defined]
        Round.register(int)
        shown.register(int, lambda _: "int")
        return issubclass(int, Round), issubclass(int, Shape)

    def look() -> Any:
        note = getattr(Level.LOW, "note", None)
        return Level.LOW.value, note, Level([1]).name, issubclass(int, Round), issubclass(int, Shape), shown(1)

    for _ in range(2):
        assert one.submit(interpreter(look)).result() == look() == ([1], None, "LOW", False, False, "any")
        assert one.submit(interpreter(change)).result() == (True, True)
    assert one.submit(interpreter(look)).result() == look()


def test_an_error_of_a_call_leaves_the_next_call_alone(one: InterpreterThreadPoolExecutor) -> None:
    numbers = [1]

    def failing() -> None:
        numbers.append(2)
        raise ValueError(len(numbers))

    for _ in range(3):
        with pytest.raises(ValueError, match="2"):
            one.submit(interpreter(failing)).result()
