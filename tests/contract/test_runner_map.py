"""`Runner.map`: all kinds of iterables can be passed, and no more calls are under way than the limit allows."""

import asyncio
import functools
import itertools
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator
from contextlib import aclosing
from typing import Any, Self

import pytest

from aiointerpreters import NotTransferableError, Runner, interpreter
from support import coroutines, endless, failures, loops, runners, shapes, work
from support import gate as gates
from support.gate import Gate
from support.runners import BOTH, RunUse, Source, collect, generate, passed_on, take, turns

run = runners.run_use
run_everywhere = runners.run_use_everywhere


make_loop = loops.make_loop


async def generate_slowly[T](items: Iterable[T]) -> AsyncGenerator[T]:
    """Awaits before each item."""
    for item in items:
        await turns(2)
        yield item


class Stream[T]:
    """An asynchronous iterator that is not a generator."""

    def __init__(self, items: Iterable[T]) -> None:
        self._items = iter(items)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        for item in self._items:
            return item
        raise StopAsyncIteration


class AsyncRows[T]:
    """An asynchronous iterable."""

    def __init__(self, items: Iterable[T]) -> None:
        self._items = items

    def __aiter__(self) -> AsyncIterator[T]:
        return generate(self._items)


class OldSequence:
    """Can be iterated only by index."""

    def __init__(self, items: Iterable[Any]) -> None:
        self._items = list(items)

    def __getitem__(self, index: int) -> Any:
        return self._items[index]


def once(*values: Any) -> list[Any]:
    """Parameters that need testing on only one version of Python."""
    return [pytest.param(value, marks=pytest.mark.once) for value in values]


SYNCHRONOUS: list[Any] = [list, passed_on, *once(tuple, dict.fromkeys, iter, OldSequence)]


ASYNCHRONOUS: list[Any] = [generate, *once(generate_slowly, Stream, AsyncRows)]


LAZY: list[Any] = [passed_on, *ASYNCHRONOUS]


class Counted:
    """An endless iterator that counts the items taken from it."""

    def __init__(self, items: Iterable[Any] | None = None) -> None:
        self._items = iter(itertools.count() if items is None else items)
        self.taken = 0

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        item = next(self._items)
        self.taken += 1
        return item


def _mark_and_echo(fd: int, value: Any) -> Any:
    os.write(fd, b".")
    return value


# ---- Results


@pytest.mark.parametrize("source", SYNCHRONOUS + ASYNCHRONOUS)
def test_results_come_in_order(run_everywhere: RunUse, source: Source) -> None:
    async def use(runner: Runner) -> list[int]:
        return await collect(runner.map(work.square, source(range(100)), limit=7))

    assert run_everywhere(use) == [n * n for n in range(100)]


@pytest.mark.parametrize("source", BOTH)
@pytest.mark.parametrize("limit", [1, 50, None, *once(2, 3, 51, 1000)])
@pytest.mark.parametrize("ordered", [True, False])
def test_no_result_is_lost_or_given_twice(run: RunUse, source: Source, limit: int | None, ordered: bool) -> None:
    async def use(runner: Runner) -> list[int]:
        return await collect(runner.map(work.square, source(range(50)), limit=limit, ordered=ordered))

    results = run(use)
    assert sorted(results) == [n * n for n in range(50)]
    assert not ordered or results == sorted(results)


@pytest.mark.parametrize("source", SYNCHRONOUS + ASYNCHRONOUS)
@pytest.mark.parametrize("ordered", [True, False])
def test_nothing_of_nothing(run: RunUse, source: Source, ordered: bool) -> None:
    async def use(runner: Runner) -> list[int]:
        return await collect(runner.map(work.square, source(()), ordered=ordered))

    assert run(use) == []


@pytest.mark.parametrize(
    "fn",
    [interpreter(work.square), work.tagged_square, lambda x: x * x, functools.partial(work.add, -1, 1), coroutines.square],
)
def test_functions_of_all_kinds(run: RunUse, fn: Callable[[int], int]) -> None:
    async def use(runner: Runner) -> list[int]:
        return await collect(runner.map(fn, [3, 4]))

    assert run(use) in ([9, 16], [3, 4])


