"""When code stops awaiting the result of `executor.run`, the call is stopped, and the code goes on immediately."""

import asyncio
import functools
import gc
import logging
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from aiointerpreters.types import RunFuture
from support import cancels, endless, failures, loops, memory, shapes, work
from support.gate import Gate, hold, hold_then
from support.loops import Run
from support.protocols import MakePool

make_loop = loops.make_loop
run = loops.run

type End = Callable[[RunFuture[Any]], Coroutine[Any, Any, None]]

every_end = pytest.mark.parametrize("end", loops.ENDS, ids=lambda end: end.__name__)


# ---- Queued calls


@every_end
def test_a_queued_call_never_runs(make_pool: MakePool, gate: Gate, run: Run, end: End) -> None:
    pool = make_pool(1)

    async def main() -> Any:
        held = pool.run(hold, gate.ends)
        gate.wait_for()
        await end(pool.run(work.remember, "queued", "has run"))
        gate.open()
        await held
        return await pool.run(work.recall, "queued")

    assert run(main()) is None


def test_what_a_cancelled_call_was_lent_comes_back_while_it_is_queued(make_pool: MakePool, gate: Gate, run: Run) -> None:
    pool = make_pool(1)
    exporter = bytearray(100)

    async def main() -> None:
        held = pool.run(hold, gate.ends)
        gate.wait_for()
        queued = pool.run(work.echo, memoryview(exporter))
        assert not memory.can_be_resized(exporter)
        queued.cancel()
        del queued
        gc.collect()
        memory.wait_until_back(exporter)
        gate.open()
        await held

    run(main())


def test_some_of_many_queued_calls_are_cancelled(make_pool: MakePool, gate: Gate, run: Run) -> None:
    pool = make_pool(1)

    async def main() -> list[Any]:
        pool.run(hold, gate.ends)
        gate.wait_for()
        futures = [pool.run(work.square, n) for n in range(1000)]
        for future in futures[::3]:
            future.cancel()
        gate.open()
        return await asyncio.gather(*futures, return_exceptions=True)

    results = run(main())
    assert all(isinstance(result, asyncio.CancelledError) for result in results[::3])
    assert results[1::3] == [n * n for n in range(1, 1000, 3)]
    assert results[2::3] == [n * n for n in range(2, 1000, 3)]


# ---- Running calls


@every_end
def test_a_running_call_is_stopped(make_pool: MakePool, gate: Gate, run: Run, end: End) -> None:
    pool = make_pool(1)

    async def main() -> None:
        before = await pool.run(work.here_and_thread)
        future: RunFuture[Any] = pool.run(endless.loop, gate.ends)
        gate.wait_for()
        await end(future)
        assert await pool.run(work.here_and_thread) == before

    run(main())


@pytest.mark.parametrize("way", [*endless.WAYS, endless.endless_result, endless.endless_text], ids=lambda way: way.__name__)
def test_whatever_runs_is_stopped(make_pool: MakePool, gate: Gate, run: Run, way: Callable[..., Any]) -> None:
    pool = make_pool(1)

    async def main() -> None:
        before = await pool.run(work.here)
        task = asyncio.create_task(pool.run(way, gate.ends))
        await asyncio.to_thread(gate.wait_for)
        task.cancel()
        await loops.cancelled(task)
        assert await pool.run(work.here) == before

    run(main())


def test_arguments_that_do_not_come_to_an_end_are_stopped(make_pool: MakePool, gate: Gate, run: Run) -> None:
    pool = make_pool(1)

    async def main() -> int:
        future = pool.run(work.echo, endless.EndlessArgument(gate.ends))
        gate.wait_for()
        future.cancel()
        return await pool.run(work.square, 3)

    assert run(main()) == 9


def test_a_call_cleans_up(make_pool: MakePool, gate: Gate, run: Run, tmp_path: Path) -> None:
    pool = make_pool(1)
    marks = tmp_path / "marks"

    async def main() -> None:
        future: RunFuture[Any] = pool.run(endless.cleans_up, gate.ends, str(marks))
        gate.wait_for()
        future.cancel()
        await pool.run(work.nothing)

    run(main())
    assert marks.read_text() == "cleaned up"


