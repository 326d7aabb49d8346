"""Which functions a fallback moves together, how their calls are counted, and what can stop them."""

import asyncio
import functools
import operator
import threading
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from aiointerpreters import (
    FallbackWarning,
    InterpreterThreadPoolExecutor,
    TaskInterrupted,
    current,
    interpreter,
)
from support.protocols import MakePool

LOCK = threading.Lock()  # cannot cross


@functools.lru_cache
def one(_: object) -> str:
    """Tell where this runs."""
    return current().where


@functools.lru_cache
def another(_: object) -> str:
    """Tell the same."""
    return current().where


class Callable1:
    """Objects that can be called."""

    def __call__(self, _: object) -> str:
        return current().where

    def method(self, _: object) -> str:
        """Tell where this runs."""
        return current().where


class Pair(NamedTuple):
    """A tuple that can be called."""

    first: int
    second: int

    def __call__(self, _: object) -> str:
        return current().where


def plain(_: object) -> str:
    """Tell where this runs."""
    return current().where


class Endless:
    """Answers every question with another wrapper."""

    def __getattr__(self, name: str) -> Any:
        if name == "__wrapped__":
            return Endless()
        raise AttributeError(name)

    def __call__(self, _: object) -> str:
        return current().where


class Failing(Endless):
    """Fails when it is asked what it wraps."""

    def __getattr__(self, name: str) -> Any:
        if name == "__wrapped__":
            raise ValueError(name)
        raise AttributeError(name)


class Circular(Endless):
    """Wraps itself."""

    def __init__(self) -> None:
        self.__wrapped__ = self


@pytest.mark.parametrize("wrapper", [Endless(), Failing(), Circular()], ids=lambda one: type(one).__name__)
def test_strange_wrappers_can_have_a_fallback(make_pool: MakePool, wrapper: Any) -> None:
    pool = make_pool(1, fallback="thread")
    assert pool.submit(interpreter(wrapper), 1).result() == "interpreter"
    with pytest.warns(FallbackWarning, match=type(wrapper).__name__):
        assert pool.submit(interpreter(wrapper), LOCK).result() == "thread"


