"""`executor.run`: calls that an event loop awaits, on every loop, in every way to await."""

import asyncio
import collections.abc
import contextvars
import gc
import inspect
import logging
import threading
import weakref
from concurrent.futures.thread import BrokenThreadPool
from typing import Any

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, NotTransferableError, SharedBuffer, TaskInterrupted, interpreter
from aiointerpreters.types import RunFuture
from support import failures, loops, memory, own_loop, shapes, work
from support.gate import Gate, hold
from support.loops import Run, Way
from support.protocols import MakePool

make_loop = loops.make_loop
run = loops.run

variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")


# ---- Results


def test_results(pool: InterpreterThreadPoolExecutor, run: Run) -> None:
    async def main() -> list[Any]:
        return [
            await pool.run(work.square, 3),
            await pool.run(interpreter(work.square), x=4),
            await pool.run(lambda n: n + 1, 4),
            await pool.run(work.nothing),
            await pool.run(shapes.Node, "node"),
        ]

    *plain, node = run(main())
    assert plain == [9, 16, 5, None]
    assert isinstance(node, shapes.Node)


def test_arguments_of_all_kinds(pool: InterpreterThreadPoolExecutor, run: Run) -> None:
    async def main() -> Any:
        return await pool.run(work.echo_call, 1, [2], self="self", fn="fn", args=(3,))

    assert run(main()) == ((1, [2]), {"self": "self", "fn": "fn", "args": (3,)})


@pytest.mark.parametrize("result", [(), (1, 2), ValueError("returned"), StopIteration(5), None], ids=repr)
def test_results_that_a_coroutine_might_mistake(pool: InterpreterThreadPoolExecutor, run: Run, result: Any) -> None:
    async def main() -> None:
        assert repr(await pool.run(work.echo, result)) == repr(result)
        assert repr(await loops.in_a_task(pool.run(work.echo, result))) == repr(result)
        assert repr(await loops.by_steps(pool.run(work.echo, result))) == repr(result)

    run(main())


def test_it_runs_in_an_interpreter_tagged_or_not(pool: InterpreterThreadPoolExecutor, run: Run) -> None:
    async def main() -> list[str]:
        return [await pool.run(work.here), await pool.run(interpreter(work.here))]

    assert work.HERE not in run(main())


def test_large_arguments_and_results(pool: InterpreterThreadPoolExecutor, run: Run) -> None:
    value = [b"x" * 5_000_000, "\u4e2d" * 100_000, list(range(100_000))]

    async def main() -> Any:
        return await asyncio.gather(*(pool.run(work.echo, value) for _ in range(4)))

    assert run(main()) == [value] * 4


def test_memory_is_shared(pool: InterpreterThreadPoolExecutor, run: Run) -> None:
    exporter = bytearray(b"01234")
    shared = SharedBuffer(5)

    async def main() -> None:
        view = memoryview(exporter)
        assert await pool.run(memory.poke, view, 1, 65) == ord("1")
        returned = await pool.run(work.echo, [view])
        returned[0][2] = 66
        returned[0].release()
        view.release()
        assert await pool.run(memory.poke, shared, 0, 7) == 0

    run(main())
    assert exporter == b"0AB34"
    assert bytes(shared) == b"\x07\0\0\0\0"
    memory.wait_until_back(exporter)


def test_many_at_once(pool: InterpreterThreadPoolExecutor, run: Run) -> None:
    async def main() -> list[int]:
        return await asyncio.gather(*(pool.run(work.square, n) for n in range(2000)))

    assert run(main()) == [n * n for n in range(2000)]


def test_calls_start_without_an_await(make_pool: MakePool, gate: Gate, run: Run) -> None:
    pool = make_pool(1)

    async def main() -> Any:
        future = pool.run(hold, gate.ends, "held")
        gate.wait_for()
        assert not future.done()
        gate.open()
        return await future

    assert run(main()) == "held"


