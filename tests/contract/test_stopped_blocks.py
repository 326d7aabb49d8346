"""A block that Ctrl-C, an interrupt or a cancellation stops also stops its work. A block that fails finishes its work."""

import asyncio
import concurrent.futures
import sys
import types
from collections.abc import Callable
from typing import Any

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, TaskInterrupted, interpreter
from support import endless, nested, work
from support.gate import Gate, hold
from support.protocols import MakePool

STOPS = [KeyboardInterrupt, TaskInterrupted, asyncio.CancelledError, concurrent.futures.CancelledError]


@pytest.mark.parametrize(("way", "arrivals"), nested.WAYS, ids=[way.__name__ for way, _ in nested.WAYS])
def test_an_interrupted_task_stops_the_pools_that_it_waits_for(
    make_pool: MakePool, gate: Gate, way: Callable[..., Any], arrivals: int
) -> None:
    pool = make_pool(1)
    future = pool.submit(interpreter(way), gate.ends)
    gate.wait_for(arrivals)
    assert future.interrupt()
    assert isinstance(future.exception(), TaskInterrupted)
    assert pool.submit(interpreter(work.square), 3).result() == 9


def test_interrupting_again_and_again_does_no_harm(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(1)
    future = pool.submit(interpreter(nested.in_a_pool_of_a_pool), gate.ends)
    gate.wait_for()
    while not future.done():
        future.interrupt()
    assert isinstance(future.exception(), TaskInterrupted)
    assert pool.submit(interpreter(work.square), 3).result() == 9


@pytest.mark.parametrize("stop", STOPS)
def test_a_stopped_block_stops_its_work(gate: Gate, stop: type[BaseException]) -> None:
    with pytest.raises(stop), InterpreterThreadPoolExecutor(1) as pool:
        running = pool.submit(interpreter(endless.loop), gate.ends)
        queued = pool.submit(interpreter(work.square), 3)
        gate.wait_for()
        raise stop
    assert isinstance(running.exception(), TaskInterrupted)
    assert queued.cancelled()


def test_a_group_with_a_stop_in_it_is_one(gate: Gate) -> None:
    with pytest.raises(BaseExceptionGroup), InterpreterThreadPoolExecutor(1) as pool:
        running = pool.submit(interpreter(endless.loop), gate.ends)
        gate.wait_for()
        raise BaseExceptionGroup("", [ValueError(), BaseExceptionGroup("", [KeyboardInterrupt()])])
    assert isinstance(running.exception(), TaskInterrupted)


def test_cancellation_of_trio_is_a_stop(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    class Cancelled(BaseException):
        pass

    trio: Any = types.ModuleType("trio")
    trio.Cancelled = Cancelled
    monkeypatch.setitem(sys.modules, "trio", trio)
    with pytest.raises(Cancelled), InterpreterThreadPoolExecutor(1) as pool:
        running = pool.submit(interpreter(endless.loop), gate.ends)
        gate.wait_for()
        raise Cancelled
    assert isinstance(running.exception(), TaskInterrupted)


@pytest.mark.parametrize("error", [ValueError, SystemExit, GeneratorExit, BaseException])
def test_what_a_block_that_fails_has_submitted_is_finished(gate: Gate, error: type[BaseException]) -> None:
    with pytest.raises(error), InterpreterThreadPoolExecutor(1) as pool:
        running = pool.submit(interpreter(hold), gate.ends, 1)
        queued = pool.submit(interpreter(work.square), 3)
        gate.wait_for()
        gate.open()
        raise error
    assert (running.result(), queued.result()) == (1, 9)


def test_a_sync_block_in_a_cancelled_coroutine_stops_its_work(gate: Gate) -> None:
    futures: list[concurrent.futures.Future[Any]] = []

    async def use() -> None:
        with InterpreterThreadPoolExecutor(1) as pool:
            futures.append(pool.submit(interpreter(endless.loop), gate.ends))
            gate.wait_for()
            await asyncio.Event().wait()

    async def main() -> None:
        task = asyncio.create_task(use())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert isinstance(futures[0].exception(), TaskInterrupted)
