"""Calls that are cancelled or interrupted in great numbers, or one after the other without a pause."""

import asyncio
import logging
import logging.handlers
import queue
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from aiointerpreters import TaskInterrupted
from support import coroutines, endless, forgotten, work
from support.calls import submit
from support.gate import Gate
from support.protocols import MakePool
from support.scripts import run_script

ROUNDS = 500  # far more than the interrupts that come before the call has ended
PAUSE = 0.02  # shorter than the time between two looks at what was interrupted


@pytest.fixture
def records() -> Iterator[queue.SimpleQueue[logging.LogRecord]]:
    """The records that are written to the package's log."""
    written: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    handler = logging.handlers.QueueHandler(written)
    logger = logging.getLogger("aiointerpreters")
    logger.addHandler(handler)
    yield written
    logger.removeHandler(handler)


def ends_meanwhile(future: Future[Any], stop_next: Callable[[], object]) -> bool:
    """Return whether the call ends while other calls are stopped again and again."""
    for _ in range(ROUNDS):
        stop_next()
        try:
            return isinstance(future.exception(PAUSE), TaskInterrupted)
        except TimeoutError:
            pass
    return False


def test_a_stuck_step_is_interrupted_though_others_are_interrupted_all_the_time(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(1)
    others = [submit(pool, coroutines.sleep, gate.ends) for _ in range(ROUNDS)]
    gate.wait_for(ROUNDS)
    stuck = submit(pool, coroutines.loop, gate.ends)
    gate.wait_for()
    assert stuck.interrupt()
    assert ends_meanwhile(stuck, lambda: others.pop().interrupt())
    assert all(future.interrupt() for future in others)


@pytest.mark.parametrize("fn", [coroutines.loop, endless.loop], ids=["coroutine", "function"])
def test_a_call_ends_though_it_is_interrupted_again_and_again(
    make_pool: MakePool, gate: Gate, fn: Callable[..., Any]
) -> None:
    future = submit(make_pool(1), fn, gate.ends)
    gate.wait_for()
    assert ends_meanwhile(future, future.interrupt)


def test_one_that_is_interrupted_at_every_await_ends_once(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(1)
    future = submit(pool, coroutines.sleep, gate.ends)
    gate.wait_for()
    while future.interrupt():
        pass
    assert isinstance(future.exception(), TaskInterrupted)
    assert submit(pool, coroutines.square, 3).result() == 9


@pytest.mark.parametrize("workers", [1, 3])
def test_thousands_at_once(
    make_pool: MakePool, gate: Gate, records: queue.SimpleQueue[logging.LogRecord], workers: int
) -> None:
    pool = make_pool(workers)

    async def main() -> None:
        waiting: list[Any] = [pool.run(coroutines.sleep, gate.ends) for _ in range(3_000)]
        await asyncio.to_thread(gate.wait_for, len(waiting))
        starting: list[Any] = [pool.run(coroutines.sleep, gate.ends) for _ in range(3_000)]
        plain: list[Any] = [pool.run(work.square, n) for n in range(3_000)]
        for future in (*waiting, *starting, *plain):
            future.cancel()
        ended = await asyncio.gather(*waiting, *starting, *plain, return_exceptions=True)
        assert all(isinstance(each, asyncio.CancelledError) for each in ended if not isinstance(each, int))
        assert await asyncio.gather(*(pool.run(coroutines.square, n) for n in range(50))) == [n * n for n in range(50)]

    asyncio.run(main())
    pool.shutdown()  # it waits for all of them
    assert records.empty()


@pytest.mark.slow
def test_nobody_is_blamed_for_a_loop_that_does_not_come_to_it(
    make_pool: MakePool, gate: Gate, records: queue.SimpleQueue[logging.LogRecord]
) -> None:
    pool, others = make_pool(1), Gate()
    waiting = [submit(pool, coroutines.sleep, gate.ends) for _ in range(100)]
    gate.wait_for(len(waiting))
    held = submit(pool, coroutines.hold_loop, others.ends)
    others.wait_for()
    assert all(future.interrupt() for future in waiting)
    # This call goes on long enough for a warning, and the others were interrupted before it.
    ignoring = submit(make_pool(1), coroutines.ignore, gate.ends)
    gate.wait_for()
    assert ignoring.interrupt()
    gate.wait_for()
    assert "ignore still runs in a worker's interpreter" in records.get().getMessage()
    others.open()
    held.result()
    assert {type(future.exception()) for future in waiting} == {TaskInterrupted}
    gate.open()
    assert isinstance(ignoring.exception(), TaskInterrupted)
    pool.shutdown()
    assert records.empty()
    others.dispose()


def test_an_outcome_that_nobody_waits_for_is_not_told(make_pool: MakePool, gate: Gate, tmp_path: Path) -> None:
    """It is not even pickled. But a thread that interrupts a future gets the whole outcome."""
    path = tmp_path / "pickled"
    pool = make_pool(1)

    async def main() -> None:
        awaited = pool.run(forgotten.return_when_cancelled, gate.ends, str(path))
        gate.wait_for()
        awaited.cancel()
        await asyncio.gather(awaited, return_exceptions=True)
        await pool.run(forgotten.all_ended)

    asyncio.run(main())
    assert not path.exists()
    future = submit(pool, forgotten.return_when_cancelled, gate.ends, str(path))
    gate.wait_for()
    assert future.interrupt()
    assert isinstance(future.exception(), TaskInterrupted)
    assert path.read_text() == "pickled\n"


def test_calls_that_have_ended_are_let_go_while_others_are_cancelled(tmp_path: Path) -> None:
    """A call takes about 1 KB."""
    finished = run_script(
        tmp_path,
        """
import asyncio, ctypes, gc
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import coroutines
from support.gate import Gate

def kilobytes():
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    with open("/proc/self/smaps_rollup") as file:
        return sum(int(line.split()[1]) for line in file if line.startswith("Private_Dirty"))

async def cancel(calls):
    for _ in range(calls // 100):
        futures = [pool.run(coroutines.sleep, gate.ends) for _ in range(100)]
        await asyncio.to_thread(gate.wait_for, len(futures))
        for future in futures:
            future.cancel()

gate = Gate()
with InterpreterThreadPoolExecutor(1) as pool, asyncio.Runner() as runner:
    runner.run(cancel(2_000))
    before = kilobytes()
    runner.run(cancel(20_000))
    print(kilobytes() - before < 8_000)
""",
    )
    finished.check("True")