def test_calls_whose_futures_are_dropped_run_all_the_same(make_pool: MakePool, gate: Gate, run: Run) -> None:
    pool = make_pool(1)

    async def main() -> Any:
        pool.run(hold, gate.ends)
        gate.wait_for()
        pool.run(work.remember, "abandoned", "has run")
        gc.collect()
        gate.open()
        return await pool.run(work.recall, "abandoned")

    assert run(main()) == "has run"


def test_the_loop_goes_on_while_workers_are_busy(make_pool: MakePool, gate: Gate, run: Run) -> None:
    pool = make_pool(2)

    async def main() -> list[Any]:
        held = [pool.run(hold, gate.ends, n) for n in range(2)]
        gate.wait_for(2)
        for _ in range(10):
            await asyncio.sleep(0)
        assert not any(future.done() for future in held)
        gate.open(2)  # only this loop can open it
        return await asyncio.gather(*held)

    assert run(main()) == [0, 1]


def test_results_beyond_one_turn_of_the_loop_are_told_at_the_next(make_pool: MakePool, gate: Gate, run: Run) -> None:
    """Delivering a batch that takes long to decode is split into parts. Other ready callbacks run in between."""
    pool = make_pool(1)
    value = [{"n": n} for n in range(2000)]

    async def main() -> None:
        pool.run(hold, gate.ends)
        gate.wait_for()
        futures = [pool.run(work.echo, value) for _ in range(100)]
        gate.open()
        pool.submit(interpreter(work.nothing)).result()  # all calls have ended, and no end is delivered yet
        assert not any(future.done() for future in futures)
        await futures[0]
        assert not all(future.done() for future in futures)
        assert await asyncio.gather(*futures) == [value] * 100

    run(main())


# ---- Exceptions


def test_exceptions_arrive_as_themselves(pool: InterpreterThreadPoolExecutor, run: Run) -> None:
    async def main() -> None:
        with pytest.raises(failures.Custom) as caught:
            await pool.run(failures.fail_with_custom)
        assert (caught.value.code, caught.value.detail) == (7, "seven")
        assert "fail_with_custom" in str(caught.value.__cause__)

    run(main())


@pytest.mark.parametrize(
    "exception",
    [
        SystemExit(3),
        KeyboardInterrupt("there"),
        asyncio.CancelledError("there"),
        StopAsyncIteration(4),
        GeneratorExit("there"),
        failures.OwnBase("there"),
        TimeoutError("there"),
        asyncio.InvalidStateError("there"),
    ],
    ids=lambda exception: type(exception).__name__,
)
def test_exceptions_that_mean_something_to_loops(
    pool: InterpreterThreadPoolExecutor, run: Run, exception: BaseException
) -> None:
    async def main() -> None:
        with pytest.raises(type(exception)) as caught:
            await pool.run(failures.fail, exception)
        assert caught.value.args == exception.args
        assert await pool.run(work.square, 3) == 9

    run(main())


def test_who_awaits_what_was_interrupted_is_told_of_a_cancellation(pool: InterpreterThreadPoolExecutor, run: Run) -> None:
    async def main() -> None:
        future: Any = pool.run(failures.fail, TaskInterrupted("of its own"))
        with pytest.raises(asyncio.CancelledError):
            await future
        assert future.cancelled()
        assert await pool.run(work.square, 3) == 9

    run(main())


def test_stop_iteration_becomes_a_runtime_error_as_asyncio_does(pool: InterpreterThreadPoolExecutor, run: Run) -> None:
    async def main() -> None:
        with pytest.raises(RuntimeError, match="StopIteration"):
            await pool.run(failures.stop, 1)

    run(main())


def test_an_exception_that_nobody_retrieves_is_told_once(
    pool: InterpreterThreadPoolExecutor, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        ended = asyncio.Event()
        pool.run(failures.fail_with_custom).add_done_callback(lambda _: ended.set())
        await ended.wait()
        await asyncio.sleep(0)
        gc.collect()

    run(main())
    (record,) = (record for record in caplog.records if record.levelno >= logging.ERROR)
    assert "RunFuture exception was never retrieved" in record.getMessage()
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], failures.Custom)


