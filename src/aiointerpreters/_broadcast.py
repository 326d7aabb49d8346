"""The future of `InterpreterThreadPoolExecutor.broadcast`."""

import itertools
from typing import Any, Literal

from ._core import Future, Pool


class Broadcast[R](Future[list[R]]):
    """One future for the calls of a broadcast in all interpreters that exist when it is sent."""

    def __init__(self, parts: list[Future[R]], made: Future[None] | None, pool: Pool, number: int) -> None:
        """Wait for the calls.

        parts: the futures of the calls. A call is cancelled if its interpreter ends first.
        made: if there are no calls, a future that ends when an interpreter has been made. None: wait for nothing.
        pool, number: for withdrawing the broadcast if it has failed or was cancelled. Then new interpreters do not run it.
        """
        super().__init__()
        self._calls = parts
        self._parts: list[Future[Any]] = [*parts, made] if made else [*parts]
        self._pool = pool
        self._number = number
        self._ends = itertools.count(1)
        self._is_given_up = False
        for part in self._parts:
            part.add_done_callback(self._see_end)
        if not self._parts:
            self._finish()

    @property
    def lane(self) -> Literal["interpreter"]:
        """Where the calls run: always in interpreters."""
        return "interpreter"

    def result(self, timeout: float | None = None) -> list[R]:
        """Return the results, as a future does. An untagged call first runs what its own worker's interpreter has to run."""
        self._pool.run_addressed()
        return super().result(timeout)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Return the exception, in the same way."""
        self._pool.run_addressed()
        return super().exception(timeout)

    def cancel(self) -> bool:
        """Cancel the calls that have not started. Returns whether all are cancelled."""
        if not self.done():
            self._is_given_up = True
            for part in self._parts:
                part.cancel()
        return self.cancelled()

    def interrupt(self) -> bool:
        """Cancel the calls that have not started, and stop those that run. Returns whether there was a call to stop."""
        self._is_given_up = not self.done()
        stopped = [part.interrupt() for part in self._parts]  # all of them, so not inside `any`
        return any(stopped)

    def running(self) -> bool:
        """Whether an interpreter has begun to run it, and not all have ended."""
        return not self.done() and any(part.running() or (part.done() and not part.cancelled()) for part in self._parts)

    def _see_end(self, _: object) -> None:
        if next(self._ends) == len(self._parts):
            self._finish()

    def _finish(self) -> None:
        ended = [part for part in self._parts if not part.cancelled()]
        if self._is_given_up and len(ended) < len(self._parts):
            self._pool.withdraw_broadcast(self._number)
        if self._parts and not ended:
            super().cancel()
            self.set_running_or_notify_cancel()
            return
        self.set_running_or_notify_cancel()
        try:
            for part in ended:
                part.result()
            if ended:
                self._pool.end_broadcast(self._number)
            results = [call.result() for call in self._calls if not call.cancelled()]
        except BaseException as error:
            self._pool.withdraw_broadcast(self._number)
            self.set_exception(error)
        else:
            self.set_result(results)
