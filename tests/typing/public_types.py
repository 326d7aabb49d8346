"""Checked by mypy --strict, never run: what type checkers see of the public names."""

import concurrent.futures
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from typing import Any, assert_type

from aiointerpreters import (
    InterpreterError,
    InterpreterThreadPoolExecutor,
    NotTransferableError,
    Shareable,
    interpreter,
)
from aiointerpreters.executors import Future
from aiointerpreters.executors import InterpreterThreadPoolExecutor as FromExecutors
from aiointerpreters.executors import interpreter as tag_from_executors
from aiointerpreters.types import Shareable as FromTypes


@interpreter
def scale(x: int, /, *, by: float = 2.0) -> float:
    return x * by


def plain(name: str, count: int = 1) -> list[str]:
    return [name] * count


class Shape:
    @interpreter
    def scaled(self, factor: int) -> float:
        return 1.0 * factor

    @staticmethod
    @interpreter
    def outside(factor: int) -> str:
        return str(factor)


class Point:
    def __init__(self, x: int, y: int) -> None: ...


# Calling: the signature is kept, wrong calls are errors.
assert_type(scale(1), float)
assert_type(scale(1, by=3.0), float)
scale("1")  # type: ignore[arg-type]
scale(1, 3.0)  # type: ignore[call-arg, misc, arg-type, unused-ignore]
scale(1, of=3.0)  # type: ignore[call-arg]
assert_type(scale.fn(1, by=1.0), float)
assert_type(interpreter(plain)("a", count=2), list[str])
assert_type(interpreter(Point)(1, y=2), Point)
assert_type(interpreter(len)([1]), int)
assert_type(interpreter(partial(plain, "a"))(count=3), list[str])
assert_type(Shape().scaled(2), float)
assert_type(Shape.scaled(Shape(), 2), float)
assert_type(Shape.outside(2), str)
interpreter(5)  # type: ignore[arg-type]
interpreter()  # type: ignore[call-arg]

as_callable: Callable[[str, int], list[str]] = interpreter(plain)
wrong: Callable[[int], str] = interpreter(plain)  # type: ignore[assignment]


def is_tagged(fn: object) -> bool:
    return isinstance(fn, interpreter)


# The executor.
pool = InterpreterThreadPoolExecutor(4, "prefix", print, ("ready",), max_interpreters=2)
InterpreterThreadPoolExecutor(max_workers=None, thread_name_prefix="", initializer=None, initargs=())
InterpreterThreadPoolExecutor(initializer=interpreter(print), initargs=("ready",))
InterpreterThreadPoolExecutor("4")  # type: ignore[arg-type, call-overload, unused-ignore]
original: ThreadPoolExecutor = pool
executor: Executor = pool

assert_type(pool.submit(scale, 1, by=3.0), Future[float])
assert_type(pool.submit(plain, "a", count=3), Future[list[str]])
assert_type(pool.submit(interpreter(plain), "a"), Future[list[str]])
assert_type(pool.submit(partial(scale, 1)), Future[float])
assert_type(pool.submit(Shape().scaled, 2), Future[float])
assert_type(pool.submit(scale, 1).result(timeout=1), float)
assert_type(pool.submit(scale, 1).interrupt(), bool)
standard: concurrent.futures.Future[float] = pool.submit(scale, 1)
pool.submit(scale, "1")  # type: ignore[arg-type]
pool.submit(plain, 1)  # type: ignore[arg-type]
pool.submit()  # type: ignore[call-arg]

assert_type(pool.map(scale, [1, 2]), Iterator[float])
assert_type(pool.map(plain, ["a"], [1]), Iterator[list[str]])
assert_type(pool.map(scale, [1, 2], timeout=1.5, chunksize=10, buffersize=3), Iterator[float])
assert_type(pool.map(scale, [1, 2], timeout=None, buffersize=None), Iterator[float])
pool.map(scale, 5)  # type: ignore[arg-type]

pool.shutdown(wait=False, cancel_futures=True)
with InterpreterThreadPoolExecutor(1) as entered:
    assert_type(entered, InterpreterThreadPoolExecutor)

same_tag: type[interpreter[..., Any]] = tag_from_executors
same_pool: type[InterpreterThreadPoolExecutor] = FromExecutors

# What crosses without pickle.
shareable: Shareable = {"rows": [1, 2.5, ("a", b"b", None, True, {1j}, frozenset(("x",)))], 3: bytearray()}
shareable_too: FromTypes = [shareable, shareable]

# Errors.
error: InterpreterError = NotTransferableError("argument 0: generator objects cannot cross interpreters")
type_error: TypeError = NotTransferableError("result")