def test_calls_run_in_interpreters_at_the_same_time(run: RunUse, gate: Gate) -> None:
    async def use(runner: Runner) -> set[str]:
        results = runner.map(work.call_row, [(gates.hold_then, gate.ends, work.here)] * 2)
        task = asyncio.create_task(collect(results))
        await asyncio.to_thread(gate.wait_for, 2)
        gate.open(2)
        return set(await task)

    places = run(use)
    assert len(places) == 2
    assert work.HERE not in places


@pytest.mark.parametrize("first", [list, generate, *once(passed_on, Stream)])
@pytest.mark.parametrize("second", [passed_on, AsyncRows, *once(list, generate_slowly)])
@pytest.mark.parametrize("ordered", [True, False])
def test_several_iterables_are_zipped(run: RunUse, first: Source, second: Source, ordered: bool) -> None:
    async def use(runner: Runner) -> list[int]:
        results = runner.map(work.add, first(range(40)), second(range(100, 1000)), limit=5, ordered=ordered)
        return await collect(results)

    results = run(use)
    assert sorted(results) == [100 + 2 * n for n in range(40)]
    assert not ordered or results == sorted(results)


@pytest.mark.parametrize("asynchronous", [False, True])
def test_the_shortest_iterable_ends_it(run: RunUse, asynchronous: bool) -> None:
    async def use(runner: Runner) -> None:
        lists: list[list[int]] = [[1, 2, 3], [10, 20], [100, 200, 300]]
        for turned in ([*lists[n:], *lists[:n]] for n in range(3)):
            sources = [generate(each) for each in turned] if asynchronous else turned
            assert await collect(runner.map(_total, *sources)) == [111, 222]
        assert await collect(runner.map(_total, [], itertools.count())) == []
        assert await collect(runner.map(_total, generate([]), itertools.count())) == []
        assert await collect(runner.map(_total, *([n] for n in range(5)))) == [10]

    run(use)


def _total(*numbers: int) -> int:
    return sum(numbers)


@pytest.mark.parametrize("source", BOTH)
def test_an_exception_of_one_of_several_iterables(run: RunUse, source: Source) -> None:
    def failing() -> Iterator[int]:
        yield 1
        raise LookupError("no more")

    async def use(runner: Runner) -> None:
        results = runner.map(work.add, source([1, 2, 3]), failing())
        assert await anext(results) == 2
        with pytest.raises(LookupError, match="no more"):
            await anext(results)
        not_iterable: Any = 5
        with pytest.raises(TypeError, match="iter"):
            runner.map(work.add, source([1]), not_iterable)
        call: Any = runner.map
        with pytest.raises(TypeError):
            call(work.add)

    run(use)


def test_items_that_look_like_arguments_are_one(run: RunUse) -> None:
    async def use(runner: Runner) -> list[Any]:
        return await collect(runner.map(work.echo_call, [(1, 2), {"a": 1}, None]))

    assert run(use) == [(((1, 2),), {}), (({"a": 1},), {}), ((None,), {})]


@pytest.mark.parametrize("source", BOTH)
def test_ordered_results_wait_for_those_before_them(run: RunUse, gate: Gate, source: Source) -> None:
    async def use(runner: Runner) -> list[str]:
        reader, writer = os.pipe()
        rows = [(gates.hold, gate.ends, "held"), (_mark_and_echo, writer, "free")]
        task = asyncio.create_task(collect(runner.map(work.call_row, source(rows))))
        await asyncio.to_thread(gate.wait_for)
        assert await asyncio.to_thread(os.read, reader, 1) == b"."
        await turns()
        assert not task.done()
        gate.open()
        os.close(reader)
        os.close(writer)
        return await task

    assert run(use) == ["held", "free"]


