"""Replacements that tag all functions that they get. So everything runs in interpreters."""

import itertools
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from aiointerpreters.executors import Future

_numbers = itertools.count()


class TaggingThreadPoolExecutor(InterpreterThreadPoolExecutor):
    """A ThreadPoolExecutor whose workers run everything in interpreters."""

    def __init__(
        self,
        max_workers: int | None = None,
        thread_name_prefix: str = "",
        initializer: Callable[..., object] | None = None,
        initargs: tuple[Any, ...] = (),
    ) -> None:
        tagged = None if initializer is None else interpreter(initializer)
        super().__init__(max_workers, thread_name_prefix, tagged, initargs, max_interpreters=sys.maxsize)

    def submit[**P, R](self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        return super().submit(interpreter(fn), *args, **kwargs)

    def map[R](self, fn: Callable[..., R], *iterables: Iterable[Any], **options: Any) -> Iterator[R]:
        return super().map(interpreter(fn), *iterables, **options)


class TaggingInterpreterPoolExecutor(TaggingThreadPoolExecutor):
    """An InterpreterPoolExecutor. Its threads have the same names as those of the original."""

    def __init__(self, max_workers: int | None = None, thread_name_prefix: str = "", *args: Any, **kwargs: Any) -> None:
        prefix = thread_name_prefix or f"InterpreterPoolExecutor-{next(_numbers)}"
        super().__init__(max_workers, prefix, *args, **kwargs)
