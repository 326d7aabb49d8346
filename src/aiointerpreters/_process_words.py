"""What a process says, and what it follows: the other half of `Process.run`, beside the calls and their outcomes.

Log records, warnings and output are caught by the parts of `_words_worker`, and go through the connection while a call runs.
"""

import contextlib
import os
import socket
import sys
import threading
import warnings
from collections import deque
from types import SimpleNamespace
from typing import Any

from . import _core, _words_worker
from . import _process_wire as wire
from ._options import LOGGING, OUTPUT

_MOST_WAITING = 10_000  # words of threads that go on after a call; further ones are dropped
_SHOWN = 30  # the level from which on `logging` shows records that no handler takes


class Link:
    """The connection to the main process. Thread: any, except as noted."""

    is_native = False

    def __init__(self, connection: socket.socket, forwards: int) -> None:
        self._connection = connection
        self._forwards = forwards
        self._owner = os.getpid()
        self._queue: deque[tuple[wire.Message, int]] = deque()  # words and outcomes, with their numbers
        self._turn = [None]  # empty: a thread is sending
        self._has_call = False
        self._has_ended = False
        self._settings: dict[str, Any] = {}
        self._variables: dict[Any, Any] | None = None

    def install(self) -> None:
        """Catch from now on what is to go home. Thread: the main one, before the first call."""
        if self._forwards:
            _words_worker.use(self)
        if self._forwards & LOGGING:
            _words_worker.install("warnings", warnings)
            if "logging" in sys.modules:
                _words_worker.install("logging", sys.modules["logging"])
            else:
                sys.meta_path.insert(0, SimpleNamespace(find_spec=_find_spec, watches_words=True))
        if self._forwards & OUTPUT:
            _words_worker.forward_output()

    def follow(self, parts: wire.Parts) -> None:
        """Apply what has changed at home. Thread: the main one, between calls."""
        variables, directory, settings = wire.loads(parts)
        if variables is not None:
            self._follow_variables(variables)
        if directory is not None:
            with contextlib.suppress(OSError):  # it has been removed since
                os.chdir(directory)
        if settings is not None:
            self._settings = settings
            _words_worker.follow_all(settings)

    def _follow_variables(self, variables: dict[Any, Any]) -> None:
        environ: Any = os.environ
        before = dict(environ._data) if self._variables is None else self._variables
        self._variables = variables
        for name in before.keys() - variables.keys():
            environ.pop(environ.decodekey(name), None)
        for name, value in variables.items():
            if before.get(name) != value:
                environ[environ.decodekey(name)] = environ.decodevalue(value)

    def begin(self) -> None:
        """A call begins: words go home at once, first those that have been waiting. Thread: the main one."""
        self._has_call = True
        self._send()

    def finish(self, outcome: wire.Message, number: int) -> None:
        """Send the outcome of a call, after its words. Later words wait for the next call. Thread: the main one."""
        self._queue.append((outcome, number))
        self._send()

    def _send(self) -> None:
        """Send what is queued. If another thread is sending, that one does it."""
        while self._has_call and self._queue:
            try:
                turn = self._turn.pop()
            except IndexError:
                return
            try:
                while self._has_call and self._queue:
                    message, number = self._queue.popleft()
                    self._has_call = number == wire.WORD
                    message.send(self._connection, number)
            finally:
                self._turn.append(turn)

    def end(self) -> None:
        """The main process wants no more of this one."""
        self._has_ended = True

    # ---- The way of `_words_worker`

    def settings(self, _: object) -> dict[str, Any]:
        return self._settings

    def post(
        self,
        kind: int,
        content: tuple[Any, ...],
        extra: dict[str, Any] | None = None,
        exception: BaseException | None = None,
    ) -> None:
        if self._has_ended or os.getpid() != self._owner:  # in a child that the function has forked
            _say_here(kind, content)
            return
        if kind == _words_worker.RECORD:
            extra = {"process": self._owner, "processName": threading.main_thread().name, **(extra or {})}
        packed = None if exception is None else _core.encode_exception(exception)
        message = wire.Message([memoryview(wire.plain((kind, content, _pack(extra), packed)))])
        if self._has_call or len(self._queue) < _MOST_WAITING:
            self._queue.append((message, wire.WORD))
        with contextlib.suppress(OSError):  # the main process is gone
            self._send()


def _find_spec(name: str, path: Any = None, target: Any = None) -> Any:
    return _words_worker.find_spec(name, path, target) if name == "logging" else None


def _pack(extra: dict[str, Any] | None) -> bytes | None:
    """Return the pickle of attributes. Values that cannot be pickled are replaced by their repr."""
    if extra is None:
        return None
    try:
        return wire.plain(extra)
    except Exception:
        return wire.plain({name: _picklable(value) for name, value in extra.items()})


def _picklable(value: object) -> object:
    try:
        wire.plain(value)
    except Exception:
        return repr(value)
    return value


def _say_here(kind: int, content: tuple[Any, ...]) -> None:
    """Write a word to the streams of this process."""
    name, text = "stderr", ""
    if kind == _words_worker.OUTPUT:
        name, text = content
    elif kind == _words_worker.WARNING:
        message, categories, path, line, _ = content
        text = f"{path}:{line}: {categories[0][1]}: {message}\n"
    elif (said := dict(zip(_core.record_fields(), content, strict=True)))["levelno"] >= _SHOWN:
        message, args = said["msg"], said["args"]
        with contextlib.suppress(Exception):  # as it is, if it cannot be formatted
            message = message % (args[0] if isinstance(args[0], dict) else args) if args else message
        text = f"{message}\n"
    stream = getattr(sys, f"__{name}__")
    if stream is not None and text:
        stream.write(text)
        stream.flush()
