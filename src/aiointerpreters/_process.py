"""One other process of an executor, and the connection to it."""

import contextlib
import functools
import multiprocessing
import multiprocessing.process
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any

from . import _core, _process_main, _script
from . import _process_wire as wire
from .errors import ProcessEndedError

_TIME_TO_END = 5.0  # seconds; non-daemon threads, and functions of atexit, may need some
_is_forked = False
_hiding: set[object] = set()  # one for each start that needs a `__main__` without `__file__`
_hidden: list[str] = []  # the `__file__` that comes back when there is none of them


class Process:
    """A process. One thread at a time uses it; others may call `kill`."""

    def __init__(self, name: str, script: str | None, forwards: int) -> None:
        self._connection, other = socket.socketpair()
        self._receiver = wire.Receiver(self._connection)
        self._descriptor = self._connection.fileno()
        self._is_ready = False
        self._calls = 0
        self._forwards = forwards
        self._told: object = None  # version and working directory of home that it has got
        with other:
            try:
                context = _context()
                args = (other, name, forwards, _script_to_run(script))
                self._process = context.Process(target=_process_main.serve, args=args, name=name)
                with _known_script(script):
                    _start(self._process)
                self._set_up_polls(context.get_start_method() == "spawn")
            except BaseException:
                self._connection.close()
                raise
        # From now on no other code looks whether it has ended. Two threads that look at once may miss the exit code.
        multiprocessing.process._children.discard(self._process)  # type: ignore[attr-defined]

    def _set_up_polls(self, is_spawned: bool) -> None:
        """Prepare to wait for its messages and for its end. The end of the connection may come later than its own.

        Processes that it has forked may hold the connection open. If it was spawned, they hold the sentinel open, too.
        """
        self._pidfd = os.pidfd_open(self._process.pid) if is_spawned and hasattr(os, "pidfd_open") else None
        self._end: Any = None
        self._any: Any = None
        if not hasattr(select, "poll"):
            return
        end = self._process.sentinel if self._pidfd is None else self._pidfd
        self._end = select.poll()
        self._end.register(end, select.POLLIN)
        self._any = select.poll()
        self._any.register(end, select.POLLIN)
        self._any.register(self._connection, select.POLLIN)

    def run(self, name: str, message: wire.Message) -> tuple[bool, Any]:
        """Run a call there. Return whether it has succeeded, and its result or exception."""
        if not self._is_ready:
            self._wait_until_ready(name)
        self._calls += 1
        try:
            self._tell_news()
            message.send(self._connection, self._calls)
            number, parts = self._receiver.receive(self._wait)
            while number != self._calls:  # a process that the function has forked may have answered an earlier call
                if number == wire.WORD:
                    _pass_word(parts)
                number, parts = self._receiver.receive(self._wait)
        except (EOFError, OSError):
            raise self._describe_end(f"ended while it ran {name}") from None
        return _read_outcome(parts)

    def has_ended(self) -> bool:
        """Whether it has ended while it had no call. It never sends anything then, so its connection tells, too."""
        return self._any is not None and bool(self._any.poll(0))

    def kill(self) -> None:
        """End it. Thread: any."""
        with contextlib.suppress(OSError):
            self._process.kill()

    def let_end(self) -> None:
        """Let it end. It has no call."""
        self._connection.close()

    def leave_to_parent(self) -> None:
        """Close the descriptors in the child of a fork, so that the process sees when the parent closes its own."""
        self._connection.close()
        if self._pidfd is not None:
            os.close(self._pidfd)
        pipes: Any = self._process._popen.finalizer  # it ignores calls in a child
        for descriptor in pipes._args:
            os.close(descriptor)
        pipes.cancel()

    def finish(self, timeout: float) -> None:
        """Wait until it has ended, and kill it after the time in seconds. Frees everything. Call it after `let_end`."""
        if self._join(timeout) is None:
            self.kill()
            self._join(None)
        popen: Any = self._process._popen
        popen.close()
        if self._pidfd is not None:
            os.close(self._pidfd)
            self._pidfd = None

    def _tell_news(self) -> None:
        """Tell it what has changed at home since its last call."""
        directory = None
        with contextlib.suppress(OSError):  # it has been removed
            directory = os.getcwd()
        told = (_core.home_version(), directory)
        if told == self._told:
            return
        variables = getattr(os.environ, "_data", None)  # None: other code has replaced os.environ
        settings = None
        if self._forwards:
            from . import _words_home  # imported here: it needs `logging`

            settings = _words_home.settings()
        news = (None if variables is None else dict(variables), directory, settings)
        wire.Message([memoryview(wire.plain(news))]).send(self._connection, wire.NEWS)
        self._told = told

    def _wait(self) -> None:
        """Wait until there is something to receive. Raises EOFError if the process has ended."""
        if self._any is None:
            return  # receiving waits, too
        for ready, _ in self._any.poll():
            if ready == self._descriptor:
                return
        raise EOFError

    def _wait_until_ready(self, name: str) -> None:
        try:
            self._wait()
            self._is_ready = self._connection.recv(1) == b"R"
        except (EOFError, OSError):
            self._is_ready = False
        if not self._is_ready:
            error = self._describe_end(f"ended before it could run {name}")
            raise _add_reason(error) if error.exitcode == 1 else error

    def _describe_end(self, what: str) -> ProcessEndedError:
        """Wait for its end, and return the exception for the call that it ran."""
        self.let_end()
        code = self._join(2 * _TIME_TO_END)
        error = ProcessEndedError(f"the process {what}: {_name_code(code)}")
        error.exitcode = code
        return error

    def _join(self, timeout: float | None) -> int | None:
        """Wait for its end. Return its exit code, or None if it is unknown."""
        if self._end is None:
            self._process.join(timeout)
        elif self._end.poll(None if timeout is None else timeout * 1000):
            self._process.join()
        code: int | None = self._process.exitcode
        return code