@pytest.mark.parametrize("source", BOTH)
def test_unordered_results_come_as_calls_end(run_everywhere: RunUse, gate: Gate, source: Source) -> None:
    async def use(runner: Runner) -> list[Any]:
        rows = [(gates.hold, gate.ends, "held"), *((work.square, n) for n in range(20))]
        results = runner.map(work.call_row, source(rows), limit=3, ordered=False)
        first = await take(results, 20)
        assert sorted(first) == [n * n for n in range(20)]
        gate.open()
        return await collect(results)

    assert run_everywhere(use) == ["held"]


def test_a_result_does_not_wait_for_the_next_item_of_a_stream(run: RunUse) -> None:
    async def endless_source() -> AsyncIterator[int]:
        yield 3
        await asyncio.Event().wait()

    async def use(runner: Runner) -> int:
        async with aclosing(runner.map(work.square, endless_source())) as results:
            return await anext(results)

    assert run(use) == 9


def test_large_results(run: RunUse) -> None:
    async def use(runner: Runner) -> list[int]:
        large = runner.map(_bytes, [4 << 20] * 6, limit=2)
        return [len(each) async for each in large]

    assert run(use) == [4 << 20] * 6


def _bytes(count: int) -> bytes:
    return b"x" * count


def test_many_items(run: RunUse) -> None:
    async def use(runner: Runner) -> int:
        total = 0
        async for result in runner.map(work.square, range(20_000)):
            total += result
        return total

    assert run(use) == sum(n * n for n in range(20_000))


# ---- Backpressure


@pytest.mark.parametrize("source", LAZY)
@pytest.mark.parametrize("limit", [1, 5, *once(2)])
@pytest.mark.parametrize("ordered", [True, False])
def test_no_more_is_taken_than_the_limit_while_calls_run(
    run_everywhere: RunUse, gate: Gate, source: Source, limit: int, ordered: bool
) -> None:
    async def use(runner: Runner) -> None:
        counted = Counted()
        fn = functools.partial(gates.hold, gate.ends)
        async with aclosing(runner.map(fn, source(counted), limit=limit, ordered=ordered)) as results:
            task = asyncio.create_task(take(results, 1))
            await asyncio.to_thread(gate.wait_for, min(limit, 2))
            await turns(100)
            assert counted.taken == limit
            assert not task.done()
            gate.open_wide()
            await task

    run_everywhere(use)


@pytest.mark.parametrize("source", LAZY)
@pytest.mark.parametrize("limit", [1, 20, *once(2, 5)])
@pytest.mark.parametrize("ordered", [True, False])
def test_no_more_is_taken_than_the_limit_ahead_of_a_slow_consumer(
    run: RunUse, source: Source, limit: int, ordered: bool
) -> None:
    async def use(runner: Runner) -> None:
        counted = Counted()
        ahead = []
        async with aclosing(runner.map(work.square, source(counted), limit=limit, ordered=ordered)) as results:
            consumed = 0
            async for _ in results:
                consumed += 1
                await turns(30)
                ahead.append(counted.taken - consumed)
                if consumed == 30:
                    break
        assert max(ahead) <= limit
        assert max(ahead) >= limit - 1

    run(use)


@pytest.mark.parametrize("source", LAZY)
def test_what_waits_for_the_consumer_counts(run: RunUse, source: Source) -> None:
    async def use(runner: Runner) -> None:
        counted = Counted()
        reader, writer = os.pipe()
        fn = functools.partial(_mark_and_echo, writer)
        async with aclosing(runner.map(fn, source(counted), limit=4)) as results:
            await anext(results)
            ended = 0
            while ended < 4:
                ended += len(await asyncio.to_thread(os.read, reader, 100))
            await turns(100)
            assert counted.taken <= 5
        os.close(reader)
        os.close(writer)

    run(use)


