"""Calls of `run` where `submit` is not the engine's: a tool has replaced it, a class has its own, or the instance has.

That `submit` sees them as calls of a tagged function. What it has put around that is dropped, as for every tagged call
(_replaced_submit.py), and the call is what it would be without a tool: `run` returns the same kind of future, which stops
the call when it is cancelled. Where the function cannot be found, or the tool has a future of its own, `run` returns one
that follows the tool's.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future as StandardFuture
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from . import _core
from ._core import interpreter
from ._replaced_submit import Call, Followed, FollowingFuture, calls, is_tagged

if TYPE_CHECKING:
    from .executors import InterpreterThreadPoolExecutor


def run(
    executor: "InterpreterThreadPoolExecutor", fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> asyncio.Future[Any]:
    """Start a call that the running loop awaits, and have the executor's `submit` see it."""
    if any(call.is_by_run and call.executor is executor for call in calls.stack):  # that `submit` calls `run`
        return executor._run_here(fn, *args, **kwargs)
    call = _Run(executor, fn, args, kwargs)
    calls.stack.append(call)
    try:
        returned: Any = executor.submit(call.fn, *args, **kwargs)
    finally:
        calls.stack.remove(call)
    awaited = call.awaited
    if isinstance(returned, asyncio.Future):
        return returned
    if awaited is not None and (not isinstance(returned, StandardFuture) or call.is_shown_by(returned)):
        return awaited
    if not isinstance(returned, StandardFuture):
        raise TypeError(f"{executor.submit!r} must return a future, not {returned!r}")
    return _follow(executor._make_awaited(), returned, awaited)


class _Run(Call):
    """A call of `run`, started at most once."""

    def __init__(
        self, executor: "InterpreterThreadPoolExecutor", fn: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        tagged = fn if is_tagged(fn, args) else interpreter(fn)
        start = partial(executor._run_here, fn, *args, **kwargs)
        super().__init__(executor, tagged, args, kwargs, lambda: _Awaited(start()))
        self.future_class = AwaitedFuture
        self.is_by_run = True
        self.awaited: asyncio.Future[Any] | None = None

    def start(self) -> Followed:
        """Start it as `run` does without a tool."""
        started = super().start()
        assert isinstance(started, _Awaited)
        self.awaited = started.future
        return started

    def is_shown_by(self, future: StandardFuture[Any]) -> bool:
        """Whether the tool has returned the future that it got."""
        return isinstance(future, AwaitedFuture) and future.awaited is self.awaited


class _Awaited:
    """What a loop awaits, as a tool's future follows it, from any thread."""

    def __init__(self, future: asyncio.Future[Any]) -> None:
        self.future = future
        self.loop = future.get_loop()

    @property
    def is_of_this_thread(self) -> bool:
        """Whether its loop runs here."""
        return asyncio._get_running_loop() is self.loop

    def add_done_callback(self, fn: Callable[[Any], object]) -> None:
        self._in_loop(self.future.add_done_callback, fn)

    def running(self) -> bool:
        return not self.future.done()

    def cancel(self) -> bool:
        """Stop the call: `run` knows no other way."""
        return self.interrupt() or self.future.cancelled()

    def interrupt(self) -> bool:
        is_open = not self.future.done()
        if is_open:
            self._in_loop(self.future.cancel)
        return is_open

    def _in_loop(self, fn: Callable[..., object], *args: Any) -> None:
        if self.is_of_this_thread:
            fn(*args)
            return
        with suppress(RuntimeError):  # the loop is closed: nobody awaits anything there
            self.loop.call_soon_threadsafe(fn, *args)


class AwaitedFuture(FollowingFuture):
    """What a tool gets for a call of `run`."""

    @property
    def awaited(self) -> asyncio.Future[Any]:
        """What `run` returns."""
        native: _Awaited = self._native  # type: ignore[assignment]
        return native.future

    def result(self, timeout: float | None = None) -> Any:
        """Do what every future does, but raise RuntimeError where that would wait for ever: in the loop's own thread."""
        self._check_wait(timeout)
        return super().result(timeout)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Do the same."""
        self._check_wait(timeout)
        return super().exception(timeout)

    def _check_wait(self, timeout: float | None) -> None:
        native: _Awaited = self._native  # type: ignore[assignment]
        if timeout is None and native.is_of_this_thread and not self.done():
            raise RuntimeError("a call of `run` ends in the event loop, which cannot be waited for in its own thread")


def _follow(
    awaited: asyncio.Future[Any], future: StandardFuture[Any], started: asyncio.Future[Any] | None
) -> asyncio.Future[Any]:
    """Have `awaited` end as a tool's future does. Cancelling it cancels that, and stops the call as far as that goes."""
    inner = asyncio.wrap_future(future)

    def end(_: asyncio.Future[Any]) -> None:
        if awaited.done():
            return
        error = None if inner.cancelled() else inner.exception()
        if inner.cancelled() or isinstance(error, _core.TaskInterrupted):
            awaited.cancel()
        elif error is not None:
            awaited.set_exception(error)
        else:
            awaited.set_result(inner.result())

    def stop(_: asyncio.Future[Any]) -> None:
        if not awaited.cancelled():
            return
        inner.cancel()
        if started is not None:
            started.cancel()
        interrupt = getattr(future, "interrupt", None)
        if interrupt is not None:
            interrupt()

    inner.add_done_callback(end)
    awaited.add_done_callback(stop)
    return awaited
