"""`map` of the executor: submits the calls, and returns the iterator over their results."""

import contextlib
import itertools
import sys
import time
import weakref
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from . import _core
from ._core import Future, interpreter

if TYPE_CHECKING:
    from .executors import InterpreterThreadPoolExecutor


def map_calls(
    executor: "InterpreterThreadPoolExecutor",
    fn: Callable[..., Any],
    iterables: tuple[Iterable[Any], ...],
    timeout: float | None,
    chunksize: int,
    buffersize: int | None,
) -> Iterator[Any]:
    """Return the iterator of `executor.map`, which describes the arguments and what is raised."""
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
        fn = _core.capture(fn, executor._fallback)
        if chunksize > 1:
            size = min(chunksize, sys.maxsize)
            chunks = iter(lambda: list(itertools.islice(rows, size)), [])
            return _flatten(_in_order(executor, fn, chunks, _submit_rows, buffersize, end_time))
    return _in_order(executor, fn, rows, _submit_row, buffersize, end_time)


def _submit_row(executor: "InterpreterThreadPoolExecutor", fn: Callable[..., Any], row: tuple[Any, ...]) -> Future[Any]:
    return executor.submit(fn, *row)


def _submit_rows(executor: "InterpreterThreadPoolExecutor", fn: Any, rows: list[tuple[Any, ...]]) -> Future[list[Any]]:
    return executor._submit_rows(fn, rows)


def _in_order[T](
    executor: "InterpreterThreadPoolExecutor",
    fn: Callable[..., Any],
    pending: Iterator[T],
    submit: "Callable[[InterpreterThreadPoolExecutor, Callable[..., Any], T], Future[Any]]",
    buffersize: int | None,
    end_time: float | None,
) -> Generator[Any]:
    """Submit the first `buffersize` calls (None: all), and return the iterator over the results."""

    def submit_next(alive: "InterpreterThreadPoolExecutor") -> Future[Any] | None:
        for item in pending:
            return submit(alive, fn, item)
        return None

    first = iter(partial(submit_next, executor), None)
    ahead = deque(itertools.islice(first, buffersize and min(buffersize, sys.maxsize)))
    return _results(ahead, weakref.ref(executor), None if buffersize is None else submit_next, end_time)


def _results(
    ahead: deque[Future[Any]],
    this: "weakref.ref[InterpreterThreadPoolExecutor]",
    submit_next: "Callable[[InterpreterThreadPoolExecutor], Future[Any] | None] | None",
    end_time: float | None,
) -> Generator[Any]:
    # As in the standard library, the executor is kept alive from the first result on, and only if more has to be submitted.
    executor = None if submit_next is None else this()
    try:
        while ahead:
            if submit_next is not None and executor is not None:
                following = submit_next(executor)
                if following is not None:
                    ahead.append(following)
                del following
            # The future is popped inside the call, so that no variable here keeps it or its result while the consumer works.
            yield _result_or_cancel(ahead.popleft(), None if end_time is None else end_time - time.monotonic())
    finally:
        for future in ahead:
            future.cancel()


def _flatten[T](batches: Generator[list[T]]) -> Generator[T]:
    """Return the iterator over the items of the lists. It keeps no item that it has yielded."""
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
