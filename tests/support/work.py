"""Functions that the tests send to workers by reference.

Every interpreter imports its own copy of this module. Therefore `HERE` identifies an interpreter.
"""

import functools
import gc
import importlib
import os
import sys
import threading
import types
from collections.abc import Callable, Iterable
from typing import Any

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

HERE = os.urandom(8).hex()

_memory: dict[str, Any] = {}
_calls = 0


def here() -> str:
    """Name the interpreter that runs this."""
    return HERE


def here_and_thread(_: object = None) -> tuple[str, int, str]:
    """Name interpreter, thread id and thread name of this call."""
    return HERE, threading.get_ident(), threading.current_thread().name


def here_and_count(_: object = None) -> tuple[str, int]:
    """Name the interpreter and count the calls that ran in it."""
    global _calls
    _calls += 1
    return HERE, _calls


def nothing(*_args: object, **_kwargs: object) -> None:
    """Take any arguments and return None."""


def square(x: int) -> int:
    """Multiply a number by itself."""
    return x * x


def add(a: Any, b: Any, c: Any = 0) -> Any:
    """Add up."""
    return a + b + c


def divide(a: float, b: float) -> float:
    """Divide; fails for b == 0."""
    return a / b


def echo(value: Any) -> Any:
    """Return the argument."""
    return value


def echo_call(*args: Any, **kwargs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return all the arguments."""
    return args, kwargs


def describe(value: Any) -> tuple[str, str, str]:
    """The module, type name and repr of a value in this interpreter."""
    return type(value).__module__, type(value).__qualname__, repr(value)


def is_same(a: object, b: object) -> bool:
    """Return whether both are one object."""
    return a is b


def unraisable_hook_is_original() -> bool:
    """Return whether the hook for unraisable exceptions is unchanged."""
    return sys.unraisablehook is sys.__unraisablehook__


def remember(name: str, value: Any) -> None:
    """Keep a value in this interpreter."""
    _memory[name] = value


def recall(name: str) -> Any:
    """Return the value that `remember` kept in this interpreter, or None."""
    return _memory.get(name)


def extend_remembered(name: str, value: Any) -> None:
    """Append to a list that `remember` has kept in this interpreter."""
    _memory[name].append(value)


def length_of_remembered(name: str) -> int:
    """Return the length of what `remember` has kept in this interpreter."""
    return len(_memory[name])


def append_to(target: list[Any], value: Any) -> list[Any]:
    """Change the argument in place."""
    target.append(value)
    return target


def call(fn: Callable[..., Any], *args: Any) -> Any:
    """Call what was passed in."""
    return fn(*args)


def call_row(row: tuple[Any, ...]) -> Any:
    """Call the first argument with the others."""
    fn, *args = row
    return fn(*args)


def import_modules(names: Iterable[str]) -> list[str]:
    """Import modules by name. Return their `__name__`s."""
    return [importlib.import_module(name).__name__ for name in names]


def is_imported(name: str) -> bool:
    """Whether this interpreter has imported a module."""
    return name in sys.modules


def nested_list(depth: int) -> list[Any]:
    """Nested lists: `depth` lists around an empty one."""
    result: list[Any] = []
    for _ in range(depth):
        result = [result]
    return result


def depth_of(nested: Any) -> int:
    """The number of containers around the innermost one."""
    depth = 0
    while nested:
        nested = nested[0]
        depth += 1
    return depth


def write(fd: int, data: bytes = b".") -> None:
    """Leave a mark that home can read: pipes belong to the whole process."""
    os.write(fd, data)


def append_line(path: str, line: str) -> None:
    """Leave a mark in a file."""
    with open(path, "a", encoding="utf-8") as file:
        file.write(line + "\n")


def sum_of_squares(n: int) -> int:
    """Some work."""
    return sum(i * i for i in range(n))


def squares_in_own_pool(numbers: list[int]) -> tuple[list[int], set[str]]:
    """Create a pool in this interpreter. Return its results and the interpreters that they came from."""
    with InterpreterThreadPoolExecutor(2) as pool:
        places = {pool.submit(interpreter(here)).result() for _ in range(4)}
        return list(pool.map(interpreter(square), numbers)), places


def untagged_in_own_pool() -> bool:
    """Return whether an untagged function of a pool created here runs here."""
    with InterpreterThreadPoolExecutor(1) as pool:
        return pool.submit(here).result() == HERE


def leave_a_pool_behind() -> int:
    """Create a pool in this interpreter and never shut it down."""
    pool = InterpreterThreadPoolExecutor(1)
    _memory["pool"] = pool
    return pool.submit(interpreter(square), 5).result()


def start_thread_that_writes(fd: int) -> None:
    """Start a thread and do not wait for it."""
    threading.Thread(target=write, args=(fd,)).start()


@interpreter
def tagged_square(x: int) -> int:
    """Multiply a number by itself, tagged."""
    return x * x


@interpreter
def tagged_here() -> str:
    """Name the interpreter that runs this, tagged."""
    return HERE


@interpreter
def tagged_factorial(n: int) -> int:
    """Call itself through its own tagged name."""
    return 1 if n < 2 else n * tagged_factorial(n - 1)


@functools.lru_cache
def cached_square(x: int) -> int:
    """A function behind another decorator."""
    return x * x


def a_date() -> str:
    """Import datetime where this runs."""
    import datetime

    return str(datetime.date(2024, 2, 29))


def at_exit(path: str, line: str) -> None:
    """Leave a mark in a file when this interpreter ends."""
    import atexit

    atexit.register(append_line, path, line)


def count_functions(name: str) -> int:
    """The number of living functions of this name in this interpreter."""
    gc.collect()
    return sum(1 for found in gc.get_objects() if isinstance(found, types.FunctionType) and found.__name__ == name)


def in_a_thread() -> threading.Thread:
    """The thread that runs this."""
    return threading.current_thread()


def mark(obj: object) -> None:
    """Give an object one more mark."""
    attributes = vars(obj)
    attributes["marks"] = [*attributes.get("marks", ()), len(attributes)]