def _start(process: Any) -> None:
    try:
        process.start()
    except (EOFError, ConnectionError):  # the server of multiprocessing, which imports the script, has ended
        raise _add_reason(ProcessEndedError("no process can be started")) from None


def _add_reason(error: ProcessEndedError) -> ProcessEndedError:
    """Tell why a process that has not begun to serve has probably ended."""
    found = ProcessEndedError(
        f"{error}. Its traceback is in the output of this program. Each process imports the program's script, so the code "
        'that starts the work belongs under `if __name__ == "__main__":`'
    )
    found.exitcode = error.exitcode
    return found


def end(processes: Iterable[Process]) -> None:
    """Let processes that have no call end, all at the same time, and wait for them."""
    ending = list(processes)
    for process in ending:
        process.let_end()
    until = time.monotonic() + _TIME_TO_END
    for process in ending:
        process.finish(max(0.0, until - time.monotonic()))


def _script_to_run(path: str | None) -> str | None:
    """Return the program's script for a process that multiprocessing has not told of it.

    When a script has run, CPython deletes its `__file__`. This may happen while multiprocessing looks for it.
    """
    main = sys.modules.get("__main__")
    if main is None or getattr(main, "__spec__", None) is not None:
        return None
    if hasattr(main, "__file__"):
        found = _script.describe(main)
        return None if found is None else found[1]
    return os.path.abspath(path) if path is not None and os.path.isfile(path) else None


@contextlib.contextmanager
def _known_script(path: str | None) -> Iterator[None]:
    """Let multiprocessing find the program's script, if there is one that a process can run.

    When a script has run, CPython deletes its `__file__`. If there is none, multiprocessing would run what `__file__` names:
    `<stdin>` for a program on the standard input, or a notebook's or app's file, from which `__main__` has not come.
    """
    main: Any = sys.modules.get("__main__")
    if main is None or getattr(main, "__spec__", None) is not None:
        yield
    elif not hasattr(main, "__file__") and not _hiding:
        if path is not None:
            main.__file__ = path  # it stays: another thread may start a process now
        yield
    elif _script.describe(main) is not None:
        yield
    else:
        mine = object()
        _hiding.add(mine)
        _hide_file(main)
        try:
            yield
        finally:
            _hiding.discard(mine)
            if not _hiding and _hidden:
                main.__file__ = _hidden.pop()
            if _hiding:  # another start has begun in between
                _hide_file(main)


def _hide_file(main: Any) -> None:
    named = main.__dict__.pop("__file__", None)
    if named is not None:
        _hidden[:] = [named]


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
    _hiding.clear()
    _context.cache_clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _pass_word(parts: wire.Parts) -> None:
    """Have a log record, a warning or output handled, as one of a worker."""
    kind, content, packed, exception = wire.loads(parts)
    extra = None
    if packed is not None:
        with contextlib.suppress(Exception):  # a class is not available here
            extra = wire.loads([memoryview(packed)])
    _core.pass_word(kind, content, extra, None if exception is None else _core.decode_exception(exception))


def _read_outcome(parts: wire.Parts) -> tuple[bool, Any]:
    try:
        succeeded, content = wire.loads(parts)
    except Exception as error:
        raise _core.InterpreterError("the outcome could not be rebuilt in the main process") from error
    return succeeded, content if succeeded else _core.decode_exception(content)
