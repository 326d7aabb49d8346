"""Runs calls elsewhere than in an interpreter: in threads of the main interpreter, or in other processes.

The engine (core/binding/elsewhere.h) passes calls that no interpreter can run, and all calls of functions that must not
share a process. One object of `Elsewhere` belongs to one executor.
"""

import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor
from contextvars import Context
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from . import _core
from ._call_forms import call_in_form
from ._moved_functions import MovedFunctions, key_of, name_of
from .types import MovedFunction

if TYPE_CHECKING:
    from ._processes import Processes
    from .executors import InterpreterThreadPoolExecutor


class Spare(NamedTuple):
    """All that is needed to run a call elsewhere. The engine makes it (core/binding/elsewhere.cpp)."""

    elsewhere: "Elsewhere"
    in_process: bool
    key: object
    fn: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any] | None
    in_rows: bool
    is_coroutine_function: bool
    context: Context | None
    values: dict[str, Any] | None

    @property
    def name(self) -> str:
        """The function's name for messages."""
        return name_of(self.fn)


_IN_PROCESS = Spare._fields.index("in_process")  # for code that must not hold the other items


class Elsewhere:
    """The functions that an executor has moved, and the threads and processes that only moved calls need."""

    def __init__(self, executor: "InterpreterThreadPoolExecutor", max_processes: int | None, forwards: int) -> None:
        self._executor = weakref.ref(executor)
        self._name = executor._thread_name_prefix or ""
        self._max_processes = max_processes
        self._forwards = forwards
        self._functions = MovedFunctions()
        self._calls: dict[_core.MovedCall, None] = {}  # those that wait for a thread, or run in one
        self._is_stopped = False
        self._opened: dict[str, Any] = {}  # the two below, which threads may open at the same time

    @property
    def _threads(self) -> ThreadPoolExecutor | None:
        """For calls that come when the executor accepts none any more."""
        return self._opened.get("threads")

    @property
    def _processes(self) -> "Processes | None":
        return self._opened.get("processes")

    @property
    def fallbacks(self) -> tuple[MovedFunction, ...]:
        return self._functions.all()

    # ---- Called by the engine.

    key_of = staticmethod(key_of)

    def is_moved(self, key: object) -> bool:
        """Whether calls of that function run elsewhere. If they do, count one."""
        return self._functions.count(key)

    def move_function(self, given: tuple[Any, ...], error: BaseException | None) -> None:
        """Move the function, and warn. If it has been moved already, only count the call."""
        spare = Spare(*given)
        self._functions.add(spare.key, spare.fn, spare.in_process, error)

    def refused(self, call: _core.MovedCall) -> None:
        """Run a call that a worker could not begin. The calling thread is that worker's."""
        spare = Spare(*call.spare)
        self.move_function(call.spare, call.error)
        if spare.in_process or spare.is_coroutine_function:
            del spare
            try:
                self.start(call)
            except RuntimeError as error:
                call.fail(error)
        else:
            del spare
            self._run(call)

    def start(self, call: _core.MovedCall) -> None:
        """Run a call in another process, or in a thread of the executor. Errors become its outcome.

        Raises RuntimeError if this is a process that has not begun to serve: the script lacks its guard.
        """
        if call.spare[_IN_PROCESS]:
            self._open_processes().add(call)
            return
        self._calls[call] = None
        executor = self._executor()
        try:
            if executor is None:
                raise RuntimeError
            executor._submit_here(self._run, call).add_done_callback(partial(self._see_to, call))
        except BrokenExecutor as error:
            self._calls.pop(call, None)
            call.fail(error)
        except RuntimeError:  # it has been shut down since the call was submitted
            self._run_aside(call)

    @staticmethod
    def invoke(given: tuple[Any, ...], set_stopper: Callable[[Callable[[], None]], None] | None = None) -> Any:
        """Call the function of a spare in this thread."""
        spare = Spare(*given)
        call = partial(
            call_in_form,
            spare.fn,
            spare.args,
            spare.kwargs or {},
            spare.in_rows,
            spare.is_coroutine_function,
            set_stopper,
        )
        return call() if spare.context is None else spare.context.run(call)

    # ---- Called by the executor.

    def describe(self) -> str:
        """Return what `repr` of the executor says about calls in other processes. Empty: none were moved there."""
        if self._processes is None:
            return ""
        running, waiting = self._processes.census()
        return f"{running} in processes" + f", {waiting} waiting for one" * (waiting > 0)

    def lines(self) -> Iterator[str]:
        """Yield what `dump_traceback` says about calls in other processes."""
        for name, seconds in () if self._processes is None else self._processes.running():
            yield f"Process: runs {name} for {seconds:.1f} s\n"
            yield "  No stack: it is in another process\n"

    def cancel_queued(self) -> None:
        for call in list(self._calls):
            call.cancel()
        if self._processes is not None:
            self._processes.cancel_queued()

    def stop(self) -> None:
        """Cancel coroutines that run in threads, and end all processes that run a call. Cancel calls that wait."""
        self._is_stopped = True
        for call in list(self._calls):
            call.cancel()
            call.interrupt()
        if self._processes is not None:
            self._processes.stop()

    def close(self) -> None:
        """Let processes end when no call is left. Calls that the pool's workers cannot begin are still accepted."""
        if self._processes is not None:
            self._processes.close()

    def join(self) -> None:
        """Wait until all calls have ended. Call it after the pool has ended."""
        if self._threads is not None:
            self._threads.shutdown()
        if self._processes is not None:
            self._processes.join()

    def _run(self, call: _core.MovedCall) -> None:
        """Run a call in this thread."""
        self._calls[call] = None
        try:
            if not call.start():
                return
            if self._is_stopped:
                call.interrupt()
            result = self.invoke(call.spare, partial(setattr, call, "stopper"))
        except BaseException as error:
            call.fail(error)
        else:
            call.finish(result)
        finally:
            self._calls.pop(call, None)

    def _run_aside(self, call: _core.MovedCall) -> None:
        """Run a call in a thread that is not the executor's."""
        made = ThreadPoolExecutor(thread_name_prefix=f"{self._name}-fallback")  # it has no threads yet
        try:
            self._opened.setdefault("threads", made).submit(self._run, call)
        except RuntimeError:  # the interpreter is about to end
            self._run(call)

    def _see_to(self, call: _core.MovedCall, carrier: "Future[None]") -> None:
        """End a call that its thread has not run. `carrier` is the future of the thread's call, and is done."""
        self._calls.pop(call, None)
        if carrier.cancelled():
            call.cancel()
        elif (error := carrier.exception()) is not None:
            call.fail(error)

    def _open_processes(self) -> "Processes":
        if self._processes is None:
            from ._processes import Processes, check_guard

            check_guard()
            made = Processes(self._name, self._max_processes, self._forwards)  # it has no threads and processes yet
            if self._opened.setdefault("processes", made) is made:
                weakref.finalize(self, made.close).atexit = False  # if the executor is dropped
                if self._is_stopped:
                    made.stop()
        opened: Processes = self._opened["processes"]
        return opened
