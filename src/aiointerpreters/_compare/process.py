"""The command's side of a host process: starts it, sends requests, detects that it died or hangs, and ends it."""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import IO, Any, Self

from .._child_process import name_of_signal, python_options
from .target import WrongTargetError

_MOST_SAID = 1 << 16  # bytes that are kept from the end of a program's stderr
_GRACE = 5.0  # seconds that a process has to end by itself


class PoolProblemError(Exception):
    """This pool cannot run the function; the text says why."""


class Process:
    """A host process, which ends with the `with` block, and with this process in whatever way that ends."""

    def __init__(self, name: str, workers: int, extensions: str | None, path: Sequence[str], folder: str) -> None:
        self._talk, theirs = socket.socketpair()
        lifeline, self._lifeline = os.pipe()
        settings = {
            "name": name,
            "workers": workers,
            "extensions": extensions,
            "socket": theirs.fileno(),
            "lifeline": lifeline,
            "path": list(path),
        }
        self._buffer = b""
        source = f"from aiointerpreters._compare.host import main; main({settings!r})"
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, *python_options(), "-c", source],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,  # the output of the function
                stderr=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(path), "TMPDIR": folder},
                pass_fds=(theirs.fileno(), lifeline),
                start_new_session=True,  # so Ctrl-C reaches only the command, which ends all processes
            )
        os.close(lifeline)
        assert self._process.stderr is not None
        self._said = _Tail(self._process.stderr)

    def ask(self, what: str, timeout: float, **request: Any) -> dict[str, Any]:
        """Have the host do something and return its answer.

        Raises PoolProblemError if the host cannot do it, dies, or does not answer within `timeout` seconds. It ends then.
        Raises WrongTargetError if there is nothing to measure.
        """
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # reading the answer reports it
            self._talk.sendall(json.dumps({"do": what, **request}).encode() + b"\n")
        line = self._read_line(timeout)
        if line is None:
            self._end()
            raise PoolProblemError(f"no answer for {timeout:.0f} seconds")
        if not line:
            raise PoolProblemError(self._how_it_died())
        answer: dict[str, Any] = json.loads(line)
        if "wrong" in answer:
            raise WrongTargetError(answer["wrong"])
        if "problem" in answer:
            raise PoolProblemError(answer["problem"])
        found: dict[str, Any] = answer["ok"]
        return found

    def _read_line(self, timeout: float) -> bytes | None:
        """Return the next line, an empty one if the other side has ended, None if it takes too long."""
        deadline = time.monotonic() + timeout
        while b"\n" not in self._buffer:
            ready, _, _ = select.select(
                [self._talk], [], [], min(max(0.0, deadline - time.monotonic()), threading.TIMEOUT_MAX)
            )
            if not ready:
                return None
            try:
                received = self._talk.recv(1 << 16)
            except ConnectionResetError:
                received = b""
            if not received:
                return b""
            self._buffer += received
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def end(self) -> None:
        """Ask the host to shut its pool down and end. End it if it does not."""
        with contextlib.suppress(PoolProblemError):
            self.ask("end", _GRACE)
        with contextlib.suppress(OSError):
            self._talk.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_GRACE)

    def _how_it_died(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_GRACE)
        self._end()
        code = self._process.returncode
        lines = self._said.read().strip().splitlines()
        words = f": {lines[-1]}" if lines else ""
        if code < 0:
            return f"it killed the whole program ({name_of_signal(-code)}){words}"
        return f"it ended the whole program (exit status {code}){words}"

    def _end(self) -> None:
        """End the host and the processes that it has started.

        SIGTERM first: multiprocessing's resource tracker outlives it, and cleans up.
        """
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_GRACE)
                break

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end()
        self._talk.close()
        os.close(self._lifeline)
        self._said.read()


class _Tail:
    """The end of what a program and its children write to a pipe. A thread reads all of it, so they never wait for long."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._kept = b""
        self._thread = threading.Thread(target=self._follow, args=(pipe,), daemon=True)
        self._thread.start()

    def read(self) -> str:
        """Return it. Waits a moment for the end of the program."""
        self._thread.join(_GRACE)
        return self._kept.decode(errors="replace")

    def _follow(self, pipe: IO[bytes]) -> None:
        with pipe:
            while received := os.read(pipe.fileno(), _MOST_SAID):
                self._kept = (self._kept + received)[-_MOST_SAID:]
