"""The processes of one executor. While a process runs a call, a thread of the main interpreter waits for it.

A standard pool of processes is broken when one of its processes dies. Here only the call that the process ran fails, and a
new process takes over. Interrupting a call ends its process.
"""

import contextlib
import functools
import multiprocessing
import multiprocessing.process
import os
import select
import signal
import socket
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from . import _by_value, _core, _lifecycle, _process_main, _script
from . import _process_wire as wire
from ._core import NotTransferableError, RemoteTraceback, interpreter
from .errors import ProcessEndedError

if TYPE_CHECKING:
    from ._elsewhere import Spare

_is_forked = False
# Calls that wait with a descriptor of mapped memory. A process can have only so many descriptors.
_MOST_MAPPED = 64


class Processes:
    """The processes of an executor, and a pool of threads that use them."""

    def __init__(self, name: str, most: int | None) -> None:
        from .executors import InterpreterThreadPoolExecutor

        self._name = name
        self._threads = InterpreterThreadPoolExecutor(most or os.process_cpu_count() or 1, f"{name}-process")
        self._idle: list[_Process] = []
        self._alive: set[_Process] = set()  # those that have not been ended
        self._waiting: dict[_core.MovedCall, None] = {}
        self._running: dict[_core.MovedCall, None] = {}
        self._owner = os.getpid()
        self._is_closed = False
        self._script: str | None = getattr(sys.modules.get("__main__"), "__file__", None)
        _lifecycle.lanes.add(self)

    def add(self, call: _core.MovedCall) -> None:
        """Queue a call. If it cannot cross, it ends now."""
        from ._elsewhere import Spare

        spare = Spare(*call.spare)
        try:
            may_be_mapped = len(self._waiting) < _MOST_MAPPED
            message = wire.Message(_describe(spare.fn), _write_arguments(spare), may_be_mapped=may_be_mapped)
        except Exception as error:
            if call.start():
                call.fail(error)
            return
        self._waiting[call] = None
        try:
            self._threads.submit(self._serve, call, spare.name, message)
        except RuntimeError:  # closed, and a worker of the executor could not begin this call: the worker's thread serves it
            self._serve(call, spare.name, message)

    def close(self) -> None:
        """Let the processes end when no call is left."""
        if self._owner != os.getpid():
            return  # in a forked child, processes and threads belong to the parent
        self._is_closed = True
        self._threads.shutdown(wait=False)
        self._end_idle()

    def cancel_queued(self) -> None:
        """Cancel the calls that no process has got yet."""
        for call in list(self._waiting):
            call.cancel()

    def stop(self) -> None:
        """Interrupt all running calls, by ending their processes."""
        for call in list(self._running):
            call.interrupt()

    def join(self) -> None:
        """Wait until all calls and processes have ended. It must be closed."""
        self._threads.shutdown()
        self._end_idle()
        _lifecycle.lanes.discard(self)

    def leave_to_parent(self) -> None:
        """Close what the child of a fork has inherited. The processes belong to the parent."""
        for process in list(self._alive):
            process.leave_to_parent()

    def _end_idle(self) -> None:
        with contextlib.suppress(IndexError):
            while True:
                self._end(self._idle.pop())

    def _end(self, process: "_Process") -> None:
        process.end()
        self._alive.discard(process)

    def _serve(self, call: _core.MovedCall, name: str, message: wire.Message) -> None:
        """Run a call in a process. The next call takes the process that has become idle last."""
        self._waiting.pop(call, None)
        if not call.start():
            return
        self._running[call] = None
        process = None
        try:
            process = self._take_process()
            call.stopper = process.kill
            succeeded, value = process.run(name, message)
        except BaseException as error:
            succeeded, value = False, error
            if process is not None:
                self._end(process)
                process = None
        call.stopper = None
        self._running.pop(call, None)
        del message
        if process is not None and not call.interrupted:  # others may take it before they can learn that the call has ended
            self._idle.append(process)
            process = None
        (call.finish if succeeded else call.fail)(value)
        if process is not None:  # it is being ended
            self._end(process)
        if self._is_closed:
            self._end_idle()

    def _take_process(self) -> "_Process":
        with contextlib.suppress(IndexError):
            while True:
                process = self._idle.pop()
                if not process.has_ended():
                    return process
                self._end(process)
        process = _Process(f"{self._name}-process", self._script)
        self._alive.add(process)
        return process


