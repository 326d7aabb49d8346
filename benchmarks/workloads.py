"""Functions that workers call in the benchmarks. They import little, so imports do not count in memory and start-up.

Workers import this module by its name. It imports only modules that a fresh interpreter has already loaded.
"""

import _thread
import os
import sys


def noop() -> None:
    """Does nothing, so only the round trip is measured."""


def echo[T](value: T) -> T:
    """Returns its argument, so only the round trip of the value is measured."""
    return value


def ignore(value: object) -> None:
    """Takes an argument and does nothing, so only the cost of a call in a batch is measured."""


def fail() -> None:
    """Raises, so only the transport of an exception is measured."""
    raise ValueError("failed")


def fail_with_chain(length: int) -> None:
    """Raises an exception with `length` causes, each the cause of the next."""
    error = ValueError(0)
    for n in range(length):
        cause, error = error, ValueError(n)
        error.__cause__ = cause
    raise error


def sum_of_squares(stop: int) -> int:
    """Returns the sum of the squares of 0 .. `stop` - 1. Pure Python that never releases its GIL voluntarily."""
    total = 0
    for number in range(stop):
        total += number * number
    return total


def who(stop: int) -> tuple[int, int]:
    """Computes, and returns the identity of its worker: the process, and the address of the interpreter's module table."""
    sum_of_squares(stop)
    return os.getpid(), id(sys.modules)


def attend(arrivals: int, leave: int) -> tuple[int, int]:
    """Reports at the pipe end `arrivals`, waits at the pipe end `leave`, and returns its identity (see `meeting.py`).

    Returns the address of the interpreter's module table and the operating system's id of the thread. Both are unique among
    interpreters and threads that are alive at the same time.
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
"""Modules of the standard library. Some are extension modules."""


def import_modules(names: list[str]) -> int:
    """Imports the modules and returns their number."""
    return len([__import__(name) for name in names])


def loop(arrivals: int) -> None:
    """Reports at the pipe end `arrivals`, then does nothing forever."""
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
    import asyncio  # imported here, because only interpreters with an event loop need it

    global _waiting
    _waiting += 1
    try:
        await asyncio.get_running_loop().create_future()
    finally:
        _waiting -= 1


async def until_waiting(count: int) -> None:
    """Returns when this number of `wait_for_ever` calls wait in this interpreter."""
    import asyncio

    while _waiting != count:  # noqa: ASYNC110  an event would add a cost to each call
        await asyncio.sleep(0.001)