@pytest.mark.parametrize("way", [endless.returns_instead, endless.fails_instead], ids=lambda way: way.__name__)
def test_what_a_call_does_instead_of_stopping_is_told_nobody(
    make_pool: MakePool, gate: Gate, run: Run, way: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    pool = make_pool(1)

    async def main() -> None:
        future = pool.run(way, gate.ends)
        gate.wait_for()
        future.cancel()
        await pool.run(work.nothing)
        await asyncio.sleep(0)
        assert future.cancelled()

    run(main())
    gc.collect()
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_who_awaits_a_stubborn_function_goes_on_at_once(make_pool: MakePool, gate: Gate, run: Run) -> None:
    """The worker is used again as soon as the function has ended."""
    pool = make_pool(1)

    async def main() -> int:
        task = asyncio.create_task(pool.run(endless.ignores, gate.ends))
        await asyncio.to_thread(gate.wait_for)
        task.cancel()
        await loops.cancelled(task)
        gate.wait_for()  # the function has swallowed the interrupt and goes on
        following = pool.run(work.square, 3)
        await asyncio.sleep(0)
        assert not following.done()
        gate.open()
        return await following

    assert run(main()) == 9


def test_others_run_beside_a_stubborn_function(make_pool: MakePool, gate: Gate, run: Run) -> None:
    pool = make_pool(2)

    async def main() -> list[int]:
        future: RunFuture[Any] = pool.run(endless.ignores, gate.ends)
        gate.wait_for()
        future.cancel()
        gate.wait_for()
        results = await asyncio.gather(*(pool.run(work.square, n) for n in range(100)))
        gate.open()
        return results

    assert run(main()) == [n * n for n in range(100)]


def test_what_a_stopped_call_was_lent_comes_back(make_pool: MakePool, gate: Gate, run: Run) -> None:
    pool = make_pool(1)
    exporter = bytearray(100)

    async def main() -> None:
        future = pool.run(hold_then, gate.ends, endless.loop, memoryview(exporter))
        gate.wait_for()
        future.cancel()
        gate.open()
        await pool.run(work.nothing)
        del future

    run(main())
    memory.wait_until_back(exporter)


def test_all_of_a_group_are_stopped_when_one_fails(make_pool: MakePool, gate: Gate, run: Run) -> None:
    pool = make_pool(2)

    async def main() -> list[int]:
        with pytest.raises(ExceptionGroup) as caught:
            async with asyncio.TaskGroup() as group:
                tasks: list[asyncio.Task[Any]] = [group.create_task(pool.run(endless.loop, gate.ends))]
                tasks += [group.create_task(pool.run(hold_then, gate.ends, failures.fail_with_custom))]
                tasks += [group.create_task(pool.run(endless.loop)) for _ in range(20)]
                await asyncio.to_thread(gate.wait_for, 2)
                gate.open()
        assert [type(error) for error in caught.value.exceptions] == [failures.Custom]
        assert [task.cancelled() for task in tasks] == [True, False, *[True] * 20]
        return await asyncio.gather(*(pool.run(work.square, n) for n in range(4)))

    assert run(main()) == [0, 1, 4, 9]


# ---- Neither


def test_the_message_arrives(pool: InterpreterThreadPoolExecutor, run: Run) -> None:
    async def main() -> None:
        for cancel in ("positional", "keyword"):
            future: RunFuture[Any] = pool.run(endless.loop)
            assert future.cancel(cancel) if cancel == "positional" else future.cancel(msg=cancel)
            with pytest.raises(asyncio.CancelledError, match=cancel):
                await future
        task: asyncio.Task[Any] = asyncio.create_task(pool.run(endless.loop))
        await asyncio.sleep(0)
        task.cancel("by its task")
        with pytest.raises(asyncio.CancelledError, match="by its task"):
            await task

    run(main())


def test_arguments_that_cancel_does_not_take(pool: InterpreterThreadPoolExecutor, run: Run) -> None:
    async def main() -> None:
        future: Any = pool.run(endless.loop)
        with pytest.raises(TypeError, match="at most 1 argument"):
            future.cancel("one", "two")
        with pytest.raises(TypeError, match="at most 1 argument"):
            future.cancel("one", msg="two")
        with pytest.raises(TypeError, match="reason"):
            future.cancel(reason="none")
        assert not future.done()
        future.cancel()

    run(main())


def test_twice_is_as_good_as_once(make_pool: MakePool, gate: Gate, run: Run) -> None:
    pool = make_pool(1)

    async def main() -> int:
        futures: list[RunFuture[Any]] = [pool.run(endless.loop, gate.ends), pool.run(endless.loop)]
        gate.wait_for()
        for future in futures:
            assert future.cancel()
            assert not future.cancel()
            future.close()
            await loops.cancelled(future)
        task: asyncio.Task[Any] = asyncio.create_task(pool.run(endless.loop, gate.ends))
        await asyncio.to_thread(gate.wait_for)
        task.cancel()
        task.cancel()
        await loops.cancelled(task)
        return await pool.run(work.square, 3)

    assert run(main()) == 9


def test_what_has_ended_keeps_its_outcome(pool: InterpreterThreadPoolExecutor, run: Run) -> None:
    async def main() -> None:
        good = pool.run(work.square, 3)
        bad: RunFuture[Any] = pool.run(failures.fail_with_custom)
        refused = pool.run(work.echo, shapes.empty_generator())
        await asyncio.gather(good, bad, refused, return_exceptions=True)
        for future in (good, bad, refused):
            assert not future.cancel()
        assert good.result() == 9
        assert isinstance(bad.exception(), failures.Custom)
        assert isinstance(refused.exception(), TypeError)

    run(main())


def test_a_result_that_is_on_its_way_is_dropped(make_pool: MakePool, run: Run) -> None:
    pool = make_pool(1)

    async def main() -> list[int]:
        ended = [pool.run(work.square, n) for n in range(10)]
        pool.submit(interpreter(work.nothing)).result()  # they have ended, but this loop has not noticed
        for future in ended[::2]:
            assert future.cancel()
            await loops.cancelled(future)
        return await asyncio.gather(*ended[1::2])

    assert run(main()) == [n * n for n in range(1, 10, 2)]


def test_the_following_call_is_not_hit(make_pool: MakePool, gate: Gate, run: Run) -> None:
    """A call that ends while it is being stopped."""
    pool = make_pool(1)

    async def main() -> list[int]:
        results = []
        for n in range(200):
            future = pool.run(hold, gate.ends)
            gate.wait_for()
            gate.open()
            future.cancel()
            results.append(await pool.run(endless.for_a_while, n))
        return results

    assert run(main()) == list(range(200))


@pytest.mark.parametrize("fails", [False, True])
def test_callbacks_of_another_call_cancel(make_pool: MakePool, gate: Gate, run: Run, fails: bool) -> None:
    """Calls whose ends are delivered in the same iteration of the loop, and calls that are running."""
    pool = make_pool(1)

    async def main() -> int:
        first: RunFuture[Any] = pool.run(failures.fail_with_custom) if fails else pool.run(work.nothing)
        second = pool.run(work.nothing)
        third: RunFuture[Any] = pool.run(endless.loop, gate.ends)
        first.add_done_callback(lambda _: second.cancel())
        first.add_done_callback(lambda _: third.cancel())
        gate.wait_for()
        await asyncio.gather(first, second, third, return_exceptions=True)
        assert isinstance(first.exception(), failures.Custom) if fails else first.result() is None
        assert third.cancelled()
        return await pool.run(work.square, 3)

    assert run(main()) == 9


def test_decoding_a_result_cancels_its_own_await(pool: InterpreterThreadPoolExecutor, run: Run) -> None:
    async def main() -> int:
        future = pool.run(cancels.Cancels)
        cancels.targets.append(future)
        await loops.cancelled(future)
        assert cancels.targets == []
        return await pool.run(work.square, 3)

    assert run(main()) == 9


def test_a_call_that_is_shielded_goes_on(make_pool: MakePool, gate: Gate, run: Run) -> None:
    pool = make_pool(1)

    async def main() -> Any:
        future = pool.run(hold, gate.ends, "held")
        gate.wait_for()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(future), 0.01)
        assert not future.done()
        gate.open()
        return await future

    assert run(main()) == "held"


