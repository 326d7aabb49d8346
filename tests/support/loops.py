"""Event loops of every kind, ways to await what `executor.run` returns, and ways to stop awaiting it."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterator
from typing import Any

import pytest

from aiointerpreters.types import RunFuture

type Run = Callable[[Coroutine[Any, Any, Any]], Any]
type MakeLoop = Callable[[], asyncio.AbstractEventLoop]
type Way = Callable[[RunFuture[Any]], Coroutine[Any, Any, Any]]


class WithoutReaders(asyncio.SelectorEventLoop):
    """A loop that cannot watch descriptors, like ProactorEventLoop on Windows."""

    def add_reader(self, *_: Any) -> None:  # type: ignore[override]
        raise NotImplementedError


def selector() -> asyncio.AbstractEventLoop:
    """The default loop of asyncio."""
    return asyncio.new_event_loop()


def eager_tasks() -> asyncio.AbstractEventLoop:
    """A loop that starts tasks eagerly."""
    loop = asyncio.new_event_loop()
    loop.set_task_factory(asyncio.eager_task_factory)
    return loop


def without_readers() -> asyncio.AbstractEventLoop:
    """A loop that is woken by `call_soon_threadsafe`."""
    return WithoutReaders()


def uvloop() -> asyncio.AbstractEventLoop:
    """A loop that is not part of asyncio."""
    loop: asyncio.AbstractEventLoop = pytest.importorskip("uvloop").new_event_loop()
    return loop


LOOPS: list[MakeLoop] = [selector, eager_tasks, without_readers, uvloop]


@pytest.fixture(params=LOOPS, ids=lambda make: make.__name__)
def make_loop(request: pytest.FixtureRequest) -> MakeLoop:
    """Makes loops of one kind. Tests of common behaviour run with all kinds."""
    make: MakeLoop = request.param
    make().close()
    return make


@pytest.fixture
def run(make_loop: MakeLoop) -> Iterator[Run]:
    """Runs coroutines in one loop in debug mode, because it reports every misuse."""
    with asyncio.Runner(loop_factory=make_loop, debug=True) as runner:
        yield runner.run


def descriptors() -> int:
    """The number of open descriptors of this process."""
    return len(os.listdir("/proc/self/fd"))


# ---- Ways to await


async def plainly(awaitable: Awaitable[Any]) -> Any:
    """By a plain `await`."""
    return await awaitable


async def in_a_task(future: RunFuture[Any]) -> Any:
    """As the coroutine of a task."""
    return await asyncio.create_task(future)


async def in_a_task_group(future: RunFuture[Any]) -> Any:
    """As the coroutine of a group's task."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(future)
    return task.result()


async def in_a_task_of_a_coroutine(future: RunFuture[Any]) -> Any:
    """As most programs do."""
    return await asyncio.create_task(plainly(future))


async def by_ensure_future(future: RunFuture[Any]) -> Any:
    """By ensure_future, which returns the future itself."""
    assert asyncio.ensure_future(future) is future
    return await future


async def by_gather(future: RunFuture[Any]) -> Any:
    """By gather, among others."""
    return (await asyncio.gather(asyncio.sleep(0), future, future))[2]


async def by_gather_with_exceptions(future: RunFuture[Any]) -> Any:
    """By gather that returns exceptions as results."""
    result = (await asyncio.gather(future, return_exceptions=True))[0]
    if isinstance(result, BaseException):
        raise result
    return result


async def by_wait(future: RunFuture[Any]) -> Any:
    """By asyncio.wait, with ensure_future, because asyncio.wait takes no coroutines."""
    done, pending = await asyncio.wait({asyncio.ensure_future(future)})
    assert not pending
    return done.pop().result()


async def by_wait_for_its_task(future: RunFuture[Any]) -> Any:
    """By asyncio.wait with a task."""
    done, pending = await asyncio.wait([asyncio.create_task(future)])
    assert not pending
    return done.pop().result()


async def by_wait_for(future: RunFuture[Any]) -> Any:
    """By wait_for, with enough time."""
    return await asyncio.wait_for(future, 1000)


async def by_timeout(future: RunFuture[Any]) -> Any:
    """By asyncio.timeout, with enough time."""
    async with asyncio.timeout(1000):
        return await future


async def by_as_completed(future: RunFuture[Any]) -> Any:
    """By as_completed."""
    (result,) = [await each for each in asyncio.as_completed([future])]
    return result


async def by_shield(future: RunFuture[Any]) -> Any:
    """By shield."""
    return await asyncio.shield(future)


async def by_threadsafe(future: RunFuture[Any]) -> Any:
    """By run_coroutine_threadsafe in another thread."""
    loop = asyncio.get_running_loop()
    return await asyncio.wrap_future(await asyncio.to_thread(asyncio.run_coroutine_threadsafe, future, loop))


