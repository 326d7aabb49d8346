"""A window over the calls of one `Runner.map`: so many are under way or wait for the consumer, and no more."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable


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

    async def results(self, items: Iterable[T]) -> AsyncGenerator[R]:
        """Iterate over the results; leaving stops all calls that are under way."""
        try:
            for item in items:
                self._add(item)
                if len(self._calls) >= self._limit:
                    yield await self._take()
            while self._calls:
                yield await self._take()
        finally:
            self._stop()

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
            self._stop()
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

    def _stop(self) -> None:
        for call in self._calls:
            if not call.cancel() and not call.cancelled():
                call.exception()  # or asyncio would log that nobody has asked for it
