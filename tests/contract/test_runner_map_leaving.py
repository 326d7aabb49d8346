"""`Runner.map`: leaving the iteration stops the work, and no object is kept."""

import asyncio
import functools
import itertools
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any, Never

import pytest

from aiointerpreters import Runner
from support import endless, loops, runners, shapes, work
from support.gate import Gate
from support.kinds import no_collector
from support.runners import BOTH, RunUse, Source, collect, generate, passed_on, take, turns
from support.scripts import run_script

run = runners.run_use
run_everywhere = runners.run_use_everywhere


make_loop = loops.make_loop


class SourceError(Exception):
    """Raised by an iterable."""


# ---- The consumer leaves


type Leave = Callable[[AsyncGenerator[Any], Callable[[], Coroutine[Any, Any, None]]], Coroutine[Any, Any, None]]


async def by_break(results: AsyncGenerator[Any], all_run: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """By `break` and aclose."""
    async for _ in results:
        await all_run()
        break
    await results.aclose()


async def by_aclosing(results: AsyncGenerator[Any], all_run: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """By an exception."""
    with pytest.raises(LookupError):
        async with aclosing(results):
            async for _ in results:
                await all_run()
                raise LookupError


async def by_throwing(results: AsyncGenerator[Any], all_run: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """By an exception that is thrown into the generator."""
    await anext(results)
    await all_run()
    with pytest.raises(LookupError):
        await results.athrow(LookupError())


async def by_cancel(results: AsyncGenerator[Any], all_run: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """By cancellation, while the next result is awaited."""
    await anext(results)
    task = asyncio.create_task(collect(results))
    await asyncio.sleep(0)  # it has begun
    await all_run()
    await turns()  # it has begun
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def by_timeout(results: AsyncGenerator[Any], all_run: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """By a timeout, while the next result is awaited."""
    await anext(results)
    scope = asyncio.timeout(None)
    task = asyncio.create_task(_collect_in(scope, results))
    await all_run()
    await turns()  # it has begun
    scope.reschedule(-1)
    with pytest.raises(TimeoutError):
        await task


async def _collect_in(scope: asyncio.Timeout, results: AsyncGenerator[Any]) -> None:
    async with scope:
        await collect(results)


async def by_task_group(results: AsyncGenerator[Any], all_run: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """By a task group in which another task fails."""

    async def fail() -> None:
        await all_run()
        await turns()
        raise LookupError

    await anext(results)
    with pytest.raises(ExceptionGroup):
        async with asyncio.TaskGroup() as group:
            group.create_task(collect(results))
            group.create_task(fail())


WAYS: list[Leave] = [by_break, by_aclosing, by_throwing, by_cancel, by_timeout, by_task_group]


@pytest.mark.parametrize("leave", WAYS)
@pytest.mark.parametrize("source", BOTH)
@pytest.mark.parametrize("ordered", [True, False])
def test_who_leaves_stops_what_runs_and_what_is_queued(
    run_everywhere: RunUse, gate: Gate, tmp_path: Path, leave: Leave, source: Source, ordered: bool
) -> None:
    async def use(runner: Runner) -> None:
        rows = [(work.square, 3), *((endless.cleans_up, gate.ends, mark) for mark in marks), *[(endless.loop,)] * 4]
        results = runner.map(work.call_row, source(rows), limit=6, ordered=ordered)
        await leave(results, functools.partial(asyncio.to_thread, gate.wait_for, 2))
        with pytest.raises(StopAsyncIteration):
            await anext(results)
        assert [await runner.run(work.square, n) for n in (4, 5)] == [16, 25]

    marks = [str(tmp_path / name) for name in ("first", "second")]
    run_everywhere(use)
    assert [Path(mark).read_text() for mark in marks] == ["cleaned up"] * 2


@pytest.mark.parametrize("source", BOTH)
def test_a_dropped_iterator_stops_its_work(run_everywhere: RunUse, gate: Gate, source: Source) -> None:
    async def use(runner: Runner) -> None:
        async for _ in runner.map(work.call_row, source([(work.square, 3), *[(endless.loop, gate.ends)] * 5])):
            await asyncio.to_thread(gate.wait_for, 2)
            break
        assert await runner.run(work.square, 3) == 9

    run_everywhere(use)


def test_a_cancelled_task_that_held_the_only_iterator_stops_its_work(run: RunUse, gate: Gate) -> None:
    async def consume(runner: Runner) -> None:
        async for _ in runner.map(work.call_row, [(work.square, 3), *[(endless.loop, gate.ends)] * 5]):
            await asyncio.Event().wait()

    async def use(runner: Runner) -> None:
        task = asyncio.create_task(consume(runner))
        await asyncio.to_thread(gate.wait_for, 2)
        await turns()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        del task
        assert await runner.run(work.square, 3) == 9

    run(use)


@pytest.mark.parametrize("block", ["with Runner(workers=1).start() as runner", "async with Runner(workers=1) as runner"])
def test_a_block_ends_though_a_dropped_iterator_had_endless_work(tmp_path: Path, block: str) -> None:
    run_script(
        tmp_path,
        f"""
import asyncio
from aiointerpreters import Runner
from support import endless, work
from support.gate import Gate

async def main(gate):
    {block}:
        async for result in runner.map(work.call_row, [(work.square, 3), (endless.loop, gate.ends)]):
            await asyncio.to_thread(gate.wait_for)
            print(result)
            break
    print("left")

if __name__ == "__main__":
    asyncio.run(main(Gate()))
""",
    ).check("9", "left")


def test_a_program_that_ends_while_a_map_is_under_way(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        """
import asyncio, itertools
from aiointerpreters import Runner
from support import work

async def main():
    async with Runner(workers=2) as runner:
        results = runner.map(work.square, itertools.count(3))
        print(await anext(results))

if __name__ == "__main__":
    asyncio.run(main(), debug=True)
    print("after")
""",
        options=["-W", "error"],
    ).check("9", "after")


def test_a_generator_that_nobody_else_has_is_closed(run: RunUse) -> None:
    closed = []

    def source() -> Iterator[int]:
        try:
            yield from itertools.count()
        finally:
            closed.append("closed")

    async def use(runner: Runner) -> None:
        results = runner.map(work.square, source(), limit=3)
        assert await take(results, 2) == [0, 1]
        await results.aclose()
        assert closed == ["closed"]

    run(use)


@pytest.mark.parametrize("limit", [1, 3])
def test_an_asynchronous_generator_that_nobody_else_has_is_closed(run_everywhere: RunUse, limit: int) -> None:
    async def use(runner: Runner) -> None:
        closed = asyncio.Event()
        results = runner.map(work.square, generate(itertools.count(), closed=closed), limit=limit)
        assert await take(results, 2) == [0, 1]
        await results.aclose()
        await closed.wait()

    run_everywhere(use)


def test_an_asynchronous_generator_that_waits_for_its_next_item_is_closed_when_the_consumer_has_left(run: RunUse) -> None:
    async def source(closed: list[str]) -> AsyncIterator[int]:
        try:
            yield 3
            await asyncio.Event().wait()
        finally:
            await turns(3)
            closed.append("closed")

    async def use(runner: Runner) -> list[str]:
        closed: list[str] = []
        async with aclosing(runner.map(work.square, source(closed))) as results:
            assert await anext(results) == 9
            await turns()
        return closed

    assert run(use) == ["closed"]


@pytest.mark.parametrize("ordered", [True, False])
def test_generators_that_somebody_else_has_can_be_gone_on_with(run: RunUse, ordered: bool) -> None:
    async def use(runner: Runner) -> None:
        counted = iter(range(1000))
        rows, stream = passed_on(counted), generate(counted)
        for source in (rows, stream):
            results = runner.map(work.square, source, limit=3, ordered=ordered)
            await anext(results)
            await results.aclose()
        following = next(rows)
        assert await anext(stream) == following + 1

    run(use)


def test_an_exception_of_an_iterable_that_is_left_is_raised(run: RunUse) -> None:
    async def source() -> AsyncIterator[int]:
        try:
            yield 3
            await asyncio.Event().wait()
        finally:
            raise SourceError("when it was left")

    async def use(runner: Runner) -> None:
        results = runner.map(work.square, source())
        assert await anext(results) == 9
        await turns()
        with pytest.raises(SourceError, match="when it was left"):
            await results.aclose()

    run(use)


def test_an_iterable_that_swallows_the_cancellation_gives_no_further_items(run: RunUse) -> None:
    given = []

    async def source() -> AsyncIterator[int]:
        yield 3
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            for n in range(5):
                given.append(n)
                yield n

    async def use(runner: Runner) -> None:
        results = runner.map(work.square, source(), limit=1)
        assert await anext(results) == 9
        await turns()
        await results.aclose()

    run(use)
    assert given in ([], [0])


def test_leaving_an_iterator_that_nobody_began(run: RunUse) -> None:
    async def use(runner: Runner) -> None:
        await runner.map(work.square, generate([3])).aclose()
        await runner.map(work.square, passed_on([3])).aclose()
        runner.map(work.square, generate([3]))
        runner.map(work.square, passed_on([3]))

    run(use)


# ---- Several at once


def test_two_maps_at_once(run: RunUse) -> None:
    async def use(runner: Runner) -> list[list[int]]:
        first = asyncio.create_task(collect(runner.map(work.square, range(100), limit=5)))
        second = asyncio.create_task(collect(runner.map(work.square, generate(range(100, 200)), limit=5)))
        return [await first, await second]

    assert run(use) == [[n * n for n in range(100)], [n * n for n in range(100, 200)]]


def test_maps_in_a_task_group(run: RunUse) -> None:
    async def use(runner: Runner) -> list[list[int]]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(collect(runner.map(work.square, range(n)))) for n in range(10)]
        return [task.result() for task in tasks]

    assert run(use) == [[i * i for i in range(n)] for n in range(10)]


@pytest.mark.parametrize("ordered", [True, False])
def test_a_map_of_a_map(run: RunUse, ordered: bool) -> None:
    async def use(runner: Runner) -> list[int]:
        inner = runner.map(work.square, itertools.count(), limit=3)
        async with aclosing(inner), aclosing(runner.map(work.square, inner, limit=3, ordered=ordered)) as outer:
            return await take(outer, 10) if ordered else sorted(await take(outer, 1))

    assert run(use) in ([n**4 for n in range(10)], [0], [1], [16])


def test_other_tasks_go_on_while_a_map_is_consumed_at_full_speed(run: RunUse) -> None:
    async def use(runner: Runner) -> int:
        count = 0

        async def tick() -> Never:
            nonlocal count
            while True:
                await asyncio.sleep(0)
                count += 1

        ticking = asyncio.create_task(tick())
        async for _ in runner.map(work.square, range(1000), limit=4):
            pass
        ticking.cancel()
        return count

    assert run(use) >= 100


# ---- Nothing is kept


class Gone:
    """Reports the death of an object."""

    def __init__(self, value: Any) -> None:
        loop, self._event = asyncio.get_running_loop(), asyncio.Event()
        self._reference = weakref.ref(value, lambda _: loop.call_soon_threadsafe(self._event.set))

    async def wait(self) -> None:
        """Wait until it is gone. If it stays, pytest's timeout ends the wait."""
        await self._event.wait()


@pytest.fixture
def without_collector() -> Iterator[None]:
    """Objects must die by their reference count alone."""
    with no_collector():
        yield


@pytest.mark.usefixtures("without_collector")
@pytest.mark.parametrize("source", BOTH)
@pytest.mark.parametrize("ordered", [True, False])
def test_items_and_results_are_let_go_as_they_pass(run: RunUse, source: Source, ordered: bool) -> None:
    async def use(runner: Runner) -> None:
        gone: list[Gone] = []

        def nodes() -> Iterator[shapes.Node]:
            for n in range(20):
                node = shapes.Node(str(n))
                gone.append(Gone(node))
                yield node
                del node

        async for result in runner.map(work.echo, source(nodes()), limit=3, ordered=ordered):
            gone.append(Gone(result))
            del result
        assert len(gone) == 40
        for each in gone:
            await each.wait()

    run(use)


@pytest.mark.usefixtures("without_collector")
@pytest.mark.parametrize("source", BOTH)
def test_a_consumed_result_is_not_kept_while_the_consumer_works(run: RunUse, source: Source) -> None:
    async def use(runner: Runner) -> None:
        async with aclosing(runner.map(shapes.Node, source(map(str, range(5))), limit=2)) as results:
            first = await anext(results)
            gone = Gone(first)
            del first
            await gone.wait()

    run(use)


@pytest.mark.usefixtures("without_collector")
@pytest.mark.parametrize("source", BOTH)
@pytest.mark.parametrize("how", ["to its end", "left", "failed", "iterable failed", "never begun"])
def test_function_and_iterable_are_let_go(run: RunUse, source: Source, how: str) -> None:
    class Rows:
        def __iter__(self) -> Iterator[int]:
            yield from range(8)
            if how == "iterable failed":
                raise LookupError
            yield 8

    async def use(runner: Runner) -> None:
        def inner(n: int) -> int:
            if n == 8 and how == "failed":
                raise LookupError
            return n

        rows = Rows()
        gone = [Gone(inner), Gone(rows)]
        results = runner.map(inner, source(rows))
        del inner, rows
        if how == "to its end":
            await collect(results)
        elif how == "left":
            await anext(results)
            await results.aclose()
        elif how in {"failed", "iterable failed"}:
            with pytest.raises(LookupError):
                await collect(results)
        del results
        await turns()
        for each in gone:
            await each.wait()

    run(use)
