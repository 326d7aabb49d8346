"""What the processes of an executor do: they receive calls, run them one after the other, and send their outcomes."""

import contextlib
import importlib
import multiprocessing.spawn
import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from contextvars import copy_context
from functools import lru_cache, partial, reduce
from typing import Any

from . import _core, _process_words
from . import _process_wire as wire
from ._call_forms import call_in_form
from ._core import NotTransferableError, interpreter


def serve(connection: socket.socket, name: str, forwards: int, script: str | None) -> None:
    """Serve until the main process closes the connection. The target of the process, whose name is given.

    forwards: what goes home of what its functions say, as in `_options.forwards`. script: the program's, if it has one.
    """
    if script is not None and getattr(sys.modules["__main__"], "__file__", None) is None:
        multiprocessing.spawn._fixup_main_from_path(script)  # type: ignore[attr-defined]
    signal.signal(signal.SIGINT, _ignore)  # Ctrl-C reaches all processes of a terminal; the main one decides
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=connection.close)  # what a function forks does not answer
    _core.name_process(name)
    threading.main_thread().name = name
    owner = os.getpid()
    link = _process_words.Link(connection, forwards)
    link.install()
    receiver = wire.Receiver(connection)
    with contextlib.suppress(EOFError, OSError):  # the main process has closed the connection, or is gone
        connection.sendall(b"R")
        while True:
            number, parts = receiver.receive()
            if number == wire.NEWS:
                link.follow(parts)
                continue
            link.begin()
            outcome = _run(parts, owner)
            del parts
            link.finish(wire.Message(outcome), number)
            del outcome
    link.end()


def _ignore(*_: object) -> None:
    pass


def _run(parts: wire.Parts, owner: int) -> wire.Parts:
    try:
        head = wire.loads(parts[:1])
        fn = _find(*head) if type(head) is tuple else head
        args, kwargs, in_rows, is_coroutine_function, values = wire.loads(parts[1:])
        if in_rows and fn is head:
            from . import _process_rows

            assert isinstance(parts[0], memoryview)
            fn = _process_rows.fresh_for_each(bytes(parts[0]), calls_overlap=is_coroutine_function)
        del parts
        call = partial(call_in_form, fn, args, kwargs, in_rows, is_coroutine_function)
        if values is not None:
            from . import _context

            call = partial(_context.make(copy_context(), values).run, call)
        result = call()
    except BaseException as error:
        _leave_if_forked(owner, error)
        return _describe(error)
    _leave_if_forked(owner, None)
    try:
        return wire.dumps((True, result))
    except Exception as error:
        return _describe(_refusal(error))


def _leave_if_forked(owner: int, error: BaseException | None) -> None:
    """End this process if the function has forked it and has not ended it: only the one that got the call answers."""
    if os.getpid() == owner:
        return
    code = 0
    if error is not None:
        code = error.code if isinstance(error, SystemExit) and isinstance(error.code, int) else 1
        if not isinstance(error, SystemExit):
            traceback.print_exception(error)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # it was closed or replaced, and nothing more can be done
            continue
    os._exit(code)


@lru_cache(maxsize=1024)
def _find(module: str, name: str) -> Callable[..., Any]:
    found: Any = reduce(getattr, name.split("."), importlib.import_module(module))
    return found.fn if isinstance(found, interpreter) else found


def _describe(error: BaseException) -> wire.Parts:
    """Return the message for an exception. Its traceback is printed at home, without the frames of this package."""
    shown = error.__traceback__
    while shown is not None and shown.tb_frame.f_globals.get("__package__") == __package__:
        shown = shown.tb_next
    return wire.dumps((False, _core.encode_exception(error if shown is None else error.with_traceback(shown))))


def _refusal(error: BaseException) -> NotTransferableError:
    """Return the exception for a result that cannot cross. It has the traceback of the one that says why."""
    try:
        text = str(error)
    except Exception:
        text = "<exception str() failed>"  # as `traceback` says
    return NotTransferableError(f"result: {type(error).__name__}: {text}").with_traceback(error.__traceback__)
