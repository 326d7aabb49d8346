"""Checked by mypy --strict, never run: the public names as type checkers see them."""

import asyncio
import concurrent.futures
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import aclosing
from functools import partial
from typing import Any, Literal, assert_type

from aiointerpreters import (
    Current,
    InterpreterError,
    InterpreterThreadPoolExecutor,
    NotTransferableError,
    Runner,
    RunnerError,
    Shareable,
    as_completed,
    current,
    interpreter,
    wait,
)
from aiointerpreters.executors import Future
from aiointerpreters.executors import InterpreterThreadPoolExecutor as FromExecutors
from aiointerpreters.executors import interpreter as tag_from_executors
from aiointerpreters.runner import ModuleInfo, get_module_info
from aiointerpreters.types import RunFuture
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
interpreter(5)  # type: ignore[call-overload]
interpreter()  # type: ignore[call-overload]


@interpreter(fallback="process")
def flexible(a: int, *, b: str = "") -> float:
    return a / 2


assert_type(flexible(1, b="x"), float)
assert_type(interpreter(plain, fallback="thread")("a", count=2), list[str])
assert_type(interpreter(lane="process")(plain)("a", count=2), list[str])
assert_type(interpreter(fallback="thread", lane="interpreter")(plain)("a", count=2), list[str])
assert_type(interpreter.with_context(fallback="thread")(plain)("a", count=2), list[str])
interpreter.with_context(lane="elsewhere")  # type: ignore[arg-type]
interpreter(plain, fallback="elsewhere")  # type: ignore[call-overload]

# Where code runs.
assert_type(current(), Current)
assert_type(current().where, Literal["home", "thread", "interpreter", "process"])
assert_type(current().worker, str | None)
assert_type(current().interpreter, int | None)
assert_type(interpreter(current)(), Current)

as_callable: Callable[[str, int], list[str]] = interpreter(plain)
wrong: Callable[[int], str] = interpreter(plain)  # type: ignore[assignment]


def is_tagged(fn: object) -> bool:
    return isinstance(fn, interpreter)


# The executor.
pool = InterpreterThreadPoolExecutor(4, "prefix", print, ("ready",), max_interpreters=2)
assert_type(pool.submit(flexible, 1).result(), float)
assert_type(pool.submit(flexible, 1).lane, Literal["interpreter", "thread", "process"])
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

# Values that cross without pickle.
shareable: Shareable = {"rows": [1, 2.5, ("a", b"b", None, True, {1j}, frozenset(("x",)))], 3: bytearray()}
shareable_too: FromTypes = [shareable, shareable]

# Errors.
error: InterpreterError = NotTransferableError("argument 0: generator objects cannot cross interpreters")
type_error: TypeError = NotTransferableError("result")


# The runner.
def add3(one: int, two: str, three: float) -> complex:
    return one + len(two) + three


async def fetch(url: str, *, tries: int = 1) -> bytes:
    return url.encode() * tries


type Gathered = tuple[list[str], list[str], float]


