"""Runners in event loops that must not report problems, and the inputs and outputs of `Runner.map`."""

import asyncio
import gc
import threading
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Coroutine, Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from aiointerpreters import Runner
from support import work
from support.loops import MakeLoop

type Run = Callable[[Coroutine[Any, Any, Any]], Any]
type Use = Callable[[Runner], Coroutine[Any, Any, Any]]
type RunUse = Callable[[Use], Any]
type Source = Callable[[Iterable[Any]], Iterable[Any] | AsyncIterable[Any]]


@contextmanager
def quiet_loop(make_loop: MakeLoop) -> Iterator[Run]:
    """Runs coroutines in one loop. At the end, the loop must have reported no problem."""
    complaints: list[dict[str, Any]] = []

    async def watched(main: Coroutine[Any, Any, Any]) -> Any:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        return await main

    with asyncio.Runner(loop_factory=make_loop, debug=True) as runner:
        yield lambda main: runner.run(watched(main))
        gc.collect()
    assert complaints == []


@contextmanager
def runner_in(make_loop: MakeLoop) -> Iterator[RunUse]:
    """Passes a runner of two workers to functions, in such a loop."""

    async def main(use: Use) -> Any:
        async with Runner(workers=2) as runner:
            result = await use(runner)
            assert [await runner.run(work.square, n) for n in (7, 8)] == [49, 64]
        gc.collect()
        await turns()
        return result

    with quiet_loop(make_loop) as run:
        yield lambda use: run(main(use))


@pytest.fixture
def run() -> Iterator[Run]:
    """Runs coroutines in the default loop of asyncio."""
    with quiet_loop(asyncio.new_event_loop) as run:
        yield run


@pytest.fixture
def run_use() -> Iterator[RunUse]:
    """Passes a runner to functions, in the default loop of asyncio."""
    with runner_in(asyncio.new_event_loop) as run:
        yield run


@pytest.fixture
def run_use_everywhere(make_loop: MakeLoop) -> Iterator[RunUse]:
    """The same in loops of every kind."""
    with runner_in(make_loop) as run:
        yield run


def begin[T](call: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """Start the call immediately, as a task."""
    return asyncio.eager_task_factory(asyncio.get_running_loop(), call)


def threads() -> list[str]:
    """The threads of runners."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("Runner")]


async def turns(count: int = 20) -> None:
    """Let the loop run its ready callbacks."""
    for _ in range(count):
        await asyncio.sleep(0)


async def generate[T](items: Iterable[T], *, closed: asyncio.Event | None = None) -> AsyncGenerator[T]:
    """An asynchronous generator over items."""
    try:
        for item in items:
            yield item
    finally:
        if closed is not None:
            closed.set()


def passed_on[T](items: Iterable[T]) -> Generator[T]:
    """A generator over items."""
    yield from items


BOTH: list[Any] = [passed_on, generate]


async def collect(results: AsyncIterable[Any]) -> list[Any]:
    """All results."""
    return [result async for result in results]


async def take(results: AsyncIterator[Any], count: int) -> list[Any]:
    """The first results."""
    return [await anext(results) for _ in range(count)]
