"""What the benchmarks let workers do. Light on purpose: memory and start-up shall measure the engine and not imports.

Workers import this module by its name; it imports nothing that a fresh interpreter has not loaded already.
"""

import _thread
import os
import sys


def noop() -> None:
    """Does nothing: what is left to measure is the way there and back."""


def echo[T](value: T) -> T:
    """Returns what it got: what is left to measure is the way of the value there and back."""
    return value


def ignore(value: object) -> None:
    """Takes something and does nothing: what is left to measure is one call of a batch."""


def fail() -> None:
    """Raises: what is left to measure is the way of an exception."""
    raise ValueError("failed")


def fail_with_chain(length: int) -> None:
    """Raises an exception with `length` causes, each the cause of the next."""
    error = ValueError(0)
    for n in range(length):
        cause, error = error, ValueError(n)
        error.__cause__ = cause
    raise error


def sum_of_squares(stop: int) -> int:
    """Returns the sum of the squares of 0 .. `stop` - 1; pure Python that never lets go of its GIL."""
    total = 0
    for number in range(stop):
        total += number * number
    return total


def who(stop: int) -> tuple[int, int]:
    """Computes, and returns who did it: the process, and the interpreter in it or rather its module table."""
    sum_of_squares(stop)
    return os.getpid(), id(sys.modules)


def attend(arrivals: int, leave: int) -> tuple[int, int]:
    """Reports at the pipe end `arrivals`, waits at the pipe end `leave`, and says who it was (see `meeting.py`).

    Returns the address of the interpreter's module table and the operating system's id of the thread. Among
    interpreters that live at the same time, and among such threads, both are unique.
    """
    os.write(arrivals, b".")
    os.read(leave, 1)
    return id(sys.modules), _thread.get_native_id()


MODULES = [
    "argparse",
    "array",
    "asyncio",
    "base64",
    "bisect",
    "calendar",
    "cmath",
    "collections",
    "concurrent.futures",
    "csv",
    "ctypes",
    "dataclasses",
    "datetime",
    "decimal",
    "email",
    "fractions",
    "hashlib",
    "heapq",
    "http.client",
    "json",
    "logging",
    "multiprocessing",
    "pickle",
    "queue",
    "random",
    "re",
    "sqlite3",
    "ssl",
    "statistics",
    "struct",
    "tempfile",
    "unicodedata",
    "xml.etree.ElementTree",
    "zlib",
    "zoneinfo",
]
"""Modules of the standard library, with extension modules among them."""


def import_modules(names: list[str]) -> int:
    """Imports the modules; returns their number."""
    return len([__import__(name) for name in names])


def loop(arrivals: int) -> None:
    """Reports at the pipe end `arrivals`, then does nothing for ever."""
    os.write(arrivals, b".")
    while True:
        pass


def sleep(arrivals: int) -> None:
    """Reports at the pipe end `arrivals`, then sleeps again and again."""
    from time import sleep

    os.write(arrivals, b".")
    while True:
        sleep(0.001)


_waiting = 0


async def wait_for_ever() -> None:
    """Waits to be cancelled."""
    import asyncio  # here: whoever calls this has it

    global _waiting
    _waiting += 1
    try:
        await asyncio.get_running_loop().create_future()
    finally:
        _waiting -= 1


async def until_waiting(count: int) -> None:
    """Returns when so many calls of `wait_for_ever` wait in this interpreter."""
    import asyncio

    while _waiting != count:  # noqa: ASYNC110  an event would cost each call something
        await asyncio.sleep(0.001)
