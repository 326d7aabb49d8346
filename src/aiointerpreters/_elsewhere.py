"""Runs calls elsewhere than in an interpreter: in threads of the main interpreter, or in other processes.

The engine (core/binding/elsewhere.h) passes calls that no interpreter can run, and all calls of functions that must not
share a process. One object of `Elsewhere` belongs to one executor.
"""

import warnings
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from . import _core
from ._call_forms import call_in_form
from .errors import FallbackWarning

if TYPE_CHECKING:
    from ._processes import Processes

_LONGEST_REASON = 500
_shown: dict[Any, Any] = {}  # the warnings that have been shown, for `warnings`: each is shown once in a process


class Fallback(NamedTuple):
    """A function that no interpreter can run. `InterpreterThreadPoolExecutor.fallbacks` lists them."""

    function: str
    """Its module and qualified name."""
    lane: Literal["thread", "process"]
    """Where its calls run."""
    reason: str
    """The exception that has decided this, as text."""
    calls: int
    """How many calls have been moved."""


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
        fn: Any = self.fn
        kind = type(fn)
        return f"{getattr(fn, '__module__', kind.__module__)}.{getattr(fn, '__qualname__', kind.__qualname__)}"


class Elsewhere:
    """The functions that an executor has moved, and the threads and processes that only moved calls need."""

    def __init__(self, name: str, max_processes: int | None) -> None:
        self._name = name
        self._max_processes = max_processes
        self._moved: dict[object, Fallback] = {}
        self._threads: ThreadPoolExecutor | None = None
        self._processes: Processes | None = None

    @property
    def fallbacks(self) -> tuple[Fallback, ...]:
        return tuple(self._moved.values())

    # ---- Called by the engine.

    def is_moved(self, key: object) -> bool:
        """Whether calls of that function run elsewhere. If they do, count one."""
        known = self._moved.get(key)
        if known is None:
            return False
        self._moved[key] = known._replace(calls=known.calls + 1)
        return True

    def move_function(self, given: tuple[Any, ...], error: BaseException | None) -> None:
        """Move the function, and warn. If it has been moved already, only count the call."""
        spare = Spare(*given)
        if self.is_moved(spare.key):
            return
        reason = f"{type(error).__name__}: {error}".partition("\n")[0][:_LONGEST_REASON]
        lane: Literal["thread", "process"] = "process" if spare.in_process else "thread"
        self._moved[spare.key] = Fallback(spare.name, lane, reason, 1)
        where = "other processes" if spare.in_process else "threads of the main interpreter"
        text = f"no interpreter can run {spare.name}, so its calls run in {where}: {reason}"
        code: Any = getattr(spare.fn, "__code__", None)
        file, line = (code.co_filename, code.co_firstlineno) if code is not None else (__file__, 0)
        module = spare.fn.__module__ if code is not None else __name__
        warnings.warn_explicit(text, FallbackWarning, file, line, module, _shown)

    def refused(self, call: _core.MovedCall) -> None:
        """Run a call that a worker could not begin. The calling thread is that worker's."""
        spare = Spare(*call.spare)
        self.move_function(call.spare, call.error)
        if spare.in_process or spare.is_coroutine_function:
            self.start(call)
        else:
            self.run_here(call)

    def start(self, call: _core.MovedCall) -> None:
        """Run a call in another process, or in a thread of its own. Errors become its outcome."""
        if call.spare[1]:
            self._open_processes().add(call)
            return
        if self._threads is None:
            self._threads = ThreadPoolExecutor(thread_name_prefix=f"{self._name}-fallback")
        try:
            self._threads.submit(self.run_here, call)
        except RuntimeError:  # the interpreter is about to end
            self.run_here(call)

    @staticmethod
    def run_here(call: _core.MovedCall) -> None:
        """Run a call in this thread."""
        if not call.start():
            return
        try:
            result = Elsewhere.invoke(call.spare)
        except BaseException as error:
            call.fail(error)
        else:
            call.finish(result)

    @staticmethod
    def invoke(given: tuple[Any, ...]) -> Any:
        """Call the function of a spare in this thread."""
        spare = Spare(*given)
        call = partial(call_in_form, spare.fn, spare.args, spare.kwargs or {}, spare.in_rows, spare.is_coroutine_function)
        return call() if spare.context is None else spare.context.run(call)

    # ---- Called by the executor.

    def cancel_queued(self) -> None:
        if self._processes is not None:
            self._processes.cancel_queued()

    def stop(self) -> None:
        """End all processes that run a call."""
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

    def _open_processes(self) -> "Processes":
        if self._processes is None:
            from ._processes import Processes

            self._processes = Processes(self._name, self._max_processes)
            weakref.finalize(self, self._processes.close).atexit = False  # if the executor is dropped
        return self._processes