class _Process:
    """A process, and the connection to it. One thread at a time uses it; others may call `kill`."""

    def __init__(self, name: str, script: str | None) -> None:
        self.connection, other = socket.socketpair()
        self._is_ready = False
        with other:
            try:
                self._process = _context().Process(target=_process_main.serve, args=(other,), name=name)
                with _known_script(script):
                    self._process.start()
            except BaseException:
                self.connection.close()
                raise
        # From now on no other code looks whether it has ended. Two threads that look at once may miss the exit code.
        multiprocessing.process._children.discard(self._process)  # type: ignore[attr-defined]
        self._poll = select.poll() if hasattr(select, "poll") else None
        if self._poll is not None:
            self._poll.register(self.connection, select.POLLIN)

    def run(self, name: str, message: wire.Message) -> tuple[bool, Any]:
        """Run a call there. Return whether it has succeeded, and its result or exception."""
        if not self._is_ready:
            self._wait_until_ready(name)
        try:
            message.send(self.connection)
            parts = wire.receive(self.connection)
        except (EOFError, OSError):
            raise self._describe_end(f"ended while it ran {name}") from None
        return _read_outcome(parts)

    def has_ended(self) -> bool:
        """Whether it has ended while it had no call. It never sends anything then, so its connection tells."""
        return self._poll is not None and bool(self._poll.poll(0))

    def kill(self) -> None:
        """End it. Thread: any."""
        with contextlib.suppress(ValueError, OSError):  # it has been joined
            self._process.kill()

    def end(self) -> None:
        """Let it end, and wait for that."""
        self.connection.close()
        if self._join(5.0) is None:  # non-daemon threads, or functions of atexit, keep it
            self.kill()
            self._join(None)

    def leave_to_parent(self) -> None:
        """Close the descriptors in the child of a fork, so that the process sees when the parent closes its own."""
        self.connection.close()
        pipes: Any = self._process._popen.finalizer  # it ignores calls in a child
        for descriptor in pipes._args:
            os.close(descriptor)
        pipes.cancel()

    def _wait_until_ready(self, name: str) -> None:
        try:
            self._is_ready = self.connection.recv(1) == b"R"
        except OSError:
            self._is_ready = False
        if not self._is_ready:
            raise self._describe_end(f"ended before it could run {name}")

    def _describe_end(self, what: str) -> ProcessEndedError:
        """Wait for its end, and return the exception for the call that it ran."""
        self.connection.close()
        code = self._join(10.0)
        error = ProcessEndedError(f"the process {what}: {_name_code(code)}")
        error.exitcode = code
        return error

    def _join(self, timeout: float | None) -> int | None:
        self._process.join(timeout)
        code: int | None = self._process.exitcode
        return code


@contextlib.contextmanager
def _known_script(path: str | None) -> Iterator[None]:
    """Let multiprocessing find the program's script, too. When a script has run, CPython deletes its `__file__`."""
    main: Any = sys.modules.get("__main__")
    is_script = path is not None and getattr(main, "__spec__", None) is None
    if not is_script or hasattr(main, "__file__"):
        yield
        return
    main.__file__ = path  # it stays: another thread may start a process now
    yield


def _name_code(code: int | None) -> str:
    if code is None:
        return "its exit code is unknown"
    if code >= 0:
        return f"exit code {code}"
    with contextlib.suppress(ValueError):
        return f"signal {-code} ({signal.Signals(-code).name})"
    return f"signal {-code}"


@functools.cache
def _context() -> Any:
    """Return multiprocessing's way to start processes: the program's choice, but never a fork of this process."""
    chosen = multiprocessing.get_start_method(allow_none=True)
    has_server = "forkserver" in multiprocessing.get_all_start_methods() and chosen != "spawn"
    # The server belongs to the process that has started it, and multiprocessing does not notice a fork.
    return multiprocessing.get_context("forkserver" if has_server and not _is_forked else "spawn")


def _after_fork() -> None:
    global _is_forked
    _is_forked = True
    _context.cache_clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


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
        return [memoryview(_by_value.dumps(fn, lambda _: None, wire.REDUCTIONS)[0])]
    except Exception as error:
        raise NotTransferableError(f"the function cannot be sent to another process: {error}") from error


def _write_arguments(spare: "Spare") -> wire.Parts:
    values = (spare.args, spare.kwargs or {}, spare.in_rows, spare.is_coroutine_function, spare.values)
    try:
        return wire.dumps(values)
    except Exception as error:
        raise NotTransferableError(f"an argument cannot be sent to another process: {error}") from error


def _read_outcome(parts: wire.Parts) -> tuple[bool, Any]:
    try:
        succeeded, *rest = wire.loads(parts)
    except Exception as error:
        raise _core.InterpreterError("the outcome could not be rebuilt in the main process") from error
    if succeeded:
        return True, rest[0]
    raised, text, trace = rest
    if raised is None:
        raised = NotTransferableError(text)
    raised.__cause__ = RemoteTraceback("\n" + trace.removesuffix("\n"))
    return False, raised
