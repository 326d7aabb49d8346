"""The executor: one pool whose tagged functions run in interpreters and whose other functions run in threads."""

import contextlib
import itertools
import os
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from concurrent.futures._base import LOGGER
from concurrent.futures.thread import _global_shutdown_lock
from functools import partial
from typing import Any

from . import _core
from ._core import interpreter

__all__ = ["InterpreterThreadPoolExecutor", "interpreter"]

_MIN_STACK = (16 if sys.platform == "darwin" else 8) << 20  # bytes; hazard 6: with less, deep recursion ends the process

# The pool of every thread that may still work. When the interpreter ends, they are closed and waited for.
_pools: weakref.WeakKeyDictionary[threading.Thread, _core.Pool] = weakref.WeakKeyDictionary()


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
    ) -> None:
        """Make an executor; its threads and interpreters start on first need.

        max_workers: threads at most; the standard library's default if None.
        thread_name_prefix: what the threads' names begin with, in their interpreters too.
        initializer: called with initargs once in each thread or, if it is tagged, once in each new interpreter. If it fails,
            the executor is broken: its futures and `submit` raise `concurrent.futures.thread.BrokenThreadPool`. Views in the
            initargs of a tagged one are lent as long as the executor exists.
        max_interpreters: threads that host an interpreter at most; max_workers if that is given, else
            `os.process_cpu_count()`.

        Raises ValueError for a number below 1, TypeError for an initializer that is not callable, and for arguments of a
        tagged one that cannot cross NotTransferableError.
        """
        super().__init__(max_workers, thread_name_prefix, initializer, initargs)
        threads: int = self._max_workers
        if max_interpreters is None:
            max_interpreters = threads if max_workers is not None else min(threads, os.process_cpu_count() or 1)
        if max_interpreters <= 0:
            raise ValueError("max_interpreters must be greater than 0")
        tagged = initializer if isinstance(initializer, interpreter) else None
        self._pool = _core.Pool(threads, min(max_interpreters, threads), tagged, initargs)
        self._thread_initializer = None if tagged is not None else initializer
        self._thread_initargs = initargs
        self._bind(self._pool)

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
        chunksize: arguments that a tagged fn gets at once; one of them failing fails its chunk. Others ignore it.
        buffersize: chunks that are submitted ahead of the consumer at most; None submits all before `map` returns.

        A tagged fn that crosses by value is captured once, by this call; NotTransferableError if it cannot cross. Raises
        ValueError for a chunksize or buffersize below 1, TypeError for a buffersize that is no integer.
        """
        if chunksize < 1:
            raise ValueError("chunksize must be >= 1.")
        if buffersize is not None and not isinstance(buffersize, int):
            raise TypeError("buffersize must be an integer or None")
        if buffersize is not None and buffersize < 1:
            raise ValueError("buffersize must be None or > 0")
        end_time = None if timeout is None else time.monotonic() + timeout
        rows = zip(*iterables, strict=False)
        this = weakref.ref(self)  # an iterator that is kept shall not keep the executor
        if isinstance(fn, partial) and isinstance(fn.func, interpreter):
            fn = interpreter(fn)
        if isinstance(fn, interpreter):
            fn = _core.capture(fn)
            if chunksize > 1:
                size = min(chunksize, sys.maxsize)
                chunks = iter(lambda: list(itertools.islice(rows, size)), [])
                batches = _in_order(lambda: _submit_next(this, chunks, _submit_rows, fn), buffersize, end_time)
                return itertools.chain.from_iterable(batches)
        return _in_order(lambda: _submit_next(this, rows, _submit_row, fn), buffersize, end_time)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls; what is queued or running finishes, then threads and interpreters end.

        wait: return only after they have ended.
        cancel_futures: cancel what has not started.
        """
        self._shutdown = True
        self._pool.close()
        if cancel_futures:
            self._pool.cancel_queued()
        if not wait:
            return
        if threading.current_thread() in self._threads:
            raise RuntimeError("cannot wait for the shutdown of an executor in one of its own threads")
        self._pool.wait_ended()
        for thread in list(self._threads):
            thread.join()

    def _start_thread(self) -> None:
        """Start a worker thread; `submit` calls this when nobody is idle, as the standard library does.

        Raises RuntimeError if there can be no further thread. Whatever else is raised (Ctrl-C), the thread has started.
        """
        with self._shutdown_lock:
            name = f"{self._thread_name_prefix or self}_{len(self._threads)}"
            args = (self._pool, name, self._thread_initializer, self._thread_initargs)
            thread = threading.Thread(target=_serve, name=name, args=args, daemon=False)
            self._threads.add(thread)
            _pools[thread] = self._pool
        try:
            _start_with_big_stack(thread)
        except (RuntimeError, MemoryError):
            self._threads.discard(thread)
            del _pools[thread]
            raise


