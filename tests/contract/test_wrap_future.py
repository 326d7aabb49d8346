"""Futures that an event loop awaits by asyncio's wrap_future, and other uses of them meanwhile."""

import asyncio
import concurrent.futures
import gc
import threading
import weakref
from concurrent.futures import Future
from typing import Any

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, TaskInterrupted, interpreter
from support import endless, failures, loops, work
from support.gate import Gate, hold
from support.loops import MakeLoop, Run
from support.protocols import MakePool

make_loop = loops.make_loop
run = loops.run


def held(pool: InterpreterThreadPoolExecutor, gate: Gate, value: Any = None) -> Future[Any]:
    """A call that runs until the gate opens."""
    future = pool.submit(interpreter(hold), gate.ends, value)
    gate.wait_for()
    return future


def test_results_and_exceptions_arrive(pool: InterpreterThreadPoolExecutor, run: Run) -> None:
    async def main() -> list[Any]:
        calls = [pool.submit(interpreter(work.square), n) for n in range(500)]
        failing = pool.submit(interpreter(failures.fail_with_custom))
        with pytest.raises(failures.Custom):
            await asyncio.wrap_future(failing)
        return await asyncio.gather(*map(asyncio.wrap_future, calls))

    assert run(main()) == [n * n for n in range(500)]


def test_one_that_has_ended_before(pool: InterpreterThreadPoolExecutor, run: Run) -> None:
    async def main() -> Any:
        future = pool.submit(interpreter(work.square), 3)
        concurrent.futures.wait([future])
        return await asyncio.wrap_future(future)

    assert run(main()) == 9


def test_one_that_is_awaited_twice(pool: InterpreterThreadPoolExecutor, gate: Gate, run: Run) -> None:
    async def main() -> list[Any]:
        future = held(pool, gate, 7)
        wrapped = [asyncio.wrap_future(future), asyncio.wrap_future(future)]
        gate.open()
        return await asyncio.gather(*wrapped)

    assert run(main()) == [7, 7]


def test_one_that_has_other_callbacks_too(pool: InterpreterThreadPoolExecutor, gate: Gate, run: Run) -> None:
    told: list[str] = []

    async def main() -> None:
        future = held(pool, gate)
        future.add_done_callback(lambda _: told.append("before"))
        wrapped = asyncio.wrap_future(future)
        last = threading.Event()
        future.add_done_callback(lambda _: told.append("after"))
        future.add_done_callback(lambda _: last.set())
        gate.open()
        await wrapped
        last.wait()

    run(main())
    assert told == ["before", "after"]


def test_a_loop_that_blocks_in_result_is_not_needed_for_it(
    pool: InterpreterThreadPoolExecutor, gate: Gate, run: Run
) -> None:
    async def main() -> list[Any]:
        future = held(pool, gate, 7)
        wrapped = asyncio.wrap_future(future)
        gate.open()
        return [future.result(), await wrapped]

    assert run(main()) == [7, 7]


def test_a_loop_that_blocks_in_wait_is_not_needed_for_it(pool: InterpreterThreadPoolExecutor, gate: Gate, run: Run) -> None:
    async def main() -> Any:
        future = held(pool, gate, 7)
        wrapped = asyncio.wrap_future(future)
        gate.open()
        assert concurrent.futures.wait([future]).done == {future}
        assert list(concurrent.futures.as_completed([future])) == [future]
        return await wrapped

    assert run(main()) == 7


def test_another_thread_may_wait_for_it_too(pool: InterpreterThreadPoolExecutor, gate: Gate, run: Run) -> None:
    async def main() -> list[Any]:
        future = held(pool, gate, 7)
        wrapped = asyncio.wrap_future(future)
        waiting = asyncio.create_task(asyncio.to_thread(concurrent.futures.wait, [future]))
        while not future._waiters:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0)
        gate.open()
        return [await wrapped, (await waiting).done]

    result, done = run(main())
    assert result == 7
    assert [future.result() for future in done] == [7]


def test_cancelling_what_awaits_cancels_a_queued_call(make_pool: MakePool, gate: Gate, run: Run) -> None:
    pool = make_pool(1)

    async def main() -> tuple[bool, Any]:
        running = held(pool, gate)
        queued = pool.submit(interpreter(work.square), 3)
        wrapped = asyncio.wrap_future(queued)
        wrapped.cancel()
        with pytest.raises(asyncio.CancelledError):
            await wrapped
        await asyncio.sleep(0)  # a callback delivers the end
        is_cancelled = queued.cancelled()
        gate.open()
        return is_cancelled, await asyncio.wrap_future(running)

    assert run(main()) == (True, None)


