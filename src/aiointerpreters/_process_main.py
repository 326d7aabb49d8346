"""What the processes of an executor do: they receive calls, run them one after the other, and send their outcomes."""

import importlib
import signal
import socket
import traceback
from collections.abc import Callable
from contextvars import copy_context
from functools import lru_cache, partial, reduce
from typing import Any

from . import _process_wire as wire
from ._call_forms import call_in_form
from ._core import InterpreterError, interpreter


def serve(connection: socket.socket) -> None:
    """Serve until the main process closes the connection. The target of the process."""
    signal.signal(signal.SIGINT, _ignore)  # Ctrl-C reaches all processes of a terminal; the main one decides
    connection.sendall(b"R")
    while True:
        try:
            parts = wire.receive(connection)
        except (EOFError, OSError):
            return
        outcome = _run(parts)
        del parts
        try:
            wire.Message(outcome).send(connection)
        except OSError:
            return
        del outcome


def _ignore(*_: object) -> None:
    pass


def _run(parts: wire.Parts) -> wire.Parts:
    try:
        head = wire.loads(parts[:1])
        fn = _find(*head) if type(head) is tuple else head
        args, kwargs, in_rows, is_coroutine_function, values = wire.loads(parts[1:])
        del parts
        call = partial(call_in_form, fn, args, kwargs, in_rows, is_coroutine_function)
        if values is not None:
            from . import _context

            call = partial(_context.make(copy_context(), values).run, call)
        result = call()
    except BaseException as error:
        return _describe(error)
    try:
        return wire.dumps((True, result))
    except Exception as error:
        return _describe(error, "result: ")


@lru_cache(maxsize=1024)
def _find(module: str, name: str) -> Callable[..., Any]:
    found: Any = reduce(getattr, name.split("."), importlib.import_module(module))
    return found.fn if isinstance(found, interpreter) else found


def _describe(error: BaseException, prefix: str = "") -> wire.Parts:
    """Return the message for an exception: itself, if it can cross, and its text."""
    shown = error.__traceback__
    while shown is not None and shown.tb_frame.f_globals.get("__package__") == __package__:
        shown = shown.tb_next
    text = "".join(traceback.format_exception(type(error), error, shown if shown is not None else error.__traceback__))
    if prefix:
        return wire.dumps((False, None, f"{prefix}{type(error).__name__}: {error}", text))
    try:
        content = wire.dumps((False, error, None, text))
        wire.loads(content)
    except Exception:
        return wire.dumps((False, InterpreterError(f"{type(error).__qualname__}: {error}"), None, text))
    return content
