"""The pool under asyncio's own functions: run_in_executor, to_thread, wrap_future."""

import asyncio
import contextvars
import functools
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from typing import Any

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import failures, shapes, work
from support import gate as gates
from support.gate import Gate
from support.protocols import MakePool, Tag

variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="nothing")


def run(main: Coroutine[Any, Any, Any]) -> Any:
    """Run in a new loop in debug mode, because it reports every misuse."""
    return asyncio.run(main, debug=True)


def test_run_in_executor(pool: InterpreterThreadPoolExecutor, tag: Tag) -> None:
    async def main() -> int:
        return await asyncio.get_running_loop().run_in_executor(pool, tag(work.square), 3)

    assert run(main()) == 9


def test_run_in_executor_runs_a_tagged_function_elsewhere(pool: InterpreterThreadPoolExecutor) -> None:
    async def main() -> tuple[str, str]:
        loop = asyncio.get_running_loop()
        return (
            await loop.run_in_executor(pool, functools.partial(interpreter(work.here))),
            await loop.run_in_executor(pool, work.here),
        )

    tagged, untagged = run(main())
    assert tagged != work.HERE
    assert untagged == work.HERE


def test_wrap_future(pool: InterpreterThreadPoolExecutor, tag: Tag) -> None:
    async def main() -> int:
        return await asyncio.wrap_future(pool.submit(tag(work.square), 3))

    assert run(main()) == 9


def test_to_thread_with_the_pool_as_default_executor(make_pool: MakePool) -> None:
    pool = make_pool(2)

    async def main() -> tuple[str, str, Any]:
        asyncio.get_running_loop().set_default_executor(pool)
        return (
            await asyncio.to_thread(interpreter(work.here)),
            await asyncio.to_thread(work.here),
            await asyncio.to_thread(work.tagged_square, x=4),
        )

    tagged, untagged, result = run(main())
    assert tagged != work.HERE
    assert untagged == work.HERE
    assert result == 16


def test_to_thread_carries_context_variables_to_untagged_functions(make_pool: MakePool) -> None:
    async def main() -> str:
        asyncio.get_running_loop().set_default_executor(make_pool(1))
        variable.set("carried")
        return await asyncio.to_thread(variable.get)

    assert run(main()) == "carried"


def test_the_end_of_the_loop_shuts_the_default_executor_down(make_pool: MakePool) -> None:
    pool = make_pool(1)

    async def main() -> int:
        asyncio.get_running_loop().set_default_executor(pool)
        return await asyncio.to_thread(interpreter(work.square), 3)

    assert run(main()) == 9
    with pytest.raises(RuntimeError):
        pool.submit(work.square, 3)


def test_many_at_once(pool: InterpreterThreadPoolExecutor) -> None:
    async def main() -> list[int]:
        loop = asyncio.get_running_loop()
        tagged = [loop.run_in_executor(pool, interpreter(work.square), n) for n in range(500)]
        untagged = [loop.run_in_executor(pool, work.square, n) for n in range(500)]
        return await asyncio.gather(*tagged, *untagged)

    assert run(main()) == [n * n for n in range(500)] * 2


def test_the_loop_goes_on_while_workers_are_busy(make_pool: MakePool, gate: Gate, tag: Tag) -> None:
    pool = make_pool(2)

    async def main() -> list[Any]:
        loop = asyncio.get_running_loop()
        held = [loop.run_in_executor(pool, tag(gates.hold), gate.ends, n) for n in range(2)]
        gate.wait_for(2)
        for _ in range(10):
            await asyncio.sleep(0)
        assert not any(future.done() for future in held)
        gate.open(2)  # only this loop can open it
        return await asyncio.gather(*held)

    assert run(main()) == [0, 1]


def test_exceptions_come_out_of_await(pool: InterpreterThreadPoolExecutor, tag: Tag) -> None:
    async def main() -> None:
        await asyncio.get_running_loop().run_in_executor(pool, tag(failures.fail), failures.Custom(5, "five"))

    with pytest.raises(failures.Custom) as caught:
        run(main())
    assert caught.value.args == (5, "five")


def test_a_refusal_comes_out_of_await(pool: InterpreterThreadPoolExecutor) -> None:
    async def main() -> None:
        await asyncio.get_running_loop().run_in_executor(pool, interpreter(work.nothing), shapes.empty_generator())

    with pytest.raises(TypeError, match="argument 0: generator objects cannot cross interpreters"):
        run(main())


def test_stop_iteration_becomes_a_runtime_error_as_asyncio_does(pool: InterpreterThreadPoolExecutor, tag: Tag) -> None:
    async def main() -> None:
        await asyncio.get_running_loop().run_in_executor(pool, tag(failures.stop), 1)

    with pytest.raises(RuntimeError, match="StopIteration"):
        run(main())


