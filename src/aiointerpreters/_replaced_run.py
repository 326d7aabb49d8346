"""Calls of `run` for an executor whose `submit` was replaced: by a tool, in a derived class, or on the instance.

The other `submit` sees a call of `run` as the call of a tagged function. It may wrap that function. As for every tagged call
(_replaced_submit.py), the wrapper is dropped, and the call is the same as without a tool. `run` returns the usual kind of
future, and cancelling it stops the call. If the function cannot be found in the wrapper, or if the tool returns a future of
its own, `run` returns a future that follows the tool's future.
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
    """Start a call that the running loop awaits, and pass it through the executor's `submit`."""
    if any(call.is_by_run and call.executor is executor for call in calls.stack):  # the replaced `submit` has called `run`
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
        """Start the call as `run` does without a tool."""
        started = super().start()
        assert isinstance(started, _Awaited)
        self.awaited = started.future
        return started

    def is_shown_by(self, future: StandardFuture[Any]) -> bool:
        """Whether the tool has returned the future that it received."""
        return isinstance(future, AwaitedFuture) and future.awaited is self.awaited


class _Awaited:
    """A future that a loop awaits. A tool's future follows it, and may be used from any thread."""

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
        """Stop the call. `run` has no way to cancel only a queued call."""
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
        with suppress(RuntimeError):  # the loop is closed, so no code waits there
            self.loop.call_soon_threadsafe(fn, *args)


class AwaitedFuture(FollowingFuture):
    """The future that a tool receives for a call of `run`."""

    @property
    def awaited(self) -> asyncio.Future[Any]:
        """The future that `run` returns."""
        native: _Awaited = self._native  # type: ignore[assignment]
        return native.future

    def result(self, timeout: float | None = None) -> Any:
        """Return the result. Raise RuntimeError in the loop's own thread, where waiting would never end."""
        self._check_wait(timeout)
        return super().result(timeout)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Return the exception. Raises like `result`."""
        self._check_wait(timeout)
        return super().exception(timeout)

    def _check_wait(self, timeout: float | None) -> None:
        native: _Awaited = self._native  # type: ignore[assignment]
        if timeout is None and native.is_of_this_thread and not self.done():
            raise RuntimeError("the event loop that ends this call cannot wait for it here: await the call instead")


def _follow(
    awaited: asyncio.Future[Any], future: StandardFuture[Any], started: asyncio.Future[Any] | None
) -> asyncio.Future[Any]:
    """Make `awaited` follow a tool's future. Cancelling it cancels the tool's future, and stops the call if possible."""
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
