"""A window over the calls of one `Runner.map`: so many are under way or wait for the consumer, and no more."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable


class Window[T, R]:
    """Starts one call for each item and hands the results out, in the order of the items or as calls end."""

    def __init__(self, start: Callable[[T], asyncio.Future[R]], limit: int, *, ordered: bool) -> None:
        """Make an empty window.

        start: starts the call for an item; its future is cancelled if nobody wants the result any more.
        limit: calls that are under way or not consumed at most.
        """
        self._start = start
        self._ordered = ordered
        self._room = asyncio.Semaphore(limit)
        self._calls: set[asyncio.Future[R]] = set()
        self._next: asyncio.Queue[asyncio.Future[R] | None] = asyncio.Queue()  # None: no more items

    async def results(self, items: Iterable[T]) -> AsyncGenerator[R]:
        """Iterate over the results. `items` is advanced when there is room."""
        try:
            for item in items:
                if self._room.locked():
                    yield await self._take()
                await self._add(item)
            while self._calls:
                yield await self._take()
        finally:
            self._stop()

    async def results_of_stream(self, items: AsyncIterable[T]) -> AsyncGenerator[R]:
        """The same for what has to be awaited itself; results do not wait for the next item."""
        feeder = asyncio.create_task(self._feed(items))
        try:
            while (call := await self._next.get()) is not None: ...
        finally:
            feeder.cancel()
            self._stop()