def test_cancelling_the_await_cancels_what_has_not_started(make_pool: MakePool, gate: Gate, tag: Tag) -> None:
    pool = make_pool(1)

    async def main() -> Future[Any]:
        loop = asyncio.get_running_loop()
        held = loop.run_in_executor(pool, tag(gates.hold), gate.ends)
        gate.wait_for()
        future = pool.submit(tag(gates.hold), gate.ends)
        waiting = asyncio.ensure_future(asyncio.wait_for(asyncio.wrap_future(future), None))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        gate.open()
        await held
        return future

    future = run(main())
    assert future.cancelled()


def test_a_timeout_ends_the_await_and_not_the_pool(make_pool: MakePool, gate: Gate, tag: Tag) -> None:
    pool = make_pool(1)

    async def main() -> int:
        loop = asyncio.get_running_loop()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await loop.run_in_executor(pool, tag(gates.hold), gate.ends)
        gate.open_wide()
        return await loop.run_in_executor(pool, tag(work.square), 3)

    assert run(main()) == 9


def test_cancelling_from_the_other_side_cancels_the_await(make_pool: MakePool, gate: Gate, tag: Tag) -> None:
    pool = make_pool(1)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        held = loop.run_in_executor(pool, tag(gates.hold), gate.ends)
        gate.wait_for()
        future = pool.submit(tag(work.square), 3)
        wrapped = asyncio.wrap_future(future)
        future.cancel()
        gate.open()
        with pytest.raises(asyncio.CancelledError):
            await wrapped
        await held

    run(main())


def test_a_task_group_runs_tagged_functions(pool: InterpreterThreadPoolExecutor) -> None:
    async def call(n: int) -> int:
        return await asyncio.get_running_loop().run_in_executor(pool, interpreter(work.square), n)

    async def main() -> list[int]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(call(n)) for n in range(20)]
        return [task.result() for task in tasks]

    assert run(main()) == [n * n for n in range(20)]