async def use_runner(urls: AsyncIterator[str]) -> None:
    run_future: RunFuture[float] = pool.run(scale, 1, by=3.0)
    assert_type(await pool.run(plain, "a", count=3), list[str])
    with Runner(workers=4).start() as started:
        assert_type(started, Runner)
    with Runner(workers=4) as entered:
        assert_type(entered, Runner)
    assert_type(await asyncio.create_task(pool.run(scale, 1)), float)
    assert_type(await asyncio.gather(pool.run(scale, 1), pool.run(plain, "a")), tuple[float, list[str]])
    assert_type(await asyncio.wait_for(pool.run(scale, 1), 1), float)
    assert_type(await asyncio.shield(pool.run(scale, 1)), float)
    done, _ = await asyncio.wait({asyncio.ensure_future(pool.run(scale, 1))})
    assert_type(done.pop().result(), float)
    other = asyncio.run_coroutine_threadsafe(pool.run(scale, 1), asyncio.get_running_loop())
    assert_type(other.result(), float)
    assert_type(asyncio.run(pool.run(scale, 1)), float)
    assert_type(asyncio.Runner().run(pool.run(plain, "a")), list[str])
    async with Runner(workers=2) as runner:
        assert_type(runner, Runner)
        assert_type(runner.workers, int)
        assert_type(await run_future, float)

        wrapped = runner.wrap(plain)
        assert_type(await runner.run(scale, 1, by=3.0), float)
        assert_type(await runner.run(plain, "a", count=3), list[str])
        assert_type(await runner.run(Point, 1, y=2), Point)
        assert_type(await asyncio.wait_for(runner.run(plain, "a"), 1), list[str])
        assert_type(await asyncio.create_task(runner.run(plain, "a")), list[str])
        assert_type(await asyncio.gather(runner.run(plain, "a"), wrapped("a"), runner.run(scale, 1)), Gathered)
        await runner.run(scale, "1")  # type: ignore[call-overload]
        await runner.run(plain, "a", 1, 2)  # type: ignore[call-overload]
        await runner.run(5)  # type: ignore[call-overload]
        assert_type(await wrapped("a", count=3), list[str])
        assert_type(await runner.wrap(scale)(1, by=2.0), float)
        await wrapped(1)  # type: ignore[arg-type]
        await wrapped("a", of=3)  # type: ignore[call-arg]
        as_before: Callable[[str, int], Coroutine[Any, Any, list[str]]] = runner.wrap(plain)
        assert_type(await as_before("a", 3), list[str])

        @runner.wrap
        def decorated(count: int) -> str:
            return "a" * count

        assert_type(await decorated(3), str)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(decorated(3), name="decorated")
        assert_type(task.result(), str)

        assert_type(await runner.run(fetch, "url", tries=2), bytes)
        assert_type(await runner.wrap(fetch)("url"), bytes)
        assert_type(await pool.run(fetch, "url"), bytes)

        assert_type(get_module_info(plain), ModuleInfo)
        assert_type(await runner.run_module_function(get_module_info(plain), "a", count=3), Any)
        await runner.run_module_function(("module", "math", "gcd"), 12, 18)
        await runner.run_module_function(("path", "file.py", "fn"))
        await runner.run_module_function(("file", "file.py", "fn"))  # type: ignore[arg-type]
        await runner.run_module_function(("module", "math"))  # type: ignore[arg-type]

        async for number in runner.map(scale, [1, 2], limit=3, ordered=False):
            assert_type(number, float)
        async for rows in runner.map(plain, urls):
            assert_type(rows, list[str])
        async for content in runner.map(fetch, urls):
            assert_type(content, bytes)
        async for row in runner.map(plain, urls, [1, 2]):
            assert_type(row, list[str])
        async for total in runner.map(add3, [1], urls, [2.0]):
            assert_type(total, complex)
        runner.map(plain, urls, ["a"])  # type: ignore[arg-type]
        async with aclosing(runner.map(plain, urls)) as results:
            assert_type(await anext(results), list[str])
        runner.map(plain, [1])  # type: ignore[arg-type]
        runner.map(plain, 5)  # type: ignore[call-overload]
        runner.map(plain, ["a"], 3)  # type: ignore[call-overload]
        runner.map(plain, ["a"], limit="3")  # type: ignore[call-overload]
    Runner()  # type: ignore[call-arg]
    Runner(workers="2")  # type: ignore[arg-type]
    Runner(2)  # type: ignore[call-arg, misc, unused-ignore]
    pool.set_as_event_loop_default()
    pool.set_as_event_loop_default(asyncio.get_running_loop())
    pool.set_as_event_loop_default(asyncio.Runner())
    pool.set_as_event_loop_default(5)  # type: ignore[arg-type]


runner_error: InterpreterError = RunnerError("not started")


def waits(futures: list[Future[int]]) -> None:
    done, not_done = wait(futures, timeout=1, return_when=concurrent.futures.FIRST_COMPLETED)
    assert_type(done, set[Future[int]])
    assert_type(not_done.pop().interrupt(), bool)
    for future in as_completed(futures, timeout=1):
        assert_type(future, Future[int])
        assert_type(future.interrupt(), bool)
    others: list[concurrent.futures.Future[str]] = []
    assert_type(wait(others).done, set[concurrent.futures.Future[str]])
