"""`executor.run`: calls that an event loop awaits, on every loop, in every way to await."""

import asyncio
import collections.abc
import gc
import inspect
import os
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, NotTransferableError, TaskInterrupted, interpreter
from support import endless, failures, shapes, work
from support.gate import Gate, hold
from support.protocols import MakePool


class WithoutReaders(asyncio.SelectorEventLoop):
    """A loop that cannot look at descriptors, like Windows' ProactorEventLoop."""

    def add_reader(self, *_: Any) -> None:
        raise NotImplementedError


def with_eager_tasks() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    loop.set_task_factory(asyncio.eager_task_factory)
    return loop


def uvloop() -> asyncio.AbstractEventLoop:
    module = pytest.importorskip("uvloop")
    loop: asyncio.AbstractEventLoop = module.new_event_loop()
    return loop


LOOPS = [asyncio.new_event_loop, with_eager_tasks, WithoutReaders, uvloop]

type Run = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture(params=LOOPS, ids=["selector", "eager tasks", "without readers", "uvloop"])
def run(request: pytest.FixtureRequest) -> Iterator[Run]:
    """Runs coroutines in one loop, in debug mode: it complains about everything."""
    with asyncio.Runner(loop_factory=request.param, debug=True) as runner:
        yield runner.run


def descriptors() -> int:
    """How many this process has open."""
    return len(os.listdir("/proc/self/fd"))


# ---- Results


def test_results(pool: InterpreterThreadPoolExecutor, run: Run) -> None:
    async def main() -> list[Any]:
        return [
            await pool.run(work.square, 3),
            await pool.run(interpreter(work.square), x=4),
            await pool.run(lambda n: n + 1, 4),
            await pool.run(shapes.Node, "node"),
        ]

    *numbers, node = run(main())
    assert numbers == [9, 16, 5]
    assert isinstance(node, shapes.Node)


def test_it_runs_in_an_interpreter_tagged_or_not(pool: InterpreterThreadPoolExecutor, run: Run) -> None:
    async def main() -> list[str]:
        return [await pool.run(work.here), await pool.run(interpreter(work.here))]

    assert work.HERE not in run(main())


def test_exceptions_arrive_as_themselves(pool: InterpreterThreadPoolExecutor, run: Run) -> None:
    async def main() -> None:
        await pool.run(failures.fail_with_custom)

    with pytest.raises(failures.Custom):
        run(main())


def test_what_cannot_cross_is_told_by_the_await(pool: InterpreterThreadPoolExecutor, run: Run) -> None:
    async def main() -> None:
        future = pool.run(work.echo, (n for n in ()))
        with pytest.raises(NotTransferableError, match="argument 0: generator objects cannot cross interpreters"):
            await future
        with pytest.raises(NotTransferableError, match="result"):
            await pool.run(work.make_generator)

    run(main())


def test_many_at_once(pool: InterpreterThreadPoolExecutor, run: Run) -> None:
    async def main() -> list[int]:
        return await asyncio.gather(*(pool.run(work.square, n) for n in range(2000)))

    assert run(main()) == [n * n for n in range(2000)]


def test_calls_start_without_an_await(make_pool: MakePool, gate: Gate, run: Run) -> None:
    pool = make_pool(1)

    async def main() -> None:
        future = pool.run(hold, gate.ends)
        await asyncio.to_thread(gate.wait_for)
        gate.open()
        await future

    run(main())


# ---- Ways to await


async def _await(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


async def _in_task_group(coroutine: Coroutine[Any, Any, Any]) -> Any:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(coroutine)
    return task.result()


async def _as_completed(future: asyncio.Future[Any]) -> Any:
    return [await each for each in asyncio.as_completed([future])][0]


async def _in_another_thread(coroutine: Coroutine[Any, Any, Any]) -> Any:
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(coroutine, asyncio.get_running_loop()))


async def _wait(future: asyncio.Future[Any]) -> Any:
    done, _ = await asyncio.wait([asyncio.ensure_future(future), asyncio.create_task(asyncio.sleep(1000))], return_when="FIRST_COMPLETED")
    return done.pop().result()


async def _by_hand(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """As asyncio's tasks do it."""

    class Awaitable:
        def __await__(self) -> Any:
            value = None
            while True:
                try:
                    yielded = coroutine.send(value)
                except StopIteration as stop:
                    return stop.value
                value = yield yielded

    return await Awaitable()


WAYS: list[Callable[[Any], Coroutine[Any, Any, Any]]] = [
    _await,
    _in_task_group,
    _as_completed,
    _in_another_thread,
    _by_hand,
    lambda future: asyncio.wait_for(future, 100),
    lambda future: _await(asyncio.shield(future)),
    lambda future: _await(asyncio.create_task(future)),
    lambda future: _await(asyncio.ensure_future(future)),
    lambda future: _await(asyncio.gather(future)),
]


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_await(pool: InterpreterThreadPoolExecutor, run: Run, way: Callable[[Any], Coroutine[Any, Any, Any]]) -> None:
    async def main() -> None:
        value = (1, [2])
        assert await way(pool.run(work.echo, value)) == value
        assert await way(pool.run(work.echo, StopIteration("a value")).__class__ and pool.run(work.square, 3)) == 9
        with pytest.raises((failures.Custom, ExceptionGroup)):
            await way(pool.run(failures.fail_with_custom))

    run(main())


def test_it_is_a_future_and_a_coroutine(pool: InterpreterThreadPoolExecutor, run: Run) -> None:
    async def main() -> None:
        future = pool.run(work.square, 3)
        assert asyncio.isfuture(future)
        assert asyncio.iscoroutine(future)
        assert isinstance(future, asyncio.Future)
        assert isinstance(future, collections.abc.Coroutine)
        assert inspect.isawaitable(future)
        assert future.get_loop() is asyncio.get_running_loop()
        assert "RunFuture pending" in repr(future)
        assert await future == await future == 9
        assert "RunFuture finished result=9" in repr(future)
        with pytest.raises(TypeError, match="cannot create"):
            type(future)()

    run(main())


def test_a_task_shows_what_it_runs(pool: InterpreterThreadPoolExecutor, run: Run) -> None:
    async def main() -> None:
        task = asyncio.create_task(pool.run(work.square, 3))
        assert "run" in repr(task)
        assert task.get_stack() == []
        assert await task == 9

    run(main())


def test_callbacks_have_their_context(pool: InterpreterThreadPoolExecutor, run: Run) -> None:
    import contextvars

    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")

    async def main() -> str:
        seen: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        variable.set("before")
        pool.run(work.square, 3).add_done_callback(lambda _: seen.set_result(variable.get()))
        variable.set("after")
        return await seen

    assert run(main()) == "before"


# ---- Cancelling


async def _cancel(task: asyncio.Task[Any]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def _time_out(future: Any) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await future


async def _wait_for(future: Any) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(future, 0.01)


async def _fail_beside(future: Any) -> None:
    async def fail() -> None:
        raise LookupError

    with pytest.raises(ExceptionGroup):
        async with asyncio.TaskGroup() as group:
            group.create_task(future)
            group.create_task(fail())


async def _cancel_gather(future: Any) -> None:
    gathered = asyncio.gather(future, asyncio.sleep(0))
    gathered.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gathered


async def _close(future: Any) -> None:
    future.close()
    assert future.cancelled()


ENDS: list[Callable[[Any], Coroutine[Any, Any, Any]]] = [
    lambda future: _cancel(asyncio.create_task(future)),
    lambda future: _cancel(future),
    _time_out,
    _wait_for,
    _fail_beside,
    _cancel_gather,
    _close,
]
