"""What the extension `foreign` does in workers. Workers import this by name."""

import importlib
import os
import threading
from typing import Any


def _extension() -> Any:
    return importlib.import_module("foreign")


def call_in_threads(count: int, forgets: bool = False, nested: bool = False) -> tuple[int, set[int], int]:
    """Be called by threads that are not Python's.

    Returns this interpreter, those in which the calls were, and how many calls there were.
    """
    foreign = _extension()
    seen = []
    for _ in range(count):
        foreign.call_in_thread(lambda: seen.append(foreign.interpreter()), forgets, nested)
    return foreign.interpreter(), set(seen), len(seen)


def come_detached() -> bool:
    """Have the worker's own thread come as foreign ones do, and one that Python has started here."""
    foreign = _extension()
    found = [foreign.come_detached()]
    thread = threading.Thread(target=lambda: found.append(foreign.come_detached()))
    thread.start()
    thread.join()
    return found == [True, True]


def call_soon(count: int) -> tuple[int, set[int], int]:
    """Have calls pending, and wait for them; the same results as above."""
    foreign = _extension()
    seen: list[int] = []
    done = threading.Event()

    def note() -> None:
        seen.append(foreign.interpreter())
        if len(seen) == count:
            done.set()

    added = [foreign.call_soon(note) for _ in range(count)]
    assert added == [0] * count
    done.wait()
    return foreign.interpreter(), set(seen), len(seen)


def leave_pending(file: int) -> None:
    """Have a call pending when the interpreter ends."""
    _extension().call_soon(lambda: os.write(file, b"x"))


def leave_thread(file: int, told: int) -> None:
    """Leave a thread behind that comes when `file` can be read, and writes to `told`."""
    _extension().call_later(lambda: os.write(told, b"x"), file)


def leave_thread_inside(told: int, file: int) -> None:
    """Leave a thread behind that is inside until `file` can be read, and writes to `told` before and after."""
    entered = threading.Event()

    def stay() -> None:
        entered.set()
        os.read(file, 1)
        os.write(told, b"x")

    _extension().call_later(stay, -1)
    entered.wait()


def main_interpreter() -> tuple[int, int]:
    """Return this interpreter, and which one its copies take for the main one."""
    foreign = _extension()
    return foreign.interpreter(), foreign.main_interpreter()