def test_loops_in_several_threads_share_a_pool(pool: InterpreterThreadPoolExecutor) -> None:
    results: dict[int, list[int]] = {}

    async def main(number: int) -> None:
        loop = asyncio.get_running_loop()
        calls = [loop.run_in_executor(pool, interpreter(work.square), number * 100 + n) for n in range(50)]
        results[number] = await asyncio.gather(*calls)

    threads = [threading.Thread(target=run, args=(main(number),)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {number: [(number * 100 + n) ** 2 for n in range(50)] for number in range(4)}


def test_a_loop_that_closes_before_the_result_is_there_harms_nobody(make_pool: MakePool, gate: Gate, tag: Tag) -> None:
    pool = make_pool(1)

    async def main() -> Future[Any]:
        future = pool.submit(tag(gates.hold), gate.ends, "late")
        asyncio.wrap_future(future)
        gate.wait_for()
        return future

    future = run(main())
    gate.open()
    assert future.result() == "late"
    assert pool.submit(tag(work.square), 3).result() == 9


def test_a_tagged_function_may_run_a_loop_of_its_own(pool: InterpreterThreadPoolExecutor) -> None:
    def run_loop() -> list[int]:
        async def double(n: int) -> int:
            await asyncio.sleep(0)
            return 2 * n

        async def main() -> list[int]:
            return await asyncio.gather(*(double(n) for n in range(5)))

        return asyncio.run(main())

    assert pool.submit(interpreter(run_loop)).result() == [0, 2, 4, 6, 8]


# ---- The loop's default executor


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    """In debug mode."""
    with asyncio.Runner(debug=True) as runner:
        yield runner


async def where_tagged_functions_run() -> str:
    place: str = await asyncio.to_thread(interpreter(work.here))
    assert await asyncio.get_running_loop().run_in_executor(None, interpreter(work.here)) != work.HERE
    assert await asyncio.to_thread(work.here) == work.HERE
    return place


def test_as_default_of_the_running_loop(make_pool: MakePool, runner: asyncio.Runner) -> None:
    async def main() -> str:
        make_pool(1).set_as_event_loop_default()
        return await where_tagged_functions_run()

    assert runner.run(main()) != work.HERE


@pytest.mark.parametrize("of", [lambda runner: runner, asyncio.Runner.get_loop], ids=["runner", "loop"])
def test_as_default_of_a_loop_that_does_not_run_yet(
    make_pool: MakePool, runner: asyncio.Runner, of: Callable[[asyncio.Runner], Any]
) -> None:
    make_pool(1).set_as_event_loop_default(of(runner))
    assert runner.run(where_tagged_functions_run()) != work.HERE


def test_as_default_of_uvloop(make_pool: MakePool) -> None:
    uvloop = pytest.importorskip("uvloop")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop, debug=True) as runner:
        make_pool(1).set_as_event_loop_default(runner)
        assert runner.run(where_tagged_functions_run()) != work.HERE


def test_as_default_without_a_loop(pool: InterpreterThreadPoolExecutor) -> None:
    with pytest.raises(RuntimeError, match="no running event loop"):
        pool.set_as_event_loop_default()
    with pytest.raises(TypeError, match=r"must be an event loop, an asyncio\.Runner or None, not 5"):
        pool.set_as_event_loop_default(5)  # type: ignore[arg-type]


def test_a_runner_that_is_closed_takes_no_default(pool: InterpreterThreadPoolExecutor) -> None:
    with asyncio.Runner() as runner:
        runner.get_loop()
    with pytest.raises(RuntimeError, match="closed"):
        pool.set_as_event_loop_default(runner)


def test_one_pool_may_be_the_default_of_several_loops(make_pool: MakePool, runner: asyncio.Runner) -> None:
    pool = make_pool(1)
    pool.set_as_event_loop_default(runner)
    with asyncio.Runner() as other:
        pool.set_as_event_loop_default(other)
        assert runner.run(where_tagged_functions_run()) == other.run(where_tagged_functions_run())


def test_shutting_the_default_executor_down_waits_for_its_calls(
    make_pool: MakePool, runner: asyncio.Runner, gate: Gate, tag: Tag
) -> None:
    pool = make_pool(1)
    pool.set_as_event_loop_default(runner)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        held = loop.run_in_executor(None, tag(gates.hold), gate.ends, "held")
        gate.wait_for()
        ending = asyncio.create_task(loop.shutdown_default_executor())
        await asyncio.sleep(0)
        assert not ending.done()
        gate.open()
        await ending
        assert await held == "held"
        with pytest.raises(RuntimeError, match="shut"):
            await asyncio.to_thread(tag(work.square), 3)

    runner.run(main())
    with pytest.raises(RuntimeError, match="shut"):
        pool.submit(tag(work.square), 3)


# ---- Cancelling to_thread: as in the standard library, the await ends immediately and the running call goes on


def test_cancelling_to_thread_leaves_the_call_that_runs(
    make_pool: MakePool, runner: asyncio.Runner, gate: Gate, tag: Tag
) -> None:
    make_pool(1).set_as_event_loop_default(runner)
    arrived, _ = gate.ends

    async def main() -> None:
        task = asyncio.create_task(asyncio.to_thread(tag(gates.hold_then), gate.ends, work.write, arrived))
        await asyncio.sleep(0)
        gate.wait_for()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        gate.open()
        gate.wait_for()  # the call has passed the gate
        assert await asyncio.to_thread(tag(work.square), 3) == 9

    runner.run(main())


def test_cancelling_to_thread_drops_the_call_that_waits(
    make_pool: MakePool, runner: asyncio.Runner, gate: Gate, tag: Tag
) -> None:
    make_pool(1).set_as_event_loop_default(runner)

    async def main() -> None:
        held = asyncio.create_task(asyncio.to_thread(tag(gates.hold), gate.ends, "held"))
        await asyncio.sleep(0)
        gate.wait_for()
        waiting = asyncio.create_task(asyncio.to_thread(tag(gates.hold), gate.ends, "never"))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        gate.open()
        assert await held == "held"
        assert await asyncio.to_thread(tag(work.square), 3) == 9  # no call waits at the gate

    runner.run(main())


def test_to_thread_of_a_coroutine_function_awaits_it_in_the_worker(make_pool: MakePool) -> None:
    async def double(number: int) -> tuple[int, str]:
        await asyncio.sleep(0)
        return 2 * number, work.here()

    async def main() -> Any:
        make_pool(1).set_as_event_loop_default()
        return await asyncio.to_thread(interpreter(double), 4)

    doubled, place = run(main())
    assert doubled == 8
    assert place != work.HERE


def test_run_in_executor_of_a_coroutine_function(pool: InterpreterThreadPoolExecutor) -> None:
    """In debug mode asyncio refuses callables that it considers coroutine functions."""

    async def double(number: int) -> int:
        return 2 * number

    async def main() -> Any:
        return await asyncio.get_running_loop().run_in_executor(pool, interpreter(double), 4)

    assert asyncio.run(main(), debug=False) == 8
    with pytest.raises(TypeError, match="coroutines cannot be used with run_in_executor"):
        run(main())
