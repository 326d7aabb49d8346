"""The executor: one pool whose tagged functions run in interpreters and whose other functions run in threads."""

import contextlib
import itertools
import math
import os
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures._base import LOGGER
from concurrent.futures.thread import _global_shutdown_lock
from contextvars import ContextVar
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any

from . import _core, _lifecycle
from ._core import Future, interpreter
from ._work_queue import WorkQueue

if TYPE_CHECKING:
    import asyncio

__all__ = ["Future", "InterpreterThreadPoolExecutor", "interpreter"]

_MIN_STACK = (16 if sys.platform == "darwin" else 8) << 20  # bytes; hazard 6: with less, deep recursion ends the process


class InterpreterThreadPoolExecutor(_core.ExecutorBase):
    """A ThreadPoolExecutor that runs tagged functions in interpreters of their own, in parallel.

    What is tagged with `interpreter` runs in the subinterpreter of a worker thread, which has its own GIL (PEP 684). All
    else behaves as in `concurrent.futures.ThreadPoolExecutor`, in the same threads.
    """

    def __init__(
        self,
        max_workers: int | None = None,
        thread_name_prefix: str = "",
        initializer: Callable[..., object] | None = None,
        initargs: tuple[Any, ...] = (),
        *,
        max_interpreters: int | None = None,
        context_vars: Iterable[ContextVar[Any]] = (),
    ) -> None:
        """Make an executor; its threads and interpreters start on first need.

        max_workers: threads at most; the standard library's default if None.
        thread_name_prefix: what the threads' names begin with, in their interpreters too.
        initializer: called with initargs once in each thread or, if it is tagged, once in each new interpreter. If it fails,
            the executor is broken: its futures and `submit` raise `concurrent.futures.thread.BrokenThreadPool`. Views in the
            initargs of a tagged one are lent as long as the executor exists.
        max_interpreters: threads that host an interpreter at most; max_workers if that is given, else
            `os.process_cpu_count()`.
        context_vars: context variables, attributes of modules, that all tagged calls carry: what they are set to where a
            call is submitted they are set to in the worker, for the call. `interpreter.with_context` is for those of one
            function.

        Raises ValueError for a number below 1 or a variable that no module has, TypeError for an initializer that is not
        callable or is a tagged coroutine function, and for arguments of a tagged one that cannot cross NotTransferableError.
        """
        super().__init__(max_workers, thread_name_prefix, initializer, initargs)
        threads = math.ceil(min(self._max_workers, sys.maxsize))  # 2.5, say: the standard library starts a third thread
        if max_interpreters is None:
            max_interpreters = threads if max_workers is not None else min(threads, os.process_cpu_count() or 1)
        if max_interpreters <= 0:
            raise ValueError("max_interpreters must be greater than 0")
        tagged = initializer if isinstance(initializer, interpreter) else None
        self._pool = _core.Pool(threads, min(max_interpreters, threads), tagged, initargs)
        self._thread_initializer = None if tagged is not None else initializer
        self._thread_initargs = initargs
        self._use_pool()
        if context_vars:
            self._declare_context(context_vars)

    def map[R](
        self,
        fn: Callable[..., R],
        *iterables: Iterable[Any],
        timeout: float | None = None,
        chunksize: int = 1,
        buffersize: int | None = None,
    ) -> Iterator[R]:
        """Return an iterator over fn's results for the zipped iterables, in their order; calls run as `submit` runs them.

        timeout: seconds from this call in which a result has to be there when it is asked for; TimeoutError otherwise.
        chunksize: arguments that a tagged fn gets at once; one of them failing fails its chunk. Ignored for others.
        buffersize: chunks that are submitted ahead of the consumer at most; None submits all before `map` returns.

        A tagged fn that crosses by value is captured once, by this call; NotTransferableError if it cannot cross. Raises
        ValueError for a buffersize or, of a tagged fn, a chunksize below 1, TypeError for a buffersize that is no integer.
        """
        if buffersize is not None and not isinstance(buffersize, int):
            raise TypeError("buffersize must be an integer or None")
        if buffersize is not None and buffersize < 1:
            raise ValueError("buffersize must be None or > 0")
        end_time = None if timeout is None else timeout + time.monotonic()
        rows = zip(*iterables, strict=False)
        if isinstance(fn, partial) and isinstance(fn.func, interpreter):
            fn = interpreter(fn)
        if isinstance(fn, interpreter):
            if chunksize < 1:
                raise ValueError("chunksize must be >= 1.")
            fn = _core.capture(fn)
            if chunksize > 1:
                size = min(chunksize, sys.maxsize)
                chunks = iter(lambda: list(itertools.islice(rows, size)), [])
                return _flatten(_in_order(self, fn, chunks, _submit_rows, buffersize, end_time))
        return _in_order(self, fn, rows, _submit_row, buffersize, end_time)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls; what is queued or running finishes, then threads and interpreters end.

        wait: return only after they have ended.
        cancel_futures: cancel what has not started.
        """
        if not self._pool.is_here:
            self._renew()
        self._shutdown = True
        self._pool.close()
        if cancel_futures:
            self._pool.cancel_queued()
        if not wait:
            return
        if threading.current_thread() in self._threads:
            threading.current_thread().join()  # raises RuntimeError: it would wait for itself
        self._pool.wait_ended()
        for thread in list(self._threads):
            if thread.ident is not None:  # Ctrl-C came before it had started
                thread.join()

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        """Shut down and wait; if Ctrl-C ends the block, cancel what is queued and stop what runs in interpreters."""
        if exc_type is not None and issubclass(exc_type, KeyboardInterrupt):
            self._stop()
        self.shutdown(wait=True)

    def set_as_event_loop_default(self, ctx: "asyncio.AbstractEventLoop | asyncio.Runner | None" = None) -> None:
        """Make this the executor of `asyncio.to_thread` and of `loop.run_in_executor(None, ...)`.

        ctx: the event loop, an asyncio.Runner for its loop, None for the loop that is running. Raises RuntimeError if none
        is, TypeError for anything else. `asyncio.run` and `asyncio.Runner` shut the executor down with the loop.
        """
        import asyncio  # here: most of those who use an executor have no event loop

        match ctx:
            case None:
                loop = asyncio.get_running_loop()
            case asyncio.Runner():
                loop = ctx.get_loop()
            case asyncio.AbstractEventLoop():
                loop = ctx
            case _:
                raise TypeError(f"ctx must be an event loop, an asyncio.Runner or None, not {ctx!r}")
        loop.set_default_executor(self)

    def _stop(self) -> None:
        """Take no more calls, cancel what is queued and stop what runs in interpreters."""
        self.shutdown(wait=False, cancel_futures=True)
        self._pool.stop()

    def _renew(self) -> None:
        """Start afresh in a forked process, where the threads are not; what was submitted is left to the other one."""
        self._threads = set()
        self._shutdown_lock = type(self._shutdown_lock)()  # another thread may have held it
        self._pool = self._pool.renewed()
        self._use_pool()
        if self._shutdown:
            self._pool.close()

    def _use_pool(self) -> None:
        self._bind(self._pool)
        self._work_queue = WorkQueue(self._pool)  # type: ignore[assignment]

    @property  # type: ignore[override]
    def _broken(self) -> str | bool:
        """Why the executor takes no calls any more, False while it does."""
        return self._pool.broken or False

    @_broken.setter
    def _broken(self, _: object) -> None:
        """The engine knows better."""

    def _adjust_thread_count(self) -> None:
        """Do nothing, where the standard library starts a thread that would serve its own, empty queue and never end.

        Others call it to have threads before there is work.
        """

    def _start_thread(self, threads: list[threading.Thread]) -> None:
        """Start a worker thread; `submit` calls this when nobody is idle, as the standard library does.

        It stands in `threads` before it starts, so that whoever called can see whether it has, whatever is raised (Ctrl-C).
        Raises RuntimeError or MemoryError if there can be no further thread.
        """
        with self._shutdown_lock:
            name = f"{self._thread_name_prefix or self}_{len(self._threads)}"
            owner = weakref.ref(self, partial(_close, self._pool))
            args = (self._pool, name, self._thread_initializer, self._thread_initargs, owner)
            thread = threading.Thread(target=_serve, name=name, args=args, daemon=False)
            self._threads.add(thread)
            _lifecycle.pools[thread] = self._pool
        try:
            threads.append(thread)
            _start_with_big_stack(thread)
        except (RuntimeError, MemoryError):
            self._threads.discard(thread)
            del _lifecycle.pools[thread]
            raise


def _close(pool: _core.Pool, _: object) -> None:
    """Tell the workers of an executor that was dropped to leave when they find nothing more to do.

    In a process that was forked from theirs there is nobody to tell.
    """
    if pool.is_here:
        pool.close()


def _serve(
    pool: _core.Pool,
    name: str,
    initializer: Callable[..., object] | None,
    initargs: tuple[Any, ...],
    _owner: weakref.ref[InterpreterThreadPoolExecutor],
) -> None:
    """Be a worker thread, which keeps the pool and `_owner`, whose callback closes the pool when the executor is dropped."""
    try:
        if initializer is not None:
            try:
                initializer(*initargs)
            except BaseException as error:
                LOGGER.critical("Exception in initializer:", exc_info=True)
                pool.break_down("A thread initializer failed, the thread pool is not usable anymore", error)
                return
        pool.work(name)
    finally:
        _lifecycle.pools.pop(threading.current_thread(), None)


def _start_with_big_stack(thread: threading.Thread) -> None:
    """Start the thread with a stack of at least _MIN_STACK. Raises RuntimeError or MemoryError if it has not started."""
    with _global_shutdown_lock:  # the standard library's own for starting threads; stack_size is one setting for all
        before = threading.stack_size()
        if 0 < before < _MIN_STACK or (before == 0 and not _default_stack_is_big()):
            threading.stack_size(_MIN_STACK)
        try:
            thread.start()
        finally:
            threading.stack_size(before)


def _default_stack_is_big() -> bool:
    """Whether a thread's stack is big enough if nothing is said: on Linux it is as the limit for the main thread's."""
    if sys.platform != "linux":
        return False
    import resource

    limit = resource.getrlimit(resource.RLIMIT_STACK)[0]
    return limit != resource.RLIM_INFINITY and limit >= _MIN_STACK


def _submit_row(executor: InterpreterThreadPoolExecutor, fn: Callable[..., Any], row: tuple[Any, ...]) -> Future[Any]:
    return executor.submit(fn, *row)


def _submit_rows(executor: InterpreterThreadPoolExecutor, fn: Any, rows: list[tuple[Any, ...]]) -> Future[list[Any]]:
    return executor._submit_rows(fn, rows)


def _in_order[T](
    executor: InterpreterThreadPoolExecutor,
    fn: Callable[..., Any],
    pending: Iterator[T],
    submit: Callable[[InterpreterThreadPoolExecutor, Callable[..., Any], T], Future[Any]],
    buffersize: int | None,
    end_time: float | None,
) -> Generator[Any]:
    """Submit up to `buffersize` calls now (all, if None) and return the iterator over the results."""

    def submit_next(alive: InterpreterThreadPoolExecutor) -> Future[Any] | None:
        for item in pending:
            return submit(alive, fn, item)
        return None

    first = iter(partial(submit_next, executor), None)
    ahead = deque(itertools.islice(first, buffersize and min(buffersize, sys.maxsize)))
    return _results(ahead, weakref.ref(executor), None if buffersize is None else submit_next, end_time)


def _results(
    ahead: deque[Future[Any]],
    this: weakref.ref[InterpreterThreadPoolExecutor],
    submit_next: Callable[[InterpreterThreadPoolExecutor], Future[Any] | None] | None,
    end_time: float | None,
) -> Generator[Any]:
    # As in the standard library, the executor is kept from the first result on, and only where there is more to submit.
    executor = None if submit_next is None else this()
    try:
        while ahead:
            if submit_next is not None and executor is not None:
                following = submit_next(executor)
                if following is not None:
                    ahead.append(following)
                del following
            # The future is popped in the call, so that nothing here keeps it, or its result, while the consumer works.
            yield _result_or_cancel(ahead.popleft(), None if end_time is None else end_time - time.monotonic())
    finally:
        for future in ahead:
            future.cancel()


def _flatten[T](batches: Generator[list[T]]) -> Generator[T]:
    """Return the iterator over the items of the lists, which keeps none that it has yielded."""
    with contextlib.closing(batches):
        for batch in batches:
            batch.reverse()
            while batch:
                yield batch.pop()


def _result_or_cancel(future: Future[Any], timeout: float | None) -> Any:
    try:
        return future.result(timeout)
    finally:
        future.cancel()
        del future
