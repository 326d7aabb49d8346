"""Event loops that await calls: several of them, one after another and at once, and the state after they are closed."""

import asyncio
import gc
import logging
import threading
import warnings
import weakref
from typing import Any

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import endless, failures, loops, memory, own_loop, work
from support.gate import Gate, hold
from support.loops import MakeLoop, Run
from support.protocols import MakePool
from support.threads import run_in_threads

make_loop = loops.make_loop
run = loops.run


def run_once(make_loop: MakeLoop, main: Any) -> Any:
    """Run in a new loop that is closed afterwards."""
    with asyncio.Runner(loop_factory=make_loop, debug=True) as runner:
        return runner.run(main)


def check_nothing_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is reported, neither in the log nor by warnings, which are errors here."""
    gc.collect()
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


# ---- Several loops


def test_loops_one_after_another(pool: InterpreterThreadPoolExecutor, make_loop: MakeLoop) -> None:
    async def main(number: int) -> list[Any]:
        return await asyncio.gather(*(pool.run(work.add, number, n) for n in range(20)))

    for number in range(10):
        assert run_once(make_loop, main(number)) == [number + n for n in range(20)]


def test_a_loop_that_runs_again(pool: InterpreterThreadPoolExecutor, run: Run) -> None:
    async def main() -> int:
        return await pool.run(work.square, 3)

    async def start() -> Any:
        return pool.run(work.square, 5)

    assert [run(main()) for _ in range(5)] == [9] * 5
    started = run(start())
    pool.submit(interpreter(work.nothing)).result()
    assert run(loops.plainly(started)) == 25


def test_a_loop_is_told_what_ended_while_it_did_not_run(make_pool: MakePool, gate: Gate, run: Run) -> None:
    pool = make_pool(1)

    async def start() -> Any:
        future = pool.run(hold, gate.ends, "held")
        gate.wait_for()
        return future

    future = run(start())
    gate.open()
    pool.submit(interpreter(work.nothing)).result()
    assert not future.done()
    assert run(loops.plainly(future)) == "held"


def test_run_until_complete_takes_it(pool: InterpreterThreadPoolExecutor, make_loop: MakeLoop) -> None:
    async def start() -> Any:
        return pool.run(work.square, 3)

    loop = make_loop()
    future = loop.run_until_complete(start())
    assert loop.run_until_complete(future) == 9
    loop.close()


def test_loops_in_several_threads_share_a_pool(pool: InterpreterThreadPoolExecutor, make_loop: MakeLoop) -> None:
    async def main(number: int) -> None:
        calls = [pool.run(work.add, number * 1000, n) for n in range(200)]
        assert await asyncio.gather(*calls) == [number * 1000 + n for n in range(200)]

    run_in_threads(4, lambda number: run_once(make_loop, main(number)))


def test_a_loop_uses_several_pools(make_pool: MakePool, run: Run) -> None:
    pools = [make_pool(1) for _ in range(3)]

    async def main() -> list[str]:
        return await asyncio.gather(*(pool.run(work.here) for pool in pools for _ in range(3)))

    assert len(set(run(main()))) == 3


def test_a_loop_that_closes_leaves_others_alone(make_pool: MakePool, gate: Gate, make_loop: MakeLoop) -> None:
    """One loop closes while it has running and queued calls. Calls of another loop are queued in between."""
    pool = make_pool(1)
    waits, closed = threading.Event(), threading.Event()
    results: list[int] = []

    async def wait() -> None:
        futures = []
        for n in range(10):
            futures.append(pool.run(work.square, n))
        waits.set()
        results.extend(await asyncio.gather(*futures))

    async def leave() -> None:
        pool.run(own_loop.look_at, gate.ends)
        gate.wait_for()
        pool.run(endless.for_a_while, 1)
        thread.start()
        await asyncio.to_thread(waits.wait)
        pool.run(endless.for_a_while, 1)

    thread = threading.Thread(target=run_once, args=(make_loop, wait()))
    run_once(make_loop, leave())
    closed.set()
    thread.join()
    assert results == [n * n for n in range(10)]


def test_a_future_belongs_to_its_loop(make_pool: MakePool, gate: Gate, make_loop: MakeLoop) -> None:
    pool = make_pool(1)

    async def start() -> Any:
        future = pool.run(hold, gate.ends)
        gate.wait_for()
        return future

    with asyncio.Runner(loop_factory=make_loop) as runner:
        future = runner.run(start())
        with pytest.raises(RuntimeError, match="attached to a different loop"):
            run_once(make_loop, loops.plainly(future))


# ---- Closed loops


def test_a_closed_loop_stops_what_runs_and_what_is_queued(
    make_pool: MakePool, gate: Gate, make_loop: MakeLoop, caplog: pytest.LogCaptureFixture
) -> None:
    """The next loop finds the same worker."""
    pool = make_pool(1)

    async def leave() -> list[Any]:
        place = await pool.run(work.here_and_thread)
        futures = [pool.run(own_loop.look_at, gate.ends), pool.run(work.remember, "queued", "has run")]
        gate.wait_for()
        return [place, *futures]

    async def follow() -> list[Any]:
        return [await pool.run(work.here_and_thread), await pool.run(work.recall, "queued")]

    place, *futures = run_once(make_loop, leave())
    assert run_once(make_loop, follow()) == [place, None]
    assert not any(future.done() for future in futures)
    del futures
    check_nothing_is_told(caplog)


def test_a_closed_loop_stops_what_tasks_await(
    make_pool: MakePool, gate: Gate, make_loop: MakeLoop, caplog: pytest.LogCaptureFixture
) -> None:
    pool = make_pool(1)

    async def leave() -> None:
        for coroutine in (pool.run(own_loop.look_at, gate.ends), loops.plainly(pool.run(endless.for_a_while, 1))):
            tasks.append(asyncio.create_task(coroutine))
        gate.wait_for()
        await asyncio.sleep(0)

    tasks: list[asyncio.Task[Any]] = []
    run_once(make_loop, leave())
    assert pool.submit(interpreter(work.square), 3).result() == 9
    assert all(task.cancelled() for task in tasks)  # by asyncio.Runner
    check_nothing_is_told(caplog)


@pytest.mark.parametrize("fails", [False, True])
def test_a_closed_loop_drops_what_it_was_not_told(
    make_pool: MakePool, gate: Gate, make_loop: MakeLoop, caplog: pytest.LogCaptureFixture, fails: bool
) -> None:
    pool = make_pool(1)

    async def leave() -> None:
        pool.run(hold, gate.ends)
        gate.wait_for()
        for n in range(10):
            pool.run(failures.fail_with_custom) if fails else pool.run(work.square, n)

    loop = make_loop()
    loop.run_until_complete(leave())
    gate.open()
    pool.submit(interpreter(work.nothing)).result()  # all have ended
    loop.close()
    assert pool.submit(interpreter(work.square), 3).result() == 9
    check_nothing_is_told(caplog)


def test_what_calls_of_a_closed_loop_were_lent_comes_back(make_pool: MakePool, gate: Gate, make_loop: MakeLoop) -> None:
    pool = make_pool(1)
    exporters = [bytearray(100) for _ in range(3)]

    async def leave() -> None:
        ended = pool.run(memory.count_views, [memoryview(exporters[0])])
        pool.submit(interpreter(work.nothing)).result()
        running = pool.run(own_loop.look_at, gate.ends, memoryview(exporters[1]))
        queued = pool.run(memory.count_views, [memoryview(exporters[2])])
        gate.wait_for()
        assert not any(future.done() for future in (ended, running, queued))

    run_once(make_loop, leave())
    for exporter in exporters:
        memory.wait_until_back(exporter)


def test_a_loop_closes_beside_a_stubborn_function(
    make_pool: MakePool, gate: Gate, make_loop: MakeLoop, caplog: pytest.LogCaptureFixture
) -> None:
    pool = make_pool(1)

    async def leave() -> None:
        pool.run(endless.ignores, gate.ends)
        gate.wait_for()

    run_once(make_loop, leave())
    gate.wait_for()  # the function goes on, and no loop waits for it
    gate.open()
    assert pool.submit(interpreter(work.square), 3).result() == 9
    check_nothing_is_told(caplog)


@pytest.mark.parametrize("make_loop", [make for make in loops.LOOPS if make is not loops.uvloop])  # uvloop leaks such loops
def test_a_loop_that_is_dropped_without_being_closed_stops_its_calls(
    make_pool: MakePool, gate: Gate, make_loop: MakeLoop
) -> None:
    pool = make_pool(1)

    async def leave() -> None:
        pool.run(own_loop.look_at, gate.ends)
        pool.run(endless.for_a_while, 1)
        gate.wait_for()

    loop = make_loop()
    loop.run_until_complete(leave())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # of asyncio, for the loop
        del loop
        gc.collect()
    assert pool.submit(interpreter(work.square), 3).result() == 9


def test_nothing_is_left_of_a_closed_loop(make_pool: MakePool, gate: Gate, make_loop: MakeLoop) -> None:
    pool = make_pool(1)

    async def leave() -> list[weakref.ref[Any]]:
        await pool.run(work.square, 3)
        futures = [pool.run(own_loop.look_at, gate.ends), pool.run(endless.for_a_while, 1)]
        gate.wait_for()
        return [weakref.ref(asyncio.get_running_loop()), *map(weakref.ref, futures)]

    references = run_once(make_loop, leave())
    gc.collect()
    assert [reference() for reference in references] == [None] * 3


def test_loops_leave_no_descriptors(pool: InterpreterThreadPoolExecutor, make_loop: MakeLoop) -> None:
    async def leave() -> None:
        await pool.run(work.square, 3)
        pool.run(work.square, 3)
        pool.run(endless.for_a_while, 1)

    before = loops.descriptors()
    for _ in range(200):
        run_once(make_loop, leave())
    assert loops.descriptors() == before


def test_loops_in_threads_leave_no_descriptors(pool: InterpreterThreadPoolExecutor, make_loop: MakeLoop) -> None:
    async def leave(number: int) -> None:
        assert await pool.run(work.square, number) == number * number
        pool.run(endless.for_a_while, number)

    before = loops.descriptors()
    for _ in range(10):
        run_in_threads(4, lambda number: run_once(make_loop, leave(number)))
    assert loops.descriptors() == before


# ---- Odd loops


def test_a_loop_whose_reader_fails_says_so(pool: InterpreterThreadPoolExecutor) -> None:
    class Fails(asyncio.SelectorEventLoop):
        def add_reader(self, *_: Any) -> None:  # type: ignore[override]
            raise LookupError("no readers today")

    async def main() -> None:
        with pytest.raises(LookupError, match="no readers today"):
            pool.run(work.square, 3)

    before = loops.descriptors()
    run_once(Fails, main())
    assert loops.descriptors() == before


def test_one_wake_up_for_a_batch(make_pool: MakePool, gate: Gate) -> None:
    """If a thousand calls end while the loop is busy, they wake it once, in loops that calls must wake."""
    pool = make_pool(1)

    class Counts(loops.WithoutReaders):
        wake_ups = 0

        def call_soon_threadsafe(self, *args: Any, **kwargs: Any) -> asyncio.Handle:  # type: ignore[override]
            self.wake_ups += 1
            return super().call_soon_threadsafe(*args, **kwargs)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Counts)
        futures = [pool.run(hold, gate.ends), *(pool.run(work.nothing) for _ in range(1000))]
        await asyncio.sleep(0)  # calls that end before the loop's iteration need no wake-up
        await asyncio.sleep(0)
        gate.wait_for()
        gate.open()
        pool.submit(interpreter(work.nothing)).result()
        assert loop.wake_ups == 1
        await asyncio.gather(*futures)

    run_once(Counts, main())
