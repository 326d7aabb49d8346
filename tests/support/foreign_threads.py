"""Uses of the extension `foreign` in workers. Workers import this by name."""

import ctypes
import importlib
import os
import threading
from typing import Any


def _extension() -> Any:
    return importlib.import_module("foreign")


def call_in_threads(count: int, forgets: bool = False, nested: bool = False) -> tuple[int, set[int], int]:
    """Let threads that Python has not created call Python.

    Returns this interpreter, the interpreters of the calls, and the number of calls.
    """
    foreign = _extension()
    seen = []
    for _ in range(count):
        foreign.call_in_thread(lambda: seen.append(foreign.interpreter()), forgets, nested)
    return foreign.interpreter(), set(seen), len(seen)


def call_with_own_states(count: int) -> tuple[int, set[int], int]:
    """The same with threads that create their thread states themselves. Returns the same."""
    foreign = _extension()
    seen: list[int] = []
    for _ in range(count):
        foreign.call_with_own_state(lambda: seen.append(foreign.interpreter()))
    return foreign.interpreter(), set(seen), len(seen)


def come_detached() -> bool:
    """Let the worker's own thread, and a thread that Python has started here, call Python like foreign threads."""
    foreign = _extension()
    found = [foreign.come_detached()]
    thread = threading.Thread(target=lambda: found.append(foreign.come_detached()))
    thread.start()
    thread.join()
    return found == [True, True]


def call_soon(count: int) -> tuple[int, set[int], int]:
    """Add pending calls and wait for them. Returns the same as above."""
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
    """Leave a pending call at the end of the interpreter."""
    _extension().call_soon(lambda: os.write(file, b"x"))


def leave_thread(file: int, told: int) -> None:
    """Leave a thread behind. It calls Python when `file` becomes readable, and writes to `told`."""
    foreign = _extension()
    foreign.call_later(lambda: os.write(told, b"x"), file)
    foreign.make_state_later(file)


def ask_later(asked: int, answer: int) -> str:
    """Start a thread that checks whether Python is there, each time `asked` becomes readable. Return its answer for now."""
    told: str = _extension().ask_later(asked, answer)
    return told


def leave_thread_inside(told: int, file: int, has_own_state: bool) -> None:
    """Leave a thread behind. It stays in Python until `file` becomes readable, and then writes to `told`."""
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
    """Let C code of the extension call Python when the process ends."""
    _extension().come_at_exit(in_destructor, has_own_state)


def stay_busy(entered: int) -> None:
    """Leave a thread that C has created in Python code that never ends."""

    def loop() -> None:
        os.write(entered, b"x")
        while True:
            pass

    _extension().call_later(loop, -1)


def constructed_in() -> tuple[int, int]:
    """Return this interpreter, and the interpreter that a call from the extension's constructor has reached."""
    foreign = _extension()
    return foreign.interpreter(), foreign.constructed_in()


def main_interpreter() -> tuple[int, int]:
    """Return this interpreter, and the interpreter that its copies get as the main interpreter."""
    foreign = _extension()
    return foreign.interpreter(), foreign.main_interpreter()


def call_by_ctypes(count: int) -> tuple[int, set[int], int]:
    """Let threads that C has created through ctypes call Python. Returns the same as above."""
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