@pytest.mark.parametrize("source", LAZY)
def test_an_endless_iterable(run: RunUse, source: Source) -> None:
    async def use(runner: Runner) -> list[int]:
        async with aclosing(runner.map(work.square, source(Counted()), limit=5)) as results:
            return await take(results, 200)

    assert run(use) == [n * n for n in range(200)]


@pytest.mark.parametrize("source", BOTH)
def test_without_a_limit_there_is_one(run: RunUse, gate: Gate, source: Source) -> None:
    async def use(runner: Runner) -> int:
        counted = Counted()
        async with aclosing(runner.map(functools.partial(gates.hold, gate.ends), source(counted))) as results:
            task = asyncio.create_task(take(results, 1))
            await asyncio.to_thread(gate.wait_for, 2)
            await turns(100)
            taken = counted.taken
            gate.open_wide()
            await task
        return taken

    assert run(use) == 64


@pytest.mark.parametrize("source", LAZY)
def test_nothing_is_taken_before_the_first_result_is_asked_for(run: RunUse, source: Source) -> None:
    async def use(runner: Runner) -> int:
        counted = Counted()
        results = runner.map(work.square, source(counted), limit=3)
        await turns()
        assert counted.taken == 0
        del results
        await turns()
        return counted.taken

    assert run(use) == 0


# ---- Exceptions


class SourceError(Exception):
    """Raised by an iterable."""


def fail_after(count: int) -> Iterator[int]:
    """Items, and then an exception."""
    yield from range(count)
    raise SourceError(count)


def fail_at_three(n: int) -> int:
    """Fail for one of the items."""
    if n == 3:
        raise failures.Custom(n, "three")
    return n


@pytest.mark.parametrize("source", BOTH)
@pytest.mark.parametrize("limit", [1, None, *once(2, 10)])
def test_an_exception_of_a_call_comes_in_its_place_and_ends_the_iteration(
    run: RunUse, source: Source, limit: int | None
) -> None:
    async def use(runner: Runner) -> tuple[list[int], int]:
        counted = Counted()
        results = runner.map(fail_at_three, source(counted), limit=limit)
        seen = []
        with pytest.raises(failures.Custom) as caught:
            async for result in results:
                seen.append(result)
        assert caught.value.args == (3, "three")
        with pytest.raises(StopAsyncIteration):
            await anext(results)
        return seen, counted.taken

    seen, taken = run(use)
    assert seen == [0, 1, 2]
    assert taken <= 4 + (limit or 64)


@pytest.mark.parametrize("source", BOTH)
@pytest.mark.parametrize("ordered", [True, False])
def test_an_exception_of_a_call_stops_the_others(run_everywhere: RunUse, gate: Gate, source: Source, ordered: bool) -> None:
    async def use(runner: Runner) -> None:
        rows = [(gates.hold_then, gate.ends, failures.fail_with_custom), *[(endless.loop, gate.ends)] * 5]
        task = asyncio.create_task(collect(runner.map(work.call_row, source(rows), ordered=ordered)))
        await asyncio.to_thread(gate.wait_for, 2)
        gate.open()
        with pytest.raises(failures.Custom):
            await task
        assert await runner.run(work.square, 3) == 9

    run_everywhere(use)


@pytest.mark.parametrize("source", BOTH)
@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("limit", [1, 10, *once(3)])
def test_an_exception_of_the_iterable_comes_after_the_results_before_it(
    run: RunUse, source: Source, ordered: bool, limit: int
) -> None:
    async def use(runner: Runner) -> list[int]:
        seen = []
        with pytest.raises(SourceError):
            async for result in runner.map(work.square, source(fail_after(5)), ordered=ordered, limit=limit):
                seen.append(result)
        return seen

    assert sorted(run(use)) == [0, 1, 4, 9, 16]


