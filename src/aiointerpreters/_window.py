"""A window over the calls of one `Runner.map`: so many are under way or wait for the consumer, and no more."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable, Iterator
from typing import Any


class Window[T, R]:
    """Starts a call for each item and hands out the results, in the order of the items or as the calls end."""

    def __init__(self, start: Callable[[T], asyncio.Future[R]], limit: int, *, ordered: bool) -> None:
        """Make an empty window.

        start: starts the call for an item. What it returns is cancelled if nobody wants the result any more.
        limit: how many calls may be under way, or have ended and wait for the consumer.
        """
        self._start = start
        self._limit = limit
        self._ordered = ordered
        self._calls: set[asyncio.Future[R]] = set()
        self._room = asyncio.Semaphore(limit)  # for streams, whose feeder waits for it
        self._next: asyncio.Queue[asyncio.Future[R] | None] = asyncio.Queue()  # None: no more items

    def results(self, items: Iterable[T]) -> AsyncGenerator[R]:
        """Return the iterator over the results; leaving it stops all calls that are under way."""
        return self._in_order(items) if self._ordered else self._as_completed(items)

    async def _in_order(self, items: Iterable[T]) -> AsyncGenerator[R]:
        source = _Source(items)
        calls: deque[asyncio.Future[R]] = deque()
        try:
            for item in source:
                calls.append(self._start(item))
                if len(calls) >= self._limit:
                    yield await calls.popleft()
            while calls:
                yield await calls.popleft()
            source.raise_failure()
        finally:
            _stop(calls)

    async def _as_completed(self, items: Iterable[T]) -> AsyncGenerator[R]:
        source = _Source(items)
        try:
            for item in source:
                self._add(item)
                if len(self._calls) >= self._limit:
                    yield await self._take()
            while self._calls:
                yield await self._take()
            source.raise_failure()
        finally:
            _stop(self._calls)

    async def results_of_stream(self, items: AsyncIterable[T]) -> AsyncGenerator[R]:
        """The same for items that are awaited themselves; no result waits for the next of them."""
        feeder = asyncio.create_task(self._feed(items))
        ended = False
        try:
            while self._calls or not ended:
                call = await self._next.get()
                if call is None:
                    ended = True
                else:
                    yield await self._finish(call)
            await feeder  # raises what the items or `start` have raised
        finally:
            feeder.cancel()
            _stop(self._calls)
            await asyncio.wait([feeder])

    async def _feed(self, items: AsyncIterable[T]) -> None:
        try:
            await self._room.acquire()
            async for item in items:
                self._add(item)
                await self._room.acquire()
        finally:
            self._next.put_nowait(None)

    def _add(self, item: T) -> None:
        call = self._start(item)
        self._calls.add(call)
        if self._ordered:
            self._next.put_nowait(call)
        else:
            call.add_done_callback(self._next.put_nowait)

    async def _take(self) -> R:
        call = await self._next.get()
        assert call is not None
        return await self._finish(call)

    async def _finish(self, call: asyncio.Future[R]) -> R:
        try:
            return await call
        finally:
            self._calls.discard(call)
            self._room.release()


class _Source[T]:
    """Items up to the first failure of what they come from, which is told later: the results come before it."""

    def __init__(self, items: Iterable[T]) -> None:
        self._items = items
        self._failure: Exception | None = None

    def __iter__(self) -> Iterator[T]:
        try:
            yield from self._items
        except Exception as error:
            self._failure = error

    def raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure


def _stop(calls: Iterable[asyncio.Future[Any]]) -> None:
    for call in calls:
        if not call.cancel() and not call.cancelled():
            call.exception()  # or asyncio would log that nobody has asked for it
