"""A function that no interpreter can run runs in threads or in other processes, if it or its executor says so."""

import asyncio
import pickle
import threading
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import pytest

from aiointerpreters import (
    FallbackWarning,
    InterpreterError,
    InterpreterThreadPoolExecutor,
    NotTransferableError,
    Runner,
    interpreter,
)
from support import only_home, work
from support.protocols import MakePool

Fallback = Literal["thread", "process"]
FALLBACKS: list[Fallback] = ["thread", "process"]


def run_in(fallback: Fallback, fn: Callable[..., Any]) -> Any:
    """Tag a function with a fallback."""
    return interpreter(fn, fallback=fallback)


def get_in_body() -> int:
    """Import, inside the function, what no worker can import."""
    from support import only_home as module

    return module.process()


def test_without_a_fallback_the_error_stays(make_pool: MakePool) -> None:
    pool = make_pool(1)
    error = pool.submit(interpreter(only_home.process)).exception()
    assert isinstance(error, InterpreterError)
    assert pool.fallbacks == ()


@pytest.mark.parametrize("fallback", FALLBACKS)
def test_a_refused_function_runs_elsewhere(make_pool: MakePool, fallback: Fallback) -> None:
    pool = make_pool(2)
    first = pool.submit(run_in(fallback, only_home.process))
    with pytest.warns(FallbackWarning, match="only_home.process"):
        result = first.result()
    assert (result == only_home.process()) == (fallback == "thread")
    second = pool.submit(run_in(fallback, only_home.process), 1)
    assert (second.result() == only_home.process()) == (fallback == "thread")
    assert first.lane == second.lane == fallback


@pytest.mark.parametrize("fallback", FALLBACKS)
def test_its_warning_comes_once_a_function(make_pool: MakePool, fallback: Fallback) -> None:
    pool = make_pool(2)
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        for _ in range(3):
            pool.submit(run_in(fallback, only_home.process)).result()
            assert pool.submit(run_in(fallback, only_home.add), 1, b=2).result() == 3
    assert [warning.category for warning in shown] == [FallbackWarning] * 2
    process, add = pool.fallbacks
    assert (process.function, process.lane, process.calls) == ("support.only_home.process", fallback, 3)
    assert (add.function, add.lane, add.calls) == ("support.only_home.add", fallback, 3)
    assert "does not support loading in subinterpreters" in add.reason


@pytest.mark.filterwarnings("ignore::aiointerpreters.FallbackWarning")
@pytest.mark.parametrize("fallback", FALLBACKS)
class TestWhatIsMoved:
    """Each way to call, with each fallback."""

    def test_calls_that_wait_when_the_first_is_refused(self, make_pool: MakePool, fallback: Fallback) -> None:
        pool = make_pool(2)
        futures = [pool.submit(run_in(fallback, only_home.add), i, b=1) for i in range(50)]
        assert [future.result() for future in futures] == list(range(1, 51))

    def test_an_argument_whose_class_no_worker_has(self, make_pool: MakePool, fallback: Fallback) -> None:
        pool = make_pool(1)
        future = pool.submit(run_in(fallback, only_home.Thing.doubled), only_home.Thing(4))
        assert future.result() == 8
        assert pool.submit(run_in(fallback, only_home.Thing(3).doubled)).result() == 6

    def test_a_function_in_an_interpreter_stays_there(self, make_pool: MakePool, fallback: Fallback) -> None:
        pool = make_pool(1)
        future = pool.submit(run_in(fallback, work.here))
        assert future.result() != work.HERE
        assert future.lane == "interpreter"
        assert pool.fallbacks == ()

    def test_its_own_exceptions_are_no_reason(self, make_pool: MakePool, fallback: Fallback) -> None:
        pool = make_pool(1)
        assert isinstance(pool.submit(run_in(fallback, work.divide), 1, 0).exception(), ZeroDivisionError)
        assert isinstance(pool.submit(run_in(fallback, work.divide), 1).exception(), TypeError)
        assert pool.fallbacks == ()

    def test_a_result_that_cannot_cross_is_no_reason(self, make_pool: MakePool, fallback: Fallback) -> None:
        pool = make_pool(1)
        assert isinstance(pool.submit(run_in(fallback, threading.Lock)).exception(), NotTransferableError)
        assert pool.fallbacks == ()

    def test_exceptions_there(self, make_pool: MakePool, fallback: Fallback) -> None:
        pool = make_pool(1)
        for _ in range(2):
            with pytest.raises(ValueError, match="text"):
                pool.submit(run_in(fallback, only_home.fail), "text").result()

    def test_a_coroutine_function(self, make_pool: MakePool, fallback: Fallback) -> None:
        pool = make_pool(1)
        futures = [pool.submit(run_in(fallback, only_home.process_in_loop)) for _ in range(3)]
        assert {future.result() == only_home.process() for future in futures} == {fallback == "thread"}

    def test_map(self, make_pool: MakePool, fallback: Fallback) -> None:
        pool = make_pool(2)
        tagged = run_in(fallback, only_home.add)
        assert list(pool.map(tagged, range(5), range(5))) == [0, 2, 4, 6, 8]
        assert list(pool.map(tagged, range(5), range(5), chunksize=2)) == [0, 2, 4, 6, 8]

    def test_a_partial(self, make_pool: MakePool, fallback: Fallback) -> None:
        pool = make_pool(1)
        for _ in range(2):
            assert pool.submit(partial(run_in(fallback, only_home.add), 1), b=2).result() == 3

    def test_context_variables(self, make_pool: MakePool, fallback: Fallback) -> None:
        pool = make_pool(1)
        tagged = interpreter.with_context(only_home.level)(run_in(fallback, only_home.current_level))
        token = only_home.level.set("high")
        futures = [pool.submit(tagged), pool.submit(tagged)]
        only_home.level.reset(token)
        assert [future.result() for future in futures] == ["high", "high"]

    def test_the_executors_choice(self, make_pool: MakePool, fallback: Fallback) -> None:
        pool = make_pool(1, fallback=fallback)
        assert pool.submit(interpreter(only_home.process)).lane == "interpreter"
        assert pool.submit(interpreter(only_home.add), 1).result() == 1
        assert isinstance(pool.submit(interpreter(only_home.place, fallback="error")).exception(), InterpreterError)

    def test_a_shutdown_waits_for_them(self, make_pool: MakePool, fallback: Fallback) -> None:
        with make_pool(1) as pool:
            futures = [pool.submit(run_in(fallback, only_home.add), i) for i in range(5)]
        assert [future.result(0) for future in futures] == list(range(5))

    def test_run(self, make_pool: MakePool, fallback: Fallback) -> None:
        pool = make_pool(1)

        async def main() -> None:
            for _ in range(2):
                call = pool.run(run_in(fallback, only_home.process))
                assert (await call == only_home.process()) == (fallback == "thread")
                assert call.lane == fallback
            assert await pool.run(run_in(fallback, only_home.process_in_loop))
            with pytest.raises(ValueError, match="text"):
                await pool.run(run_in(fallback, only_home.fail), "text")

        asyncio.run(main())

    def test_run_in_executor_and_wrap_future(self, make_pool: MakePool, fallback: Fallback) -> None:
        pool = make_pool(2)
        tagged = run_in(fallback, only_home.add)

        async def main() -> None:
            for _ in range(2):
                assert await asyncio.get_running_loop().run_in_executor(pool, tagged, 1, 2) == 3
                assert await asyncio.wrap_future(pool.submit(tagged, 2, 3)) == 5

        asyncio.run(main())

    def test_callbacks_and_waiting(self, make_pool: MakePool, fallback: Fallback) -> None:
        pool = make_pool(1)
        ended = threading.Event()
        for _ in range(2):
            future = pool.submit(run_in(fallback, only_home.add), 1, 2)
            future.add_done_callback(lambda _: ended.set())
            assert ended.wait()
            assert future.result(0) == 3
            ended.clear()


