"""A module that no worker can import, like one that needs an extension that refuses interpreters, and one that dies."""

import _interpreters
import os
import signal
import sys
import threading
import time
import warnings
from contextvars import ContextVar
from typing import Any, Never

from aiointerpreters import TaskInterrupted
from support import gate

if _interpreters.get_current()[0] != _interpreters.get_main()[0]:
    raise ImportError("module only_home does not support loading in subinterpreters")

level: ContextVar[str] = ContextVar("level", default="low")


class Thing:
    """An object of a class that workers cannot import."""

    def __init__(self, size: int) -> None:
        self.size = size

    def doubled(self) -> int:
        """A method."""
        return self.size * 2


def place(_: object = None) -> tuple[int, str]:
    """The process and the thread of this call."""
    return os.getpid(), threading.current_thread().name


def process(_: object = None) -> int:
    """The process of this call."""
    return os.getpid()


def add(a: int, b: int = 0) -> int:
    """Add up."""
    return a + b


async def process_in_loop(_: object = None) -> int:
    """The process of this call of a coroutine function."""
    return os.getpid()


def current_level() -> str:
    """The value of the context variable."""
    return level.get()


def fail(text: str) -> Never:
    """Raise an exception that says this."""
    raise ValueError(text)


def hold(ends: gate.Ends) -> Any:
    """Pass a gate."""
    return gate.hold(ends)


def die(number: int) -> None:
    """End this process by a signal."""
    os.kill(os.getpid(), number)
    while True:
        signal.pause()


def leave(code: int) -> None:
    """End this process without any clean-up."""
    os._exit(code)


def sleep_after(fd: str) -> None:
    """Write to a named pipe, then sleep for long."""
    with open(fd, "w", encoding="ascii") as file:
        file.write("here\n")
    time.sleep(1000)


def interrupted() -> Never:
    """Raise what an interrupt raises."""
    raise TaskInterrupted


def pause() -> None:
    """Wait for ever."""
    while True:
        signal.pause()


def fork(error: Exception | None = None) -> int:
    """Fork, and return in both processes, or raise this in the child."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0 and error is not None:
        sys.stderr = open(os.devnull, "w", encoding="ascii")  # noqa: SIM115 - its traceback is expected
        raise error
    return child


def exit_code_of(child: int) -> int:
    """Wait for the end of a child process."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def refuse(argument: object) -> Never:
    """Raise an exception whose traceback leads to the argument."""
    raise ValueError(type(argument))


class Rebuilt(Exception):
    """An exception that becomes something else when it is pickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return str, ("no exception",)


def raise_rebuilt() -> Never:
    """Raise it."""
    raise Rebuilt("text")


class WithoutText(Exception):
    """An exception that has no text, and cannot be pickled."""

    def __str__(self) -> str:
        raise ValueError

    def __reduce__(self) -> Never:
        raise TypeError


def raise_without_text() -> Never:
    """Raise it."""
    raise WithoutText
