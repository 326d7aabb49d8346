"""`executor.run` wherever asyncio accepts a coroutine: while its loop runs, without a loop, and in another loop."""

import asyncio
import collections.abc
import gc
import inspect
import threading
import warnings
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, NotTransferableError, interpreter
from support import failures, loops, own_loop, shapes, work
from support.gate import Gate, hold
from support.loops import MakeLoop, Run
from support.protocols import MakePool

make_loop = loops.make_loop
run = loops.run


# ---- Without a loop


def by_asyncio_run(call: Coroutine[Any, Any, Any], make_loop: MakeLoop) -> Any:
    """By asyncio.run: the shortest program."""
    return asyncio.run(call, loop_factory=make_loop, debug=True)


def by_a_runner(call: Coroutine[Any, Any, Any], make_loop: MakeLoop) -> Any:
    """By asyncio.Runner, on which asyncio.run is based."""
    with asyncio.Runner(loop_factory=make_loop, debug=True) as runner:
        return runner.run(call)


def by_run_until_complete(call: Coroutine[Any, Any, Any], make_loop: MakeLoop) -> Any:
    """By run_until_complete, as before asyncio.run existed."""
    loop = make_loop()
    try:
        return loop.run_until_complete(call)
    finally:
        loop.close()


def by_create_task(call: Coroutine[Any, Any, Any], make_loop: MakeLoop) -> Any:
    """By create_task of a loop that does not run yet."""
    loop = make_loop()
    loop.set_task_factory(None)  # eager tasks need a running loop
    try:
        return loop.run_until_complete(loop.create_task(call))
    finally:
        loop.close()


def by_a_thread_with_a_loop(call: Coroutine[Any, Any, Any], make_loop: MakeLoop) -> Any:
    """By the loop of another thread. This thread has none."""
    with Beside(make_loop) as loop:
        return asyncio.run_coroutine_threadsafe(call, loop).result()


def by_a_coroutine(call: Coroutine[Any, Any, Any], make_loop: MakeLoop) -> Any:
    """By a coroutine that gets the call as an argument."""
    return asyncio.run(loops.plainly(call), loop_factory=make_loop)


STARTS: list[Callable[[Coroutine[Any, Any, Any], MakeLoop], Any]] = [
    by_asyncio_run,
    by_a_runner,
    by_run_until_complete,
    by_create_task,
    by_a_thread_with_a_loop,
    by_a_coroutine,
]


class Beside:
    """A loop that runs in a thread of its own."""

    def __init__(self, make_loop: MakeLoop) -> None:
        self._loop = make_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> asyncio.AbstractEventLoop:
        self._thread.start()
        return self._loop

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest.mark.parametrize("start", STARTS, ids=lambda start: start.__name__)
def test_without_a_loop_it_starts_when_it_is_awaited(
    pool: InterpreterThreadPoolExecutor, make_loop: MakeLoop, start: Callable[..., Any]
) -> None:
    assert start(pool.run(work.square, 3), make_loop) == 9
    with pytest.raises(failures.Custom):
        start(pool.run(failures.fail_with_custom), make_loop)
    with pytest.raises(NotTransferableError, match="argument 0"):
        start(pool.run(work.echo, shapes.empty_generator()), make_loop)
    assert start(pool.run(work.echo_call, 1, self="self", fn="fn"), make_loop) == ((1,), {"self": "self", "fn": "fn"})


def test_without_a_loop_it_is_a_coroutine(pool: InterpreterThreadPoolExecutor) -> None:
    call = pool.run(work.remember, "not awaited", "has run")
    assert asyncio.iscoroutine(call)
    assert inspect.isawaitable(call)
    assert isinstance(call, collections.abc.Coroutine)
    assert call.__qualname__ == "run"
    call.close()
    assert asyncio.run(pool.run(work.recall, "not awaited")) is None


def test_a_call_that_never_started_is_told_of(pool: InterpreterThreadPoolExecutor) -> None:
    with pytest.warns(RuntimeWarning, match="coroutine 'run' was never awaited"):
        pool.run(work.square, 3)  # dropped


def test_a_call_that_has_started_may_be_dropped(pool: InterpreterThreadPoolExecutor, run: Run) -> None:
    async def main() -> None:
        pool.run(work.square, 3)
        taken = asyncio.ensure_future(pool.run(work.square, 3))
        del taken
        await pool.run(work.square, 3)
        gc.collect()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(main())


def test_in_a_thread_beside_the_loop(pool: InterpreterThreadPoolExecutor, run: Run) -> None:
    async def main() -> int:
        return await (await asyncio.to_thread(pool.run, work.square, 3))

    assert run(main()) == 9


def test_nothing_to_call_is_refused_at_once(pool: InterpreterThreadPoolExecutor) -> None:
    call: Any = 5
    with pytest.raises(TypeError, match="run\\(\\) needs a callable, not 5"):
        pool.run(call)


def test_after_shutdown_the_await_says_so(make_pool: MakePool) -> None:
    pool = make_pool(1)
    pool.shutdown()
    call = pool.run(work.square, 3)
    with pytest.raises(RuntimeError, match="after shutdown"):
        asyncio.run(call)


def test_no_loop_of_asyncio_at_all(pool: InterpreterThreadPoolExecutor) -> None:
    with pytest.raises(RuntimeError, match="no running event loop"):
        pool.run(work.square, 3).send(None)


def test_a_runner_of_asyncio_takes_what_it_has_started(pool: InterpreterThreadPoolExecutor, make_loop: MakeLoop) -> None:
    async def start() -> list[Any]:
        return [pool.run(work.square, n) for n in range(3)]

    with asyncio.Runner(loop_factory=make_loop) as runner:
        assert [runner.run(call) for call in runner.run(start())] == [0, 1, 4]