async def by_callback(future: RunFuture[Any]) -> Any:
    """By a done callback, without awaiting it."""
    ended: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    future.add_done_callback(ended.set_result)
    assert await ended is future
    return future.result()


class _Steps:
    """Drives a coroutine step by step, like asyncio's tasks written in Python."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        self._coroutine = coroutine

    def __await__(self) -> Generator[Any, Any, Any]:
        try:
            yielded = self._coroutine.send(None)
            while True:
                try:
                    yield yielded
                except BaseException as error:  # thrown in
                    yielded = self._coroutine.throw(error)
                else:
                    yielded = self._coroutine.send(None)
        except StopIteration as stop:
            return stop.value


async def by_steps(future: RunFuture[Any]) -> Any:
    """By a coroutine that awaits it as a coroutine."""
    return await _Steps(future)


WAYS: list[Way] = [
    plainly,
    in_a_task,
    in_a_task_group,
    in_a_task_of_a_coroutine,
    by_ensure_future,
    by_gather,
    by_gather_with_exceptions,
    by_wait,
    by_wait_for_its_task,
    by_wait_for,
    by_timeout,
    by_as_completed,
    by_shield,
    by_threadsafe,
    by_callback,
    by_steps,
]

# ---- Ways to stop awaiting: each ends the future before it returns


async def cancelled(awaitable: Awaitable[Any]) -> None:
    """Check that the future says that it was cancelled."""
    with pytest.raises(asyncio.CancelledError):
        await awaitable


async def cancel_the_future(future: RunFuture[Any]) -> None:
    """By its own `cancel`."""
    assert future.cancel()
    await cancelled(future)


async def cancel_its_task(future: RunFuture[Any]) -> None:
    """By its task, before the task has begun. An eager task has begun."""
    task = asyncio.create_task(future)
    task.cancel()
    await cancelled(task)


async def cancel_its_waiting_task(future: RunFuture[Any]) -> None:
    """By its task, after the task has begun."""
    task = asyncio.create_task(future)
    await asyncio.sleep(0)
    task.cancel()
    await cancelled(task)


async def cancel_who_awaits(future: RunFuture[Any]) -> None:
    """By a task that awaits it through several coroutines."""
    task = asyncio.create_task(plainly(in_a_task_of_a_coroutine(future)))
    for _ in range(3):
        await asyncio.sleep(0)
    task.cancel()
    await cancelled(task)


async def time_out(future: RunFuture[Any]) -> None:
    """By asyncio.timeout."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await future


async def time_out_at_once(future: RunFuture[Any]) -> None:
    """By asyncio.timeout with a deadline in the past."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(-1):
            await future


async def wait_for_too_short(future: RunFuture[Any]) -> None:
    """By asyncio.wait_for."""
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(future, 0.01)


async def fail_beside(future: RunFuture[Any]) -> None:
    """By a failing task of the same group."""

    async def fail() -> None:
        await asyncio.sleep(0)
        raise LookupError

    with pytest.raises(ExceptionGroup):
        async with asyncio.TaskGroup() as group:
            group.create_task(future)
            group.create_task(fail())


async def leave_the_group(future: RunFuture[Any]) -> None:
    """By the failing body of a group."""
    with pytest.raises(ExceptionGroup):
        async with asyncio.TaskGroup() as group:
            group.create_task(future)
            raise LookupError


async def cancel_gather(future: RunFuture[Any]) -> None:
    """By gather, together with all the others."""
    gathered = asyncio.gather(future, asyncio.sleep(1000))
    gathered.cancel()
    await cancelled(gathered)


async def cancel_wait(future: RunFuture[Any]) -> None:
    """By a task that asyncio.wait has returned as pending."""
    _, pending = await asyncio.wait([asyncio.create_task(future)], timeout=0)
    task = pending.pop()
    task.cancel()
    await cancelled(task)


async def close(future: RunFuture[Any]) -> None:
    """By the `close` of a coroutine."""
    future.close()
    assert future.cancelled()


async def throw(future: RunFuture[Any]) -> None:
    """By the `throw` of a coroutine."""
    with pytest.raises(LookupError, match="thrown in"):
        future.throw(LookupError("thrown in"))
    assert future.cancelled()


ENDS: list[Callable[[RunFuture[Any]], Coroutine[Any, Any, None]]] = [
    cancel_the_future,
    cancel_its_task,
    cancel_its_waiting_task,
    cancel_who_awaits,
    time_out,
    time_out_at_once,
    wait_for_too_short,
    fail_beside,
    leave_the_group,
    cancel_gather,
    cancel_wait,
    close,
    throw,
]