@pytest.mark.filterwarnings("ignore::aiointerpreters.FallbackWarning")
@pytest.mark.parametrize("fallback", FALLBACKS)
def test_a_runner_has_one(fallback: Fallback) -> None:
    async def main() -> list[int]:
        async with Runner(workers=2, fallback=fallback) as runner:
            assert await runner.run(only_home.add, 1, b=2) == 3
            return [result async for result in runner.map(only_home.add, range(5), range(5))]

    assert asyncio.run(main()) == [0, 2, 4, 6, 8]
    with pytest.raises(ValueError, match="fallback must be"):
        Runner(workers=1, fallback="elsewhere")  # type: ignore[arg-type]


def test_what_cannot_cross_runs_in_a_thread(make_pool: MakePool) -> None:
    pool = make_pool(1)
    lock = threading.Lock()
    with pytest.warns(FallbackWarning, match="argument 0"):
        assert pool.submit(interpreter(id, fallback="thread"), lock).result() == id(lock)
    assert pool.submit(interpreter(id, fallback="thread"), lock).lane == "thread"


def test_a_warning_that_is_an_error_is_the_outcome(make_pool: MakePool) -> None:
    pool = make_pool(1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert isinstance(pool.submit(interpreter(id, fallback="thread"), threading.Lock()).exception(), FallbackWarning)
        assert isinstance(pool.submit(interpreter(only_home.add, fallback="thread"), 1).exception(), FallbackWarning)
    assert pool.submit(interpreter(only_home.add, fallback="thread"), 1).result() == 1


class TestTags:
    """The arguments of the tag."""

    def test_it_can_be_a_decorator(self) -> None:
        tagged = interpreter(fallback="process")(work.square)
        assert tagged(3) == 9
        assert repr(tagged) == f"interpreter({work.square!r}, fallback='process')"
        assert repr(interpreter(lane="process")(work.square)) == f"interpreter({work.square!r}, lane='process')"

    def test_a_tag_of_a_tag_keeps_it(self) -> None:
        tagged = interpreter(work.square, fallback="thread")
        assert repr(interpreter(tagged)) == repr(tagged)
        assert "'process'" in repr(interpreter(tagged, fallback="process"))

    def test_a_pickle_keeps_it(self) -> None:
        tagged = interpreter(work.square, fallback="thread")
        assert repr(pickle.loads(pickle.dumps(tagged))) == repr(tagged)

    @pytest.mark.parametrize(
        ("options", "error"),
        [
            ({"fallback": "elsewhere"}, ValueError),
            ({"fallback": 1}, TypeError),
            ({"lane": "thread"}, ValueError),
            ({"lane": "process", "fallback": "thread"}, ValueError),
        ],
    )
    def test_wrong_arguments_are_refused(self, options: dict[str, Any], error: type[Exception]) -> None:
        with pytest.raises(error):
            interpreter(work.square, **options)
        with pytest.raises(error):
            interpreter(**options)(work.square)

    def test_an_executor_refuses_them_too(self) -> None:
        with pytest.raises(ValueError, match="fallback must be"):
            InterpreterThreadPoolExecutor(1, fallback="elsewhere")  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="max_processes"):
            InterpreterThreadPoolExecutor(1, max_processes=0)
