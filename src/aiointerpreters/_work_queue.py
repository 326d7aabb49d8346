"""The queue of a ThreadPoolExecutor, as other code uses it. The calls are in the engine's queues."""

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import _core, _replaced_submit

if TYPE_CHECKING:
    from .executors import InterpreterThreadPoolExecutor


class WorkItem:
    """A call that was taken out of the queue. The code that took it must run it or end its future."""

    def __init__(
        self, future: _core.Future[Any], fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        self.future = future
        self.fn = fn
        self.args = args
        self.kwargs = kwargs

    @property
    def task(self) -> tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]:
        """The call, in the form of CPython 3.14."""
        return self.fn, self.args, self.kwargs

    def run(self, _context: object = None) -> None:
        """Run the call on this thread, unless it was cancelled."""
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            result = self.fn(*self.args, **self.kwargs)
        except BaseException as error:
            self.future.set_exception(error)
        else:
            self.future.set_result(result)


class WorkQueue:
    """The calls of an executor that wait for a worker."""

    maxsize = 0

    def __init__(self, executor: "InterpreterThreadPoolExecutor", pool: _core.Pool) -> None:
        self._executor = weakref.ref(executor)
        self._pool = pool

    def qsize(self) -> int:
        """Return the number of waiting calls."""
        return self._pool.queued

    def empty(self) -> bool:
        """Return whether no call waits."""
        return self._pool.queued == 0

    def full(self) -> bool:
        """Return False: there is no limit."""
        return False

    def get(self, block: bool = True, timeout: float | None = None) -> WorkItem:
        """Take out the oldest waiting untagged call. Raise queue.Empty if there is none.

        It never waits, because calls go to the engine's threads. Tagged calls stay, because they are already encoded.
        """
        return WorkItem(*self._pool.take_call())

    def get_nowait(self) -> WorkItem:
        """Do the same as `get`."""
        return self.get()

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """Accept a work item of ThreadPoolExecutor.submit. Ignore None, which wakes the threads of that class."""
        executor = self._executor()
        if item is not None and executor is not None:
            _replaced_submit.accept(executor, item)

    def put_nowait(self, item: Any) -> None:
        """Do the same as `put`."""
        self.put(item)