@pytest.mark.parametrize("source", BOTH)
def test_an_iterable_that_fails_at_once(run: RunUse, source: Source) -> None:
    async def use(runner: Runner) -> None:
        with pytest.raises(SourceError):
            await collect(runner.map(work.square, source(fail_after(0))))

    run(use)


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("source", BOTH)
def test_an_iterable_that_was_cancelled_is_not_complete(run: RunUse, source: Source, ordered: bool) -> None:
    def items() -> Iterator[int]:
        yield from range(3)
        raise asyncio.CancelledError

    async def use(runner: Runner) -> None:
        with pytest.raises(asyncio.CancelledError):
            await collect(runner.map(work.square, source(items()), ordered=ordered))

    run(use)


@pytest.mark.parametrize("source", BOTH)
def test_calls_and_iterable_both_fail(run: RunUse, source: Source) -> None:
    async def use(runner: Runner) -> None:
        with pytest.raises(failures.Custom):
            await collect(runner.map(fail_at_three, source(fail_after(10)), limit=2))

    run(use)


@pytest.mark.parametrize("source", BOTH)
def test_all_calls_fail(run: RunUse, source: Source) -> None:
    async def use(runner: Runner) -> None:
        with pytest.raises(failures.Custom):
            await collect(runner.map(failures.fail_whatever_comes, source(range(100))))

    run(use)


@pytest.mark.parametrize("source", BOTH)
def test_what_cannot_cross(run: RunUse, source: Source) -> None:
    async def use(runner: Runner) -> None:
        with pytest.raises(NotTransferableError, match="argument 0: generator objects cannot cross"):
            await collect(runner.map(work.echo, source([1, shapes.empty_generator()])))
        with pytest.raises(NotTransferableError, match="result"):
            await collect(runner.map(work.call, source([shapes.make_generator])))

    run(use)


@pytest.mark.parametrize("error", [StopIteration("stop"), StopAsyncIteration("stop"), TimeoutError("time"), KeyError("k")])
@pytest.mark.parametrize("ordered", [True, False])
def test_exceptions_that_mean_something_to_iterators(run: RunUse, error: Exception, ordered: bool) -> None:
    """Inside a generator they become a RuntimeError, as everywhere."""

    async def use(runner: Runner) -> None:
        expected = RuntimeError if isinstance(error, StopIteration | StopAsyncIteration) else type(error)
        with pytest.raises(expected):
            await collect(runner.map(failures.fail, [error], ordered=ordered))

    run(use)


# ---- Misuse


@pytest.mark.parametrize(
    ("limit", "error"), [(0, ValueError), (-1, ValueError), (1.5, TypeError), ("3", TypeError), ((), TypeError)]
)
def test_limits_that_are_none(run: RunUse, limit: Any, error: type[Exception]) -> None:
    async def use(runner: Runner) -> None:
        with pytest.raises(error, match="limit must be"):
            runner.map(work.square, [3], limit=limit)

    run(use)


@pytest.mark.parametrize("iterable", [None, 5, object(), work.square, generate, Exception])
def test_what_cannot_be_iterated(run: RunUse, iterable: Any) -> None:
    async def use(runner: Runner) -> None:
        with pytest.raises(TypeError, match="iterable"):
            runner.map(work.square, iterable)

    run(use)


@pytest.mark.parametrize("items", [[], [3]], ids=["no items", "an item"])
def test_what_is_no_function(run: RunUse, items: list[int]) -> None:
    async def use(runner: Runner) -> None:
        nothing: Any = 5
        with pytest.raises(TypeError, match="call"):
            runner.map(nothing, items)

    run(use)


def test_an_asynchronous_iterable_that_is_none(run: RunUse) -> None:
    class Broken:
        def __aiter__(self) -> int:
            return 5

    async def use(runner: Runner) -> None:
        broken: Any = Broken()
        with pytest.raises(TypeError, match=r"__anext__|async"):
            await collect(runner.map(work.square, broken))

    run(use)


def test_a_map_that_is_iterated_after_the_runner_s_end() -> None:
    async def main() -> None:
        runner = Runner(workers=1)
        async with runner:
            results = runner.map(work.square, [3])
        with pytest.raises(RuntimeError, match="shutdown"):
            await anext(results)

    asyncio.run(main())