def test_cancelling_the_call_cancels_what_awaits(make_pool: MakePool, gate: Gate, run: Run) -> None:
    pool = make_pool(1)

    async def main() -> None:
        running = held(pool, gate)
        queued = pool.submit(interpreter(work.square), 3)
        wrapped = asyncio.wrap_future(queued)
        assert queued.cancel()
        with pytest.raises(asyncio.CancelledError):
            await wrapped
        gate.open()
        await asyncio.wrap_future(running)

    run(main())


def test_an_interrupted_call(pool: InterpreterThreadPoolExecutor, gate: Gate, run: Run) -> None:
    async def main() -> None:
        future = pool.submit(interpreter(endless.loop), gate.ends)
        gate.wait_for()
        wrapped = asyncio.wrap_future(future)
        assert future.interrupt()
        with pytest.raises(TaskInterrupted):
            await wrapped

    run(main())


def test_shutdown_cancels_what_is_queued(make_pool: MakePool, gate: Gate, run: Run) -> None:
    pool = make_pool(1)

    async def main() -> None:
        running = held(pool, gate, 7)
        awaited = asyncio.wrap_future(pool.submit(interpreter(work.square), 3))
        pool.shutdown(wait=False, cancel_futures=True)
        with pytest.raises(asyncio.CancelledError):
            await awaited
        gate.open()
        assert await asyncio.wrap_future(running) == 7

    run(main())


def test_one_that_another_loop_awaits(pool: InterpreterThreadPoolExecutor, gate: Gate, run: Run) -> None:
    other = asyncio.new_event_loop()
    thread = threading.Thread(target=other.run_forever)
    thread.start()

    async def main() -> Any:
        future = held(pool, gate, 7)
        wrapped = asyncio.wrap_future(future, loop=other)
        gate.open()
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(asyncio.wait_for(wrapped, None), other))

    try:
        assert run(main()) == 7
    finally:
        other.call_soon_threadsafe(other.stop)
        thread.join()
        other.close()


def test_a_loop_that_is_closed_loses_nothing_but_its_own(make_pool: MakePool, gate: Gate, make_loop: MakeLoop) -> None:
    pool = make_pool(2)
    told: list[Any] = []

    async def main() -> list[Future[Any]]:
        futures = [held(pool, gate, n) for n in range(2)]
        for future in futures:
            asyncio.wrap_future(future)
        futures[1].add_done_callback(lambda future: told.append(future.result()))
        return futures

    loop = make_loop()
    futures = loop.run_until_complete(main())
    loop.close()
    gate.open(2)
    assert [future.result() for future in futures] == [0, 1]
    pool.shutdown()
    assert told == [1]


def test_a_loop_that_is_closed_with_ends_that_have_not_arrived(
    pool: InterpreterThreadPoolExecutor, gate: Gate, make_loop: MakeLoop
) -> None:
    async def main() -> Future[Any]:
        future = held(pool, gate, 7)
        asyncio.wrap_future(future)
        gate.open()
        assert future.result() == 7
        return future

    loop = make_loop()
    future = loop.run_until_complete(main())
    loop.close()
    gone = weakref.ref(future)
    assert future.result() == 7
    del future, loop
    gc.collect()
    assert gone() is None


def test_what_nobody_keeps_is_awaited_all_the_same(pool: InterpreterThreadPoolExecutor, gate: Gate, run: Run) -> None:
    async def call() -> Any:
        return await asyncio.wrap_future(held(pool, gate, 7))

    async def main() -> Any:
        task = asyncio.create_task(call())
        await asyncio.sleep(0)
        gc.collect()
        gate.open()
        return await task

    assert run(main()) == 7


def test_futures_go_when_they_have_been_awaited(pool: InterpreterThreadPoolExecutor, run: Run) -> None:
    async def main() -> list[weakref.ref[Future[Any]]]:
        futures = [pool.submit(interpreter(work.square), n) for n in range(20)]
        await asyncio.gather(*map(asyncio.wrap_future, futures))
        return [weakref.ref(future) for future in futures]

    gone = run(main())
    gc.collect()
    assert [ref() for ref in gone] == [None] * 20
