"""The processes of one executor. While a process runs a call, a thread of the main interpreter waits for it.

A standard pool of processes is broken when one of its processes dies. Here only the call that the process ran fails, and a
new process takes over. Interrupting a call ends its process.
"""

import contextlib
import itertools
import multiprocessing.process
import os
import sys
import time
from typing import TYPE_CHECKING, Any

from . import _by_value, _core, _lifecycle, _process, _script
from . import _process_wire as wire
from ._core import NotTransferableError, TaskInterrupted, interpreter

if TYPE_CHECKING:
    from ._elsewhere import Spare

# Calls that wait with a descriptor of mapped memory. A process can have only so many descriptors.
_MOST_MAPPED = 64


class Processes:
    """The processes of an executor, and a pool of threads that use them."""

    def __init__(self, name: str, most: int | None, forwards: int) -> None:
        from .executors import InterpreterThreadPoolExecutor

        self._name = name
        self._forwards = forwards
        self._threads = InterpreterThreadPoolExecutor(most or os.process_cpu_count() or 1, f"{name}-process")
        self._numbers = itertools.count()
        self._idle: list[_process.Process] = []
        self._alive: set[_process.Process] = set()  # those that have not been ended
        # The calls that wait (None) or run: the function's name, and when it began.
        self._calls: dict[_core.MovedCall, tuple[str, float] | None] = {}
        self._owner = os.getpid()
        self._is_closed = False
        self._is_stopped = False
        self._script: str | None = getattr(sys.modules.get("__main__"), "__file__", None)

    def add(self, call: _core.MovedCall) -> None:
        """Queue a call. If it cannot cross, it ends now."""
        from ._elsewhere import Spare

        spare = Spare(*call.spare)
        try:
            may_be_mapped = len(self._calls) < _MOST_MAPPED
            message = wire.Message(_describe(spare.fn), _write_arguments(spare), may_be_mapped=may_be_mapped)
        except Exception as error:
            call.fail(error)
            return
        _lifecycle.lanes.add(self)
        self._calls[call] = None
        if self._is_stopped:
            call.cancel()
        try:
            self._threads.submit(self._serve, call, spare.name, message)
        except RuntimeError:
            if not self._is_closed:
                del self._calls[call]
                raise
            self._serve(call, spare.name, message)  # a worker of the executor could not begin it: the worker's thread waits

    def census(self) -> tuple[int, int]:
        """Return how many calls processes run, and how many wait for one."""
        calls = list(self._calls.values())
        waiting = calls.count(None)
        return len(calls) - waiting, waiting

    def running(self) -> list[tuple[str, float]]:
        """Return the calls that processes run: the function's name, and the seconds since the start."""
        now = time.monotonic()
        return [(call[0], now - call[1]) for call in list(self._calls.values()) if call is not None]

    def close(self) -> None:
        """Let the processes end when no call is left. Does not wait."""
        if self._owner != os.getpid() or self._is_closed:
            return  # in a forked child, processes and threads belong to the parent
        self._is_closed = True
        if self._idle:
            with contextlib.suppress(RuntimeError):  # otherwise `join` ends them
                self._threads.submit(self._end_idle)
        self._threads.shutdown(wait=False)
        self._leave_if_done()

    def cancel_queued(self) -> None:
        """Cancel the calls that no process has got yet."""
        for call in list(self._calls):
            call.cancel()

    def stop(self) -> None:
        """Cancel the calls that wait, and interrupt those that run by ending their processes."""
        self._is_stopped = True
        for call in list(self._calls):
            call.cancel()
            call.interrupt()

    def join(self) -> None:
        """Wait until all calls and processes have ended. It must be closed."""
        self._threads.shutdown()
        self._end_idle()

    def leave_to_parent(self) -> None:
        """Close what the child of a fork has inherited. The processes belong to the parent."""
        for process in list(self._alive):
            process.leave_to_parent()

    def _end_idle(self) -> None:
        idle, self._idle = self._idle, []
        self._end(*idle)

    def _end(self, *processes: _process.Process) -> None:
        _process.end(processes)
        self._alive.difference_update(processes)
        self._leave_if_done()

    def _leave_if_done(self) -> None:
        if self._is_closed and not self._calls and not self._alive:
            _lifecycle.lanes.discard(self)

    def _serve(self, call: _core.MovedCall, name: str, message: wire.Message) -> None:
        """Run a call in a process. The next call takes the process that has become idle last."""
        if not call.start():
            self._calls.pop(call, None)
            return
        self._calls[call] = name, time.monotonic()
        process = None
        is_lost = False
        try:
            process = self._take_process()
            if call.interrupted:  # while the process was being started
                raise TaskInterrupted
            is_lost = True
            call.stopper = process.kill
            succeeded, value = process.run(name, message)
            is_lost = False
        except BaseException as error:
            succeeded, value = False, error
        if call.stopper is not None:
            call.stopper = None
            is_lost |= call.interrupted  # then it is being killed
        self._calls.pop(call, None)
        del message
        if process is not None and not is_lost:  # others may take it before they can learn that the call has ended
            self._idle.append(process)
            process = None
        (call.finish if succeeded else call.fail)(value)
        del value, call  # otherwise this frame and the exception keep each other
        if process is not None:
            self._end(process)
        if self._is_closed:
            self._end_idle()

    def _take_process(self) -> _process.Process:
        with contextlib.suppress(IndexError):
            while True:
                process = self._idle.pop()
                if not process.has_ended():
                    return process
                self._end(process)
        process = _process.Process(f"{self._name}_process-{next(self._numbers)}", self._script, self._forwards)
        self._alive.add(process)
        return process


