"""Loops in several threads await calls and cancel them at random: all futures end, and no other call is hit."""

import asyncio
import random
import threading
from typing import Any

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from aiointerpreters.types import RunFuture
from support import endless, loops, memory, work
from support.loops import MakeLoop
from support.protocols import MakePool
from support.threads import run_in_threads

make_loop = loops.make_loop


def in_loops(make_loop: MakeLoop, count: int, main: Any) -> None:
    """Run `main(number)` in loops in threads of their own."""

    def body(number: int) -> None:
        with asyncio.Runner(loop_factory=make_loop) as runner:
            runner.run(main(number))

    run_in_threads(count, body)


def call(pool: InterpreterThreadPoolExecutor, source: random.Random) -> tuple[RunFuture[Any], Any]:
    """Make one of several calls. Return it with its expected result."""
    n = source.randrange(300)
    match source.randrange(4):
        case 0:
            return pool.run(work.square, n), n * n
        case 1:
            return pool.run(endless.for_a_while, n), n
        case 2:
            return pool.run(work.echo, [b"x" * n * 100, {"n": n}]), [b"x" * n * 100, {"n": n}]
        case _:
            return pool.run(lambda: n), n


async def outcome(future: RunFuture[Any]) -> Any:
    """The result, or CancelledError if the call was cancelled."""
    try:
        return await future
    except asyncio.CancelledError:
        return asyncio.CancelledError


async def check(future: RunFuture[Any], expected: Any, cancelled: bool) -> None:
    """Check that the call has ended as expected."""
    assert await outcome(future) == (asyncio.CancelledError if cancelled else expected)


def test_random_cancellations_in_two_loops(make_pool: MakePool, make_loop: MakeLoop) -> None:
    pool = make_pool(2)

    async def main(number: int) -> None:
        source = random.Random(number)
        counts = [0, 0]
        for _ in range(60):
            calls = [call(pool, source) for _ in range(50)]
            cancelled: set[int] = set()
            for index in source.sample(range(50), 20):
                if source.random() < 0.5:
                    await asyncio.sleep(source.random() * 0.001)
                if calls[index][0].cancel():
                    cancelled.add(index)
            for index, (future, expected) in enumerate(calls):
                await check(future, expected, index in cancelled)
                counts[index in cancelled] += 1
        assert min(counts) > 0

    in_loops(make_loop, 2, main)


def test_every_call_is_cancelled_at_a_random_moment_and_the_next_is_not_hit(
    make_pool: MakePool, make_loop: MakeLoop
) -> None:
    pool = make_pool(1)

    async def main(number: int) -> None:
        source = random.Random(number)
        for n in range(300):
            target = pool.run(endless.for_a_while, 300)
            following = pool.run(endless.for_a_while, n % 50)
            await asyncio.sleep(source.random() * 0.003)
            cancelled = target.cancel()
            assert await following == n % 50
            await check(target, 300, cancelled)

    in_loops(make_loop, 2, main)


def test_tasks_that_time_out_at_random(make_pool: MakePool, make_loop: MakeLoop) -> None:
    pool = make_pool(2)

    async def limited(source: random.Random) -> None:
        future, expected = call(pool, source)
        try:
            async with asyncio.timeout(source.random() * 0.005):
                assert await future == expected
        except TimeoutError:
            assert future.done()  # with a result, if both came at the same time

    async def main(number: int) -> None:
        source = random.Random(number)
        for _ in range(20):
            async with asyncio.TaskGroup() as group:
                for _ in range(50):
                    group.create_task(limited(source))
        assert await pool.run(work.square, number) == number * number

    in_loops(make_loop, 2, main)


def test_endless_calls_in_loops_that_close(make_pool: MakePool, make_loop: MakeLoop) -> None:
    pool = make_pool(2)

    async def main(number: int) -> None:
        source = random.Random(number)
        for n in range(20):
            futures: list[RunFuture[Any]] = [pool.run(endless.loop) for _ in range(3)]
            for future in futures:
                await asyncio.sleep(source.random() * 0.002)
                future.cancel()
            await check(pool.run(work.square, n), n * n, False)

    async def leave(number: int) -> None:
        for _ in range(number % 4):
            pool.run(endless.for_a_while, 200)
        await asyncio.sleep(0.001 * number)

    before = loops.descriptors()
    for _ in range(5):
        in_loops(make_loop, 4, leave)
        in_loops(make_loop, 2, main)
    assert loops.descriptors() == before


def test_leases_come_back_whatever_is_cancelled(make_pool: MakePool, make_loop: MakeLoop) -> None:
    pool = make_pool(2)
    exporters = [bytearray(1000) for _ in range(2)]

    async def main(number: int) -> None:
        source = random.Random(number)
        for _ in range(20):
            futures = [pool.run(memory.content, memoryview(exporters[number])) for _ in range(50)]
            for future in source.sample(futures, 20):
                await asyncio.sleep(0)
                future.cancel()
            for future in futures:
                assert await outcome(future) in (bytes(1000), asyncio.CancelledError)

    in_loops(make_loop, 2, main)
    for exporter in exporters:
        memory.wait_until_back(exporter)


def test_shutdown_while_two_loops_await(make_loop: MakeLoop) -> None:
    """All calls end, with results or cancelled, and further calls are refused."""
    for n in range(20):
        pool = InterpreterThreadPoolExecutor(2)
        both_await = threading.Barrier(3)

        async def main(
            _: int, pool: InterpreterThreadPoolExecutor = pool, both_await: threading.Barrier = both_await
        ) -> None:
            futures = [pool.run(endless.for_a_while, 20) for _ in range(100)]
            both_await.wait()
            for future in futures:
                assert await outcome(future) in (20, asyncio.CancelledError)
            with pytest.raises(RuntimeError):
                while True:
                    await pool.run(work.nothing)

        def shut_down(
            pool: InterpreterThreadPoolExecutor = pool, both_await: threading.Barrier = both_await, n: int = n
        ) -> None:
            both_await.wait()
            pool.shutdown(cancel_futures=n % 2 == 0)

        thread = threading.Thread(target=shut_down)
        thread.start()
        in_loops(make_loop, 2, main)
        thread.join()


def test_loops_and_threads_share_a_pool(make_pool: MakePool, make_loop: MakeLoop) -> None:
    pool = make_pool(2)
    ended = threading.Event()
    submitted: list[int] = []

    def submit() -> None:
        while not ended.is_set():
            assert pool.submit(interpreter(endless.for_a_while), 7).result() == 7
            submitted.append(7)

    thread = threading.Thread(target=submit)
    thread.start()

    async def main(number: int) -> None:
        source = random.Random(number)
        for _ in range(30):
            calls = [call(pool, source) for _ in range(30)]
            cancelled = [source.random() < 0.3 and future.cancel() for future, _ in calls]
            for (future, expected), is_cancelled in zip(calls, cancelled, strict=True):
                await check(future, expected, is_cancelled)

    try:
        in_loops(make_loop, 2, main)
    finally:
        ended.set()
        thread.join()
    assert submitted
