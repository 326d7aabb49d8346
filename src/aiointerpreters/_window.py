"""The window of one `Runner.map`: it limits the calls that are running, queued, or wait for the consumer."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Coroutine, Iterable, Iterator
from typing import Any

# Seconds that the items may use the event loop before other callbacks get their turn, as when results are decoded.
_TURN = 0.001


class Window[T, R]:
    """Starts a call for each item and hands out the results, in the order of the items or as the calls end."""

    def __init__(self, start: Callable[[T], asyncio.Future[R]], limit: int, *, ordered: bool) -> None:
        """Create an empty window.

        start: starts the call for an item. The future that it returns is cancelled if the result is not needed any more.
        limit: maximum number of calls that are under way, or have ended and wait for the consumer.
        """
        self._start = start
        self._limit = limit
        self._ordered = ordered
        self._calls: dict[asyncio.Future[R], None] = {}
        self._room = asyncio.Semaphore(limit)  # the feeder of a stream waits for it
        self._next: asyncio.Queue[asyncio.Future[R] | None] = asyncio.Queue()  # None: no more items
        self._in_order: deque[asyncio.Future[R]] = deque()  # used instead of `_next` if possible, because it is faster
        self._left = False

    def results(self, items: Iterable[T]) -> AsyncGenerator[R]:
        """Return the iterator over the results. If it is left early, all calls that are under way are stopped."""
        return _Results(self, self._of_items(items))

    def results_of_stream(self, items: AsyncIterable[T]) -> AsyncGenerator[R]:
        """Return the same for asynchronous items. No result waits for the next item."""
        return _Results(self, self._of_stream(items))

    @property
    def under_way(self) -> int:
        """Return the number of calls that have not ended."""
        return sum(not call.done() for call in self._calls)

    def abandon(self) -> None:
        """Stop all calls. Any thread may call this."""
        for call in self._calls:
            loop = call.get_loop()
            if asyncio._get_running_loop() is loop:
                self._leave()
            elif not loop.is_closed():
                loop.call_soon_threadsafe(self._leave)
            return

    async def _of_items(self, items: Iterable[T]) -> AsyncGenerator[R]:
        source = _Source(items)
        turn = _Turn()
        add, take = (self._append, self._take_first) if self._ordered else (self._add, self._take)
        try:
            for item in source:
                if turn.is_over():
                    await asyncio.sleep(0)
                add(item)
                if len(self._calls) >= self._limit:
                    yield await take()
            while self._calls:
                yield await take()
            source.raise_failure()
        finally:
            self._leave()

    async def _of_stream(self, items: AsyncIterable[T]) -> AsyncGenerator[R]:
        feeder = asyncio.create_task(self._feed(items))
        ended = False
        try:
            while self._calls or not ended:
                taken = [await self._next.get()]  # a variable would keep the result while the consumer works
                if taken[0] is None:
                    ended = True
                else:
                    yield await self._finish(taken.pop())  # type: ignore[arg-type]
        finally:
            self._leave()
            given_up = feeder.cancel()
            await asyncio.wait([feeder])
            # A failure of the items or of `start`. A CancelledError from them is raised here too.
            failure = None if given_up and feeder.cancelled() else feeder.exception()
            del feeder
            try:
                if failure is not None:
                    raise failure
            finally:
                del failure

    async def _feed(self, items: AsyncIterable[T]) -> None:
        try:
            turn = _Turn()
            await self._room.acquire()
            async for item in items:
                if self._left:  # the source of the items has swallowed the cancellation
                    return
                if turn.is_over():
                    await asyncio.sleep(0)
                self._add(item)
                await self._room.acquire()
        finally:
            self._next.put_nowait(None)

    def _append(self, item: T) -> None:
        call = self._start(item)
        self._calls[call] = None
        self._in_order.append(call)

    def _take_first(self) -> Coroutine[Any, Any, R]:
        return self._finish(self._in_order.popleft())

    def _add(self, item: T) -> None:
        call = self._start(item)
        self._calls[call] = None
        if self._ordered:
            self._next.put_nowait(call)
        else:
            call.add_done_callback(self._next.put_nowait)

    async def _take(self) -> R:
        call = await self._next.get()
        assert call is not None
        try:
            return await self._finish(call)
        finally:
            del call

    async def _finish(self, call: asyncio.Future[R]) -> R:
        try:
            return await call
        finally:
            self._calls.pop(call, None)
            self._room.release()
            del call  # otherwise its exception would keep this frame, which keeps the call

    def _leave(self) -> None:
        self._left = True
        for call in list(self._calls):
            if not call.cancel() and not call.cancelled():
                call.exception()  # otherwise asyncio would log that it was never retrieved


def zipped(*sources: Iterable[Any] | AsyncIterable[Any]) -> Iterable[tuple[Any, ...]] | AsyncIterable[tuple[Any, ...]]:
    """Return the same as zip. If a source is asynchronous, return an asynchronous iterator.

    Raises TypeError for a source that is neither.
    """
    if any(isinstance(source, AsyncIterable) for source in sources):
        return _Rows(sources)
    return zip(*sources, strict=False)


class _Rows(AsyncIterator[tuple[Any, ...]]):
    """Does the same as zip, for iterables of which some are asynchronous.

    It is not an asynchronous generator, so it need not be closed, and closes none of its sources.
    """

    def __init__(self, sources: Iterable[Iterable[Any] | AsyncIterable[Any]]) -> None:
        self._sources: list[Iterator[Any] | AsyncIterator[Any]] = [
            aiter(source) if isinstance(source, AsyncIterable) else iter(source) for source in sources
        ]

    async def __anext__(self) -> tuple[Any, ...]:
        row = []
        for source in self._sources:
            if isinstance(source, AsyncIterator):
                row.append(await anext(source))
            else:
                try:
                    row.append(next(source))
                except StopIteration:
                    raise StopAsyncIteration from None
        return tuple(row)


class _Results[R](AsyncGenerator[R]):
    """The iterator that the consumer has. When it is dropped, the calls are stopped immediately.

    They cannot be stopped in a later pass of the loop: the end of `with runner.start()` waits for the calls and blocks the
    loop.
    """

    def __init__(self, window: Window[Any, R], results: AsyncGenerator[R]) -> None:
        self._window = window
        self._results = results

    def __anext__(self) -> Any:
        return self._results.__anext__()

    def asend(self, value: None) -> Any:
        return self._results.asend(value)

    def athrow(self, *args: Any) -> Any:
        return self._results.athrow(*args)

    def aclose(self) -> Any:
        return self._results.aclose()

    def __del__(self) -> None:
        self._window.abandon()


class _Source[T]:
    """Items up to the first failure of their source. The failure is raised later, after the results of these items."""

    def __init__(self, items: Iterable[T]) -> None:
        self._items = items
        self._failures: list[Exception] = []

    def __iter__(self) -> Iterator[T]:
        try:
            for item in self._items:  # `yield from` would close the iterator, which other code may still use
                yield item
                del item
        except Exception as error:
            self._failures.append(error)

    def raise_failure(self) -> None:
        if self._failures:
            raise self._failures.pop()


class _Turn:
    """Measures how long items have used the event loop, even if it has run other code meanwhile."""

    def __init__(self) -> None:
        self._end = time.monotonic() + _TURN

    def is_over(self) -> bool:
        """Whether the loop should run other code first. If so, a new turn begins."""
        now = time.monotonic()
        if now < self._end:
            return False
        self._end = now + _TURN
        return True