@pytest.mark.filterwarnings("ignore::aiointerpreters.FallbackWarning")
class TestTogether:
    """Calls of one function are moved together, those of others are not."""

    @pytest.mark.parametrize(
        ("moved", "same"),
        [
            (one, one),
            (Callable1(), Callable1()),
            (Pair(1, 2), Pair(3, 4)),
            (Callable1().method, Callable1().method),
            (plain, functools.partial(plain)),
        ],
        ids=["lru_cache", "objects of a class", "tuples", "methods", "partial"],
    )
    def test_the_same_function(self, make_pool: MakePool, moved: Callable[..., str], same: Callable[..., str]) -> None:
        pool = make_pool(1, fallback="thread")
        assert pool.submit(interpreter(moved), LOCK).lane == "thread"
        assert pool.submit(interpreter(same), 1).lane == "thread"
        assert [moved.calls for moved in pool.fallbacks] == [2]

    @pytest.mark.parametrize(
        ("moved", "other"),
        [
            (one, another),
            (operator.itemgetter(0), operator.itemgetter(1)),
            ([].append, [].count),
            (Callable1(), Callable1().method),
        ],
        ids=["lru_cache", "itemgetter", "methods of a list", "an object and its method"],
    )
    def test_another_function(self, make_pool: MakePool, moved: Callable[..., Any], other: Callable[..., Any]) -> None:
        pool = make_pool(1, fallback="thread")
        assert pool.submit(interpreter(moved), [LOCK, LOCK]).lane == "thread"
        assert pool.submit(interpreter(other), [1, 2]).lane == "interpreter"
        assert len(pool.fallbacks) == 1

    def test_equal_objects_are_one_function(self, make_pool: MakePool) -> None:
        pool = make_pool(1, fallback="thread")
        for _ in range(3):
            assert pool.submit(interpreter(operator.itemgetter(0)), [LOCK]).result() is LOCK
        assert [(moved.function, moved.calls) for moved in pool.fallbacks] == [("operator.itemgetter", 3)]

    def test_calls_of_many_threads_are_all_counted(self, make_pool: MakePool) -> None:
        pool = make_pool(2, fallback="thread")
        begin = threading.Barrier(4)

        def submit() -> None:
            begin.wait()
            for _ in range(100):
                pool.submit(interpreter(plain), LOCK)

        threads = [threading.Thread(target=submit) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [moved.calls for moved in pool.fallbacks] == [400]


@pytest.mark.parametrize(
    ("fn", "name", "line"),
    [
        (plain, f"{__name__}.plain", plain.__code__.co_firstlineno),
        (one, f"{__name__}.one", one.__wrapped__.__code__.co_firstlineno),
        (Callable1(), f"{__name__}.Callable1", Callable1.__call__.__code__.co_firstlineno),
        (Callable1().method, f"{__name__}.Callable1.method", Callable1.method.__code__.co_firstlineno),
        (operator.itemgetter(0), "operator.itemgetter", None),
        ([].append, "builtins.list.append", None),
    ],
    ids=["function", "lru_cache", "object", "method", "itemgetter", "method of a list"],
)
def test_the_warning_names_the_function_and_its_place(make_pool: MakePool, fn: Any, name: str, line: int | None) -> None:
    pool = make_pool(1, fallback="thread")
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        pool.submit(interpreter(fn), (LOCK,)).result()
    (warning,) = shown
    assert f"no interpreter can run {name}," in str(warning.message)
    assert warning.filename == __file__
    assert line is None or warning.lineno == line
    assert pool.fallbacks[0].function == name


class Steps:
    """What a coroutine function reports. It cannot cross."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.cancelled = threading.Event()
        self.thread = ""


async def wait_for_ever(steps: Steps) -> None:
    """Report that it runs, and that it is cancelled."""
    steps.thread = threading.current_thread().name
    steps.begun.set()
    try:
        await asyncio.Event().wait()
    finally:
        steps.cancelled.set()


@pytest.mark.filterwarnings("ignore::aiointerpreters.FallbackWarning")
class TestCoroutineFunctionsInThreads:
    """They can be stopped, as in interpreters."""

    def test_by_an_interrupt(self, make_pool: MakePool) -> None:
        pool = make_pool(1, fallback="thread")
        steps = Steps()
        future: Any = pool.submit(interpreter(wait_for_ever), steps)
        steps.begun.wait()
        assert future.interrupt()
        with pytest.raises(TaskInterrupted):
            future.result()
        assert steps.cancelled.is_set()

    def test_by_a_cancelled_await(self, make_pool: MakePool) -> None:
        pool = make_pool(1, fallback="thread")
        steps = Steps()

        async def main() -> None:
            call = asyncio.ensure_future(pool.run(wait_for_ever, steps))
            await asyncio.to_thread(steps.begun.wait)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            await asyncio.to_thread(steps.cancelled.wait)

        asyncio.run(main())

    def test_by_a_stopped_block(self) -> None:
        first, second = Steps(), Steps()
        with pytest.raises(KeyboardInterrupt), InterpreterThreadPoolExecutor(1, fallback="thread") as pool:
            running = pool.submit(interpreter(wait_for_ever), first)
            queued = pool.submit(interpreter(wait_for_ever), second)
            first.begun.wait()
            raise KeyboardInterrupt
        assert isinstance(running.exception(), TaskInterrupted)
        assert queued.cancelled()
        assert not second.begun.is_set()

    def test_they_run_in_the_executors_threads(self) -> None:
        with InterpreterThreadPoolExecutor(1, "ours", fallback="thread") as pool:
            steps = Steps()
            future = pool.submit(interpreter(wait_for_ever), steps)
            steps.begun.wait()
            future.interrupt()
        assert steps.thread == "ours_0"

    def test_a_queued_await_is_cancelled_by_a_shutdown(self) -> None:
        async def main() -> None:
            with InterpreterThreadPoolExecutor(1, fallback="thread") as pool:
                steps = Steps()
                running = asyncio.ensure_future(pool.run(wait_for_ever, steps))
                await asyncio.to_thread(steps.begun.wait)
                queued = pool.run(plain, LOCK)
                pool.shutdown(wait=False, cancel_futures=True)
                with pytest.raises(asyncio.CancelledError):
                    await queued
                running.cancel()

        asyncio.run(main())


@pytest.mark.parametrize("options", [{}, {"fallback": "thread"}, {"fallback": "process"}])
def test_map_captures_a_function_by_value_once(make_pool: MakePool, options: dict[str, Any]) -> None:
    factor = 2

    def numbers() -> Any:
        nonlocal factor
        for number in range(3):
            yield number
            factor = 100

    pool = make_pool(1, **options)
    assert list(pool.map(interpreter(lambda number: number * factor), numbers())) == [0, 2, 4]


@pytest.mark.filterwarnings("ignore::aiointerpreters.FallbackWarning")
def test_map_follows_the_tag(make_pool: MakePool) -> None:
    pool = make_pool(1)
    assert list(pool.map(interpreter(lambda _: LOCK.locked(), fallback="thread"), range(2))) == [False, False]


def test_the_number_of_processes_must_be_one() -> None:
    with pytest.raises(TypeError):
        InterpreterThreadPoolExecutor(1, max_processes="2")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        InterpreterThreadPoolExecutor(1, max_processes=1.5)  # type: ignore[arg-type]
