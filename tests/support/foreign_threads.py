"""What the extension `foreign` does in workers. Workers import this by name."""

import ctypes
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


def call_with_own_states(count: int) -> tuple[int, set[int], int]:
    """Be called by threads that make their thread states themselves; the same results as above."""
    foreign = _extension()
    seen: list[int] = []
    for _ in range(count):
        foreign.call_with_own_state(lambda: seen.append(foreign.interpreter()))
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
    foreign = _extension()
    foreign.call_later(lambda: os.write(told, b"x"), file)
    foreign.make_state_later(file)


def ask_later(asked: int, answer: int) -> str:
    """A thread asks whether Python is there, each time that `asked` can be read; return what this one is told."""
    told: str = _extension().ask_later(asked, answer)
    return told


def leave_thread_inside(told: int, file: int, has_own_state: bool) -> None:
    """Leave a thread behind that is inside until `file` can be read, and writes to `told` then."""
    entered = threading.Event()

    def stay() -> None:
        entered.set()
        os.read(file, 1)
        os.write(told, b"x")

    if has_own_state:
        _extension().call_later_with_own_state(stay)
    else:
        _extension().call_later(stay, -1)
    entered.wait()


def come_at_exit(in_destructor: bool, has_own_state: bool) -> None:
    """Have C code of the extension come here when the process ends."""
    _extension().come_at_exit(in_destructor, has_own_state)


def stay_busy(entered: int) -> None:
    """Leave a thread of C's inside that runs Python code for ever."""

    def loop() -> None:
        os.write(entered, b"x")
        while True:
            pass

    _extension().call_later(loop, -1)


def constructed_in() -> tuple[int, int]:
    """This interpreter, and the one that calls from the extension's constructor came to."""
    foreign = _extension()
    return foreign.interpreter(), foreign.constructed_in()


def main_interpreter() -> tuple[int, int]:
    """Return this interpreter, and which one its copies take for the main one."""
    foreign = _extension()
    return foreign.interpreter(), foreign.main_interpreter()


def call_by_ctypes(count: int) -> tuple[int, set[int], int]:
    """Be called by threads that ctypes has C start; the same results as above."""
    foreign = _extension()
    seen: list[int] = []

    def note(_: object) -> int:
        seen.append(foreign.interpreter())
        return 0

    library = ctypes.CDLL(None)
    callback = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)(note)
    for _ in range(count):
        thread = ctypes.c_ulong()
        assert library.pthread_create(ctypes.byref(thread), None, callback, None) == 0
        library.pthread_join(thread, None)
    return foreign.interpreter(), set(seen), len(seen)