def check_guard() -> None:
    """Raise RuntimeError in a process that is still running the script to find the functions in it."""
    if getattr(multiprocessing.process.current_process(), "_inheriting", False):
        raise RuntimeError(
            "an executor was used while a new process imported this program's __main__ module to find the functions in it. "
            'Put the code that starts the work under\n\n    if __name__ == "__main__":\n\n'
            "as for multiprocessing's spawn method."
        )


def _describe(fn: Any) -> wire.Parts:
    """Return the message for a function: its module and name if they lead to it, otherwise its content."""
    found = _by_value._find(getattr(fn, "__module__", None), getattr(fn, "__qualname__", ""))
    is_found = found is fn or (isinstance(found, interpreter) and found.fn is fn)
    if is_found and fn.__module__ in _script.NAMES:  # a process runs the script, but not what was typed
        is_typed = getattr(getattr(fn, "__code__", None), "co_filename", "").startswith("<")
        is_found = not is_typed and _script.describe(sys.modules.get("__main__")) is not None
    if is_found:
        return wire.dumps((fn.__module__, fn.__qualname__))
    try:
        return [memoryview(_by_value.dumps(fn, lambda _: None, wire.OF_CALLS)[0])]
    except Exception as error:
        raise NotTransferableError(f"the function cannot be sent to another process: {error}") from error


def _write_arguments(spare: "Spare") -> wire.Parts:
    values = (spare.args, spare.kwargs or {}, spare.in_rows, spare.is_coroutine_function, spare.values)
    try:
        return wire.dumps(values, of_call=True)
    except Exception as error:
        raise NotTransferableError(_describe_refusal(spare, error)) from error


def _describe_refusal(spare: "Spare", error: Exception) -> str:
    """Name the argument that cannot be pickled, as the engine does."""
    rows = spare.args[0] if spare.in_rows else [spare.args]
    arguments = [(f"argument {position}", value) for row in rows for position, value in enumerate(row)]
    arguments += [(f"argument {name!r}", value) for name, value in (spare.kwargs or {}).items()]
    for name, value in arguments:
        try:
            wire.dumps(value, of_call=True)
        except Exception as own:
            return f"{name}: {own}"
    return f"an argument cannot be sent to another process: {error}"