# ---- As a future


def test_wait_takes_what_ensure_future_returns(make_pool: MakePool, gate: Gate, run: Run) -> None:
    pool = make_pool(1)

    async def main() -> None:
        first = asyncio.ensure_future(pool.run(work.square, 3))
        held = asyncio.ensure_future(pool.run(hold, gate.ends, "held"))
        done, pending = await asyncio.wait([first, held], return_when=asyncio.FIRST_COMPLETED)
        assert (done, pending) == ({first}, {held})
        gate.open()
        done, pending = await asyncio.wait([first, held])
        assert (done, pending) == ({first, held}, set())
        assert (first.result(), held.result()) == (9, "held")

    run(main())


def test_wait_refuses_it_as_it_refuses_coroutines(pool: InterpreterThreadPoolExecutor, run: Run) -> None:
    async def main() -> None:
        call: Any = pool.run(work.square, 3)
        with pytest.raises(TypeError, match="coroutines is forbidden"):
            await asyncio.wait([call])

    run(main())


def test_it_is_a_future_all_the_time(make_pool: MakePool, gate: Gate, run: Run) -> None:
    pool = make_pool(1)

    async def main() -> None:
        held = pool.run(hold, gate.ends, "held")
        queued = pool.run(work.square, 3)
        assert not held.done()
        with pytest.raises(asyncio.InvalidStateError):
            held.result()
        ended: list[Any] = []
        held.add_done_callback(ended.append)
        assert queued.cancel()
        assert queued.cancelled()
        assert queued.done()
        gate.open()
        assert await held == "held"
        await asyncio.sleep(0)
        assert ended == [held]
        assert held.result() == "held"
        assert held.exception() is None
        assert not held.cancel()

    run(main())


def test_it_is_done_though_nobody_awaits_it(pool: InterpreterThreadPoolExecutor, run: Run) -> None:
    async def main() -> None:
        call = pool.run(work.square, 3)
        pool.submit(interpreter(work.nothing)).result()
        while not call.done():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0)
        assert call.result() == 9

    run(main())


@pytest.mark.parametrize("again", [way for way in loops.WAYS if way is not loops.by_wait], ids=lambda way: way.__name__)
def test_what_a_task_runs_can_be_awaited_too(
    pool: InterpreterThreadPoolExecutor, run: Run, again: Callable[..., Any]
) -> None:
    async def main() -> None:
        call = pool.run(work.square, 3)
        task = asyncio.create_task(call)
        assert await task == 9
        assert await again(call) == 9
        assert "coro=<run()" in repr(task)

    run(main())


# ---- Awaits and the loop


def test_each_await_lets_the_loop_have_a_turn(pool: InterpreterThreadPoolExecutor, run: Run) -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def main() -> None:
        counting = asyncio.create_task(count())
        for n in range(100):
            assert await pool.run(work.square, n) == n * n
        assert turns >= 100
        counting.cancel()

    run(main())


def test_one_await_after_the_other_can_be_cancelled(pool: InterpreterThreadPoolExecutor, run: Run) -> None:
    async def for_ever() -> None:
        while True:
            await pool.run(work.nothing)

    async def main() -> None:
        task = asyncio.create_task(for_ever())
        for _ in range(20):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(main())


def test_a_cancelled_await_has_seen_the_exception(
    pool: InterpreterThreadPoolExecutor, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        for _ in range(20):
            task = asyncio.create_task(loops.plainly(pool.run(failures.fail_with_custom)))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises((asyncio.CancelledError, failures.Custom)):
                await task
            del task
        gc.collect()

    run(main())
    assert caplog.records == []


# ---- In another loop


def test_another_thread_s_loop_takes_it(pool: InterpreterThreadPoolExecutor, make_loop: MakeLoop, run: Run) -> None:
    async def main(other: asyncio.AbstractEventLoop) -> None:
        submit = asyncio.run_coroutine_threadsafe
        assert await asyncio.wrap_future(submit(pool.run(work.square, 3), other)) == 9
        assert submit(pool.run(work.square, 3), other).result() == 9  # this loop does nothing meanwhile
        with pytest.raises(failures.Custom):
            submit(pool.run(failures.fail_with_custom), other).result()
        ended = pool.run(work.square, 3)
        pool.submit(interpreter(work.nothing)).result()
        assert submit(ended, other).result() == 9
        await asyncio.sleep(0)  # so this loop first asks for mail of the next call
        known = pool.run(work.square, 3)
        for _ in range(3):
            await asyncio.sleep(0)
        assert await asyncio.wrap_future(submit(known, other)) == 9

    with Beside(make_loop) as other:
        run(main(other))


def test_another_thread_s_loop_takes_it_before_it_has_ended(
    make_pool: MakePool, gate: Gate, make_loop: MakeLoop, run: Run
) -> None:
    pool = make_pool(1)

    async def main(other: asyncio.AbstractEventLoop) -> Any:
        call = pool.run(hold, gate.ends, "held")
        for _ in range(3):
            await asyncio.sleep(0)
        taken = asyncio.run_coroutine_threadsafe(call, other)
        other.call_soon_threadsafe(gate.open)
        return taken.result()

    with Beside(make_loop) as other:
        assert run(main(other)) == "held"


def test_another_thread_s_loop_stops_it(make_pool: MakePool, gate: Gate, make_loop: MakeLoop, run: Run) -> None:
    pool = make_pool(1)

    async def main(other: asyncio.AbstractEventLoop) -> int:
        taken = asyncio.run_coroutine_threadsafe(pool.run(own_loop.look_at, gate.ends), other)
        gate.wait_for()
        await asyncio.sleep(0)
        taken.cancel()
        return await pool.run(work.square, 3)

    with Beside(make_loop) as other:
        assert run(main(other)) == 9