def _serve(pool: _core.Pool, name: str, initializer: Callable[..., object] | None, initargs: tuple[Any, ...]) -> None:
    """Be a worker thread. It knows the pool but not the executor, which may be dropped."""
    if initializer is not None:
        try:
            initializer(*initargs)
        except BaseException as error:
            LOGGER.critical("Exception in initializer:", exc_info=True)
            pool.break_down("A thread initializer failed, the thread pool is not usable anymore", error)
            return
    pool.work(name)


def _start_with_big_stack(thread: threading.Thread) -> None:
    """Start the thread with a stack of at least _MIN_STACK. Raises RuntimeError or MemoryError if it has not started."""
    with _global_shutdown_lock:  # the standard library's own for starting threads; stack_size is one setting for all
        before = threading.stack_size()
        if 0 < before < _MIN_STACK or (before == 0 and not _default_stack_is_big()):
            threading.stack_size(_MIN_STACK)
        try:
            thread.start()
        except (RuntimeError, MemoryError):
            raise
        except BaseException:
            # A signal handler raised, before the thread began or after. To start it once more tells, or does it.
            with contextlib.suppress(RuntimeError):
                thread.start()
            raise
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


def _submit_next[T](
    executor: weakref.ref[InterpreterThreadPoolExecutor],
    pending: Iterator[T],
    submit: Callable[[InterpreterThreadPoolExecutor, Callable[..., Any], T], Future[Any]],
    fn: Callable[..., Any],
) -> Future[Any] | None:
    """Submit what `pending` has next; None at its end, or if the executor is gone."""
    alive = executor()
    if alive is None:
        return None
    for item in pending:
        return submit(alive, fn, item)
    return None


def _in_order(
    submit_next: Callable[[], Future[Any] | None], buffersize: int | None, end_time: float | None
) -> Iterator[Any]:
    """Submit up to `buffersize` calls now (all, if None) and return the iterator over the results."""
    ahead = deque(itertools.islice(iter(submit_next, None), buffersize and min(buffersize, sys.maxsize)))
    return _results(ahead, None if buffersize is None else submit_next, end_time)


def _results(
    ahead: deque[Future[Any]], submit_next: Callable[[], Future[Any] | None] | None, end_time: float | None
) -> Iterator[Any]:
    try:
        while ahead:
            following = submit_next() if submit_next is not None else None
            if following is not None:
                ahead.append(following)
            del following
            # The future is popped in the call, so that nothing here keeps it, or its result, while the consumer works.
            yield _result_or_cancel(ahead.popleft(), None if end_time is None else end_time - time.monotonic())
    finally:
        for future in ahead:
            future.cancel()


def _result_or_cancel(future: Future[Any], timeout: float | None) -> Any:
    try:
        return future.result(timeout)
    finally:
        future.cancel()
        del future


def _finish_at_exit() -> None:
    """Finish all work and end every worker; after this there is no interpreter left to crash in (hazards 13 and 14).

    It must not raise, or finalization would go on under running workers. A first Ctrl-C gives up what is queued, a second
    one ends the process with the exit code that a shell expects.
    """
    _core.note_exit()
    pools = set(_pools.values())  # those of threads that are just being started included
    interrupted = False
    while True:
        try:
            for pool in pools:
                pool.close()
                if interrupted:
                    pool.cancel_queued()
            for pool in pools:
                pool.wait_ended()
            for thread in list(_pools):
                if thread.is_alive():
                    thread.join()
            _core.stop_returner()
            return
        except KeyboardInterrupt:
            if interrupted:
                _leave_at_once()
            interrupted = True


def _leave_at_once() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(130)


# Where concurrent.futures does it too: before the interpreter joins its threads, which would wait for ever otherwise. An
# atexit function would come later than that join.
threading._register_atexit(_finish_at_exit)  # type: ignore[attr-defined]