def test_an_exception_that_somebody_retrieves_is_not_told(
    pool: InterpreterThreadPoolExecutor, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        for way in loops.WAYS:
            with pytest.raises((failures.Custom, ExceptionGroup)):
                await way(pool.run(failures.fail_with_custom))
        assert isinstance(pool.run(work.echo, shapes.empty_generator()).exception(), NotTransferableError)
        gc.collect()

    run(main())
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


# ---- Ways to await


@pytest.mark.parametrize("way", loops.WAYS, ids=lambda way: way.__name__)
def test_every_way_to_await(make_pool: MakePool, gate: Gate, run: Run, way: Way) -> None:
    pool = make_pool(1)

    async def main() -> None:
        value = (1, [2])
        assert await way(pool.run(work.echo, value)) == value
        with pytest.raises((failures.Custom, ExceptionGroup)):
            await way(pool.run(failures.fail_with_custom))
        ended = pool.run(work.echo, value)
        await ended
        assert await way(ended) == value
        undelivered = pool.run(work.echo, value)
        pool.submit(interpreter(work.nothing)).result()
        assert await way(undelivered) == value
        held = pool.run(hold, gate.ends, value)
        asyncio.get_running_loop().call_later(0.001, gate.open)
        assert await way(held) == value

    run(main())


def test_many_await_one(pool: InterpreterThreadPoolExecutor, run: Run) -> None:
    async def main() -> list[list[int]]:
        future = pool.run(work.echo, [1])
        return await asyncio.gather(*(asyncio.create_task(loops.plainly(future)) for _ in range(5)), future)

    results = run(main())
    assert all(result is results[0] for result in results)


def test_it_is_a_future_and_a_coroutine(pool: InterpreterThreadPoolExecutor, run: Run) -> None:
    async def main() -> None:
        future = pool.run(work.square, 3)
        assert asyncio.iscoroutine(future)
        assert asyncio.isfuture(future)
        assert isinstance(future, asyncio.Future)
        assert isinstance(pool.run(work.square, 3), collections.abc.Coroutine)
        assert isinstance(future, RunFuture)
        assert inspect.isawaitable(future)
        assert future.get_loop() is asyncio.get_running_loop()
        assert "RunFuture pending" in repr(future)
        assert await future == await future == 9
        assert "RunFuture finished result=9" in repr(future)
        assert weakref.ref(future)() is future

    run(main())


def test_only_run_makes_it() -> None:
    with pytest.raises(TypeError, match="cannot create"):
        RunFuture()  # type: ignore[abstract]


def test_as_a_coroutine_it_yields_itself_until_it_ends(make_pool: MakePool, gate: Gate, run: Run) -> None:
    async def main() -> None:
        future = make_pool(1).run(hold, gate.ends, (1, 2))
        for _ in range(2):
            assert future.send(None) is future
            assert future._asyncio_future_blocking
            future._asyncio_future_blocking = False  # tasks do the same when they wait
        gate.open()
        assert await future == (1, 2)
        with pytest.raises(StopIteration) as stop:
            future.send(None)
        assert stop.value.value == (1, 2)

    run(main())


def test_as_a_coroutine_it_raises_what_is_thrown(pool: InterpreterThreadPoolExecutor, run: Run) -> None:
    error = LookupError("instance")

    async def main() -> None:
        ended = pool.run(work.square, 3)
        await ended
        for future in (pool.run(work.nothing), ended):
            with pytest.raises(LookupError, match="instance"):
                future.throw(error)
            with pytest.raises(LookupError, match=r"^$"):
                future.throw(LookupError)
            with pytest.raises(LookupError, match="value"):
                future.throw(LookupError, "value")
            with pytest.raises(LookupError, match="instance"):
                future.throw(LookupError, error, None)
            with pytest.raises(TypeError, match="exceptions must be classes or instances deriving from BaseException"):
                future.throw("no exception")  # type: ignore[call-overload]
            with pytest.raises(TypeError, match="takes 1 to 3 arguments"):
                future.throw()  # type: ignore[call-overload]
        ended.close()
        assert ended.result() == 9

    run(main())


def test_a_task_shows_what_it_runs(pool: InterpreterThreadPoolExecutor, run: Run) -> None:
    async def main() -> None:
        task = asyncio.create_task(pool.run(work.square, 3), name="shown")
        assert "name='shown'" in repr(task)
        assert "coro=<run()" in repr(task)
        assert task.get_stack() == []
        assert await task == 9

    run(main())


def test_callbacks_have_their_context(pool: InterpreterThreadPoolExecutor, run: Run) -> None:
    async def main() -> str:
        seen: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        variable.set("before")
        pool.run(work.square, 3).add_done_callback(lambda _: seen.set_result(variable.get()))
        variable.set("after")
        return await seen

    assert run(main()) == "before"


def test_a_result_that_somebody_else_has_set_stays(make_pool: MakePool, gate: Gate, run: Run) -> None:
    pool = make_pool(1)

    async def main() -> Any:
        future = pool.run(hold, gate.ends, "held")
        future.set_result("set")
        gate.open()
        assert await pool.run(work.square, 3) == 9
        return await future

    assert run(main()) == "set"


def test_nothing_is_left_of_a_call(pool: InterpreterThreadPoolExecutor, run: Run) -> None:
    async def main() -> None:
        future = pool.run(shapes.Node, "node")
        references: list[weakref.ref[Any]] = [weakref.ref(future), weakref.ref(await future)]
        failed: RunFuture[Any] = pool.run(failures.fail_with_custom)
        references += [weakref.ref(failed)]
        with pytest.raises(failures.Custom):
            await failed
        del future, failed
        await asyncio.sleep(0)  # the loop still holds the handle that has woken this task
        gc.collect()
        assert [reference() for reference in references] == [None] * 3

    run(main())


# ---- Bad input


def test_nothing_to_call(pool: InterpreterThreadPoolExecutor, run: Run) -> None:
    async def main() -> None:
        with pytest.raises(TypeError, match=r"run\(\) missing 1 required positional argument: 'fn'"):
            pool.run()  # type: ignore[call-overload]
        with pytest.raises(TypeError, match=r"run\(\) missing 1 required positional argument: 'fn'"):
            pool.run(fn=work.square)  # type: ignore[call-overload]
        with pytest.raises(TypeError, match=r"run\(\) needs a callable, not 'square'"):
            pool.run("square", 3)  # type: ignore[call-overload]

    run(main())


def test_arguments_that_the_function_does_not_take(pool: InterpreterThreadPoolExecutor, run: Run) -> None:
    async def main() -> None:
        with pytest.raises(TypeError, match="missing 1 required positional argument"):
            await pool.run(work.square)  # type: ignore[call-overload]

    run(main())


def test_what_cannot_cross_is_told_by_the_await(pool: InterpreterThreadPoolExecutor, run: Run) -> None:
    async def main() -> None:
        future = pool.run(work.echo, shapes.empty_generator())
        assert future.done()
        with pytest.raises(NotTransferableError, match="argument 0: generator objects cannot cross interpreters"):
            await future
        with pytest.raises(NotTransferableError, match=r"argument 'value'\['rows'\]\[1\]: generator objects"):
            await pool.run(work.echo, value={"rows": [1, shapes.empty_generator()]})
        with pytest.raises(NotTransferableError, match="result: generator objects cannot cross interpreters"):
            await pool.run(shapes.empty_generator)
        lock = threading.Lock()
        with pytest.raises(NotTransferableError, match="lock"):
            await pool.run(lambda: lock)

    run(main())


def test_an_executor_that_was_shut_down(make_pool: MakePool, run: Run) -> None:
    pool = make_pool(1)

    async def main() -> None:
        assert await pool.run(work.square, 3) == 9
        pool.shutdown()
        with pytest.raises(RuntimeError, match="cannot schedule new futures after shutdown"):
            pool.run(work.square, 3)

    run(main())


def test_shutdown_lets_awaited_calls_finish(make_pool: MakePool, gate: Gate, run: Run) -> None:
    pool = make_pool(1)

    async def main() -> list[Any]:
        futures = [pool.run(hold, gate.ends, "held"), pool.run(work.square, 3)]
        gate.wait_for()
        pool.shutdown(wait=False)
        gate.open()
        return await asyncio.gather(*futures)

    assert run(main()) == ["held", 9]


@pytest.mark.parametrize("in_thread", [False, True], ids=["here", "in a thread"])
def test_shutdown_cancels_awaited_calls_that_are_queued(make_pool: MakePool, gate: Gate, run: Run, in_thread: bool) -> None:
    pool = make_pool(1)

    async def main() -> Any:
        held = pool.run(hold, gate.ends, "held")
        gate.wait_for()
        queued = [asyncio.create_task(loops.plainly(pool.run(work.square, n))) for n in range(20)]
        await asyncio.sleep(0)
        if in_thread:
            await asyncio.to_thread(pool.shutdown, wait=False, cancel_futures=True)
        else:
            pool.shutdown(wait=False, cancel_futures=True)
        for task in queued:
            await loops.cancelled(task)
        gate.open()
        return await held

    assert run(main()) == "held"


def test_a_broken_executor(make_pool: MakePool, run: Run, caplog: pytest.LogCaptureFixture) -> None:
    pool = make_pool(1, initializer=interpreter(failures.fail_below))

    async def main() -> None:
        futures = [pool.run(work.square, n) for n in range(5)]
        for future in futures:
            with pytest.raises(BrokenThreadPool) as caught:
                await future
            assert isinstance(caught.value.__cause__, ValueError)
        with pytest.raises(BrokenThreadPool):
            pool.run(work.square, 3)

    run(main())
    assert [record.name for record in caplog.records if record.levelno >= logging.ERROR] == ["concurrent.futures"]


def test_an_executor_that_is_dropped_finishes_its_calls(gate: Gate, run: Run) -> None:
    async def main() -> list[Any]:
        pool = InterpreterThreadPoolExecutor(1)
        threads = pool._threads
        futures = [pool.run(hold, gate.ends, "held"), pool.run(work.square, 3)]
        gate.wait_for()
        reference = weakref.ref(pool)
        del pool
        assert reference() is None
        gate.open()
        results = await asyncio.gather(*futures)
        for thread in threads:
            await asyncio.to_thread(thread.join)
        return results

    assert run(main()) == ["held", 9]


def test_a_pool_and_a_loop_in_a_worker(pool: InterpreterThreadPoolExecutor, run: Run) -> None:
    async def main() -> tuple[list[int], str, str]:
        return await pool.run(own_loop.squares, 20)

    squares, worker, inner = run(main())
    assert squares == [n * n for n in range(20)]
    assert len({work.HERE, worker, inner}) == 3


def test_a_loop_in_a_worker_stops_its_calls(pool: InterpreterThreadPoolExecutor, run: Run) -> None:
    async def main() -> tuple[bool, bool]:
        return await pool.run(own_loop.stops_a_call)

    assert run(main()) == (True, True)


def test_a_call_that_waits_in_a_loop_of_its_own_is_stopped(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(1)

    async def main() -> int:
        future = pool.run(own_loop.awaits, own_loop.look_at, gate.ends)
        gate.wait_for()
        future.cancel()
        return await pool.run(work.square, 3)

    assert asyncio.run(main()) == 9
