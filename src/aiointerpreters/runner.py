"""The asyncio interface: a runner whose functions run in interpreters, and what it was before there was an executor."""

import asyncio
import inspect
import sys
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache, wraps
from types import TracebackType
from typing import Any, Literal, Self

from . import _module_functions
from ._core import RunFuture, interpreter
from ._window import Window
from .errors import InterpreterError, RunnerError
from .executors import InterpreterThreadPoolExecutor

__all__ = ["InterpreterError", "ModuleInfo", "Runner", "RunnerError", "get_module_info"]

type ModuleInfo = tuple[Literal["module", "path"], str, str]
"""How a worker finds a function: ("module", the module's name, its name) or ("path", the script's file, its name)."""

_CALLS_PER_WORKER = 32  # of `map` at once, if nothing is said: enough to keep workers busy from one turn of the loop to the next


class Runner:
    """Runs functions in a fixed number of interpreters, for asyncio.

    Use it as `with Runner(workers=4).start() as runner` or `async with Runner(workers=4) as runner`. Below it is an
    `InterpreterThreadPoolExecutor`; who has one of those already can await its `run` instead.
    """

    def __init__(self, *, workers: int) -> None:
        """Make a runner; its interpreters come with `start`.

        workers: interpreters, each in a thread of its own. Raises ValueError below 1, TypeError if it is no integer.
        """
        if not isinstance(workers, int):
            raise TypeError(f"workers must be an integer, not {workers!r}")
        if workers < 1:
            raise ValueError("workers must be greater than 0")
        self.workers = workers
        self._executor: InterpreterThreadPoolExecutor | None = None

    @contextmanager
    def start(self) -> Iterator[Self]:
        """Make the interpreters; at the end of the block, finish what has been submitted and end them.

        That end blocks the thread, and with it the event loop; `async with` on the runner itself does not. If Ctrl-C or a
        cancellation ends the block, what is queued is cancelled and what runs is stopped. A runner can be started again
        after that. Raises RunnerError if it is started already.
        """
        executor = self._begin()
        try:
            with executor:
                yield self
        except (KeyboardInterrupt, asyncio.CancelledError):
            raise
        finally:
            self._executor = None

    async def __aenter__(self) -> Self:
        self._begin()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        ...

    def run[**P, R](self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> RunFuture[R]:
        """Run fn(*args, **kwargs) in an interpreter and return its awaitable, as `executor.run` does.

        Raises RunnerError if the runner is not started, RuntimeError if no event loop is running.
        """
        return self._started().run(fn, *args, **kwargs)