def test_one_of_several_who_await_cancels_for_all(make_pool: MakePool, gate: Gate, run: Run) -> None:
    """As with any other future."""
    pool = make_pool(1)

    async def main() -> int:
        future: RunFuture[Any] = pool.run(endless.loop, gate.ends)
        tasks = [asyncio.create_task(loops.plainly(future)) for _ in range(3)]
        await asyncio.to_thread(gate.wait_for)
        tasks[1].cancel()
        for task in tasks:
            await loops.cancelled(task)
        return await pool.run(work.square, 3)

    assert run(main()) == 9


def test_a_coroutine_that_is_closed_leaves_the_call_alone(make_pool: MakePool, gate: Gate, run: Run) -> None:
    """As with any other future, only `cancel` cancels."""
    pool = make_pool(1)

    async def main() -> Any:
        future = pool.run(hold, gate.ends, "held")
        coroutine = loops.plainly(future)
        assert coroutine.send(None) is future
        future._asyncio_future_blocking = False
        coroutine.close()
        gate.open()
        return await future

    assert run(main()) == "held"


def test_cancelling_after_shutdown(make_pool: MakePool, gate: Gate, run: Run) -> None:
    pool = make_pool(1)

    async def main() -> None:
        futures = [pool.run(endless.loop, gate.ends), pool.run(endless.loop), pool.run(work.square, 3)]
        gate.wait_for()
        pool.shutdown(wait=False)
        for future in futures[:2]:
            future.cancel()
        assert await futures[2] == 9
        await asyncio.to_thread(pool.shutdown)

    run(main())


def test_cancelling_after_the_executor_was_dropped(gate: Gate, run: Run) -> None:
    async def main() -> None:
        pool = InterpreterThreadPoolExecutor(1)
        threads = pool._threads
        future: RunFuture[Any] = pool.run(endless.loop, gate.ends)
        gate.wait_for()
        del pool
        future.cancel()
        for thread in threads:
            await asyncio.to_thread(thread.join)

    run(main())


def test_functions_that_cross_by_value_and_partials_are_stopped(make_pool: MakePool, gate: Gate, run: Run) -> None:
    pool = make_pool(1)
    ends = gate.ends

    async def main() -> int:
        partial = functools.partial(endless.loop, ends)
        functions: list[Callable[[], Any]] = [lambda: endless.loop(ends), partial, interpreter(partial)]
        for function in functions:
            future = pool.run(function)
            gate.wait_for()
            future.cancel()
        return await pool.run(work.square, 3)

    assert run(main()) == 9
