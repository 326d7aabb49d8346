"""Run functions in interpreters with AnyIO, on asyncio and on Trio. This module needs AnyIO 4.11 or newer.

All calls of a process share one executor, which has as many interpreters as the process has processors. Calls with
`extensions="private"` share another one.
"""

import asyncio
import contextlib
import os
from collections.abc import Callable, Coroutine
from functools import cache, partial
from typing import Any, Literal, Protocol, overload

try:
    import anyio
    from anyio.lowlevel import RunVar, checkpoint, current_token
except ImportError as _missing:
    raise ImportError('aiointerpreters.anyio needs AnyIO 4.11 or newer: pip install "anyio>=4.11"') from _missing

from ._core import Future, interpreter
from ._options import Extensions, are_private
from .executors import InterpreterThreadPoolExecutor

__all__ = ["current_default_interpreter_limiter", "run_sync"]

_limiter: RunVar[anyio.CapacityLimiter] = RunVar("aiointerpreters_limiter")


class _TrioToken(Protocol):
    def run_sync_soon(self, sync_fn: Callable[[], object], /) -> None: ...


@overload
async def run_sync[*Ts, R](
    fn: Callable[[*Ts], Coroutine[Any, Any, R]],
    /,
    *args: *Ts,
    limiter: anyio.CapacityLimiter | None = None,
    abandon_on_cancel: bool = False,
    extensions: Extensions | None = None,
    fallback: Literal["error", "thread", "process"] | None = None,
    lane: Literal["interpreter", "process"] | None = None,
) -> R: ...
@overload
async def run_sync[*Ts, R](
    fn: Callable[[*Ts], R],
    /,
    *args: *Ts,
    limiter: anyio.CapacityLimiter | None = None,
    abandon_on_cancel: bool = False,
    extensions: Extensions | None = None,
    fallback: Literal["error", "thread", "process"] | None = None,
    lane: Literal["interpreter", "process"] | None = None,
) -> R: ...
async def run_sync[*Ts](
    fn: Callable[[*Ts], Any],
    /,
    *args: *Ts,
    limiter: anyio.CapacityLimiter | None = None,
    abandon_on_cancel: bool = False,
    extensions: Extensions | None = None,
    fallback: Literal["error", "thread", "process"] | None = None,
    lane: Literal["interpreter", "process"] | None = None,
) -> Any:
    """Run `fn(*args)` in an interpreter, tagged or not, and return its result.

    This is `anyio.to_thread.run_sync` for interpreters. Exceptions of the function are raised with their own types.

    Args:
        fn: A function or a coroutine function.
        args: Positional arguments.
        limiter: Limits the number of calls at a time. If None: `current_default_interpreter_limiter()`.
        abandon_on_cancel: If False, the awaiting task cannot be cancelled until the call has ended. If True, a cancelled
            task resumes immediately, and the function is stopped by TaskInterrupted.
        extensions: Extension modules that the interpreter may import, as for `InterpreterThreadPoolExecutor`. Calls with
            `"private"` have interpreters of their own.
        fallback: What happens if no interpreter can run the call, as for `interpreter`.
        lane: Where the call runs, as for `interpreter`.

    Raises:
        TypeError: `fn` cannot be called.
        ValueError: `extensions`, `fallback` or `lane` is unknown, or `fallback` and `lane="process"` are given.
        NotImplementedError: `extensions` is `"private"` where private copies do not exist.
        NotTransferableError: The function, an argument or the result cannot cross.
    """
    if not callable(fn):
        raise TypeError(f"run_sync() needs a callable, not {fn!r}")
    if fallback is not None or lane is not None:
        fn = interpreter(fn, fallback=fallback, lane=lane)
    executor = _executor(are_private(extensions))
    await checkpoint()
    async with current_default_interpreter_limiter() if limiter is None else limiter:
        with anyio.CancelScope(shield=not abandon_on_cancel):
            token = current_token().native_token
            if isinstance(token, asyncio.AbstractEventLoop):
                return await executor.run(fn, *args)
            return await _run_on_trio(token, executor, interpreter(partial(fn, *args)))  # type: ignore[arg-type]


def current_default_interpreter_limiter() -> anyio.CapacityLimiter:
    """Return the limiter that `run_sync` uses in this event loop if it gets no other limiter.

    It allows as many calls at a time as there are interpreters, which is `os.process_cpu_count()`.
    """
    try:
        return _limiter.get()
    except LookupError:
        limiter = anyio.CapacityLimiter(_workers())
        _limiter.set(limiter)
        return limiter


def _workers() -> int:
    return os.process_cpu_count() or 1


@cache
def _executor(private: bool) -> InterpreterThreadPoolExecutor:
    extensions: Extensions = "private" if private else "declared"
    return InterpreterThreadPoolExecutor(_workers(), "aiointerpreters.anyio", extensions=extensions)


async def _run_on_trio(token: _TrioToken, executor: InterpreterThreadPoolExecutor, call: Callable[[], Any]) -> Any:
    import trio

    ended = trio.Event()

    def end(_: Future[Any]) -> None:
        with contextlib.suppress(trio.RunFinishedError):  # no task awaits it any more
            token.run_sync_soon(ended.set)

    future = executor.submit(call)
    future.add_done_callback(end)  # type: ignore[arg-type]
    try:
        await ended.wait()
    except BaseException:
        future.interrupt()
        raise
    return future.result()
