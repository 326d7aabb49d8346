"""Bad input never hangs, never kills a worker, and never loses a future."""

from collections.abc import Callable
from typing import Any

import pytest

from aiointerpreters import InterpreterError, InterpreterThreadPoolExecutor, interpreter
from support import hostile, work
from support.protocols import MakePool


@pytest.mark.parametrize(
    "fail",
    [
        hostile.fail_with_cause_cycle,
        hostile.fail_with_itself_as_cause,
        hostile.fail_with_itself_as_argument,
        hostile.fail_with_long_chain,
        hostile.fail_with_odd_notes,
        hostile.fail_with_unpicklable_notes,
        hostile.fail_with_surrogate,
        hostile.fail_with_huge_message,
        hostile.fail_deep_down,
    ],
)
def test_strange_exceptions_keep_their_type(pool: InterpreterThreadPoolExecutor, fail: Callable[[], object]) -> None:
    assert type(pool.submit(interpreter(fail)).exception()) is ValueError


def test_deep_groups_of_exceptions_arrive(pool: InterpreterThreadPoolExecutor) -> None:
    assert isinstance(pool.submit(interpreter(hostile.fail_with_deep_group)).exception(), ExceptionGroup | RecursionError)


def test_what_the_message_said_is_not_lost(pool: InterpreterThreadPoolExecutor) -> None:
    assert str(pool.submit(interpreter(hostile.fail_with_surrogate)).exception()) == "\ud800"
    assert len(str(pool.submit(interpreter(hostile.fail_with_huge_message)).exception())) == 10_000_000


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (hostile.ReduceToNumber, "ReduceToNumber"),
        (hostile.ReprRaises, "no recipe"),
        (hostile.OfNameless, "no name"),
        (lambda: hostile.ItemsRaise(a=1), "no items"),
        (hostile.EndlessReduce, "recursion|[Ss]tack"),
        (hostile.ReduceToExit, "4"),
    ],
    ids=["no recipe", "no repr", "no name", "no items", "endless", "exit"],
)
def test_strange_arguments_fail_with_the_reason(
    pool: InterpreterThreadPoolExecutor, make: Callable[[], Any], reason: str
) -> None:
    import re

    error = pool.submit(interpreter(work.nothing), [make()]).exception()
    assert error is not None
    assert re.search(reason, f"{error} {error.__cause__}")


@pytest.mark.parametrize(
    "value", [{hostile.EqualRaises(): 1}, [hostile.GetattrRaises()]], ids=["key without equality", "getattr raises"]
)
def test_strange_values_that_pickle_well_arrive(pool: InterpreterThreadPoolExecutor, value: Any) -> None:
    assert type(pool.submit(interpreter(work.echo), value).result()) is type(value)


def test_a_result_that_ends_the_program_does_not(pool: InterpreterThreadPoolExecutor) -> None:
    future = pool.submit(interpreter(hostile.make_reduce_to_exit))
    assert isinstance(future.exception(), SystemExit | InterpreterError)
    assert future.done()


def test_a_result_that_asks_for_itself_does_not_hang(
    pool: InterpreterThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    future = pool.submit(interpreter(hostile.AsksForItself))
    monkeypatch.setitem(work._memory, "future 1", future)
    assert future.exception() is not None
    assert future.done()


def test_a_task_that_breaks_its_interpreter_breaks_no_other(make_pool: MakePool) -> None:
    def destroy() -> None:
        import sys

        sys.modules.clear()
        sys.path.clear()
        sys.meta_path.clear()
        sys.stdout = sys.stderr = None

    pool = make_pool(1)
    pool.submit(interpreter(destroy)).exception()
    pool.submit(interpreter(work.square), 3).exception()
    pool.submit(interpreter(hostile.fail_deep_down)).exception()
    assert pool.submit(work.square, 3).result() == 9
    assert make_pool(1).submit(interpreter(work.square), 3).result() == 9


def test_a_task_that_lowers_the_recursion_limit_still_gets_its_errors(make_pool: MakePool) -> None:
    def lower() -> None:
        import sys

        sys.setrecursionlimit(10)

    pool = make_pool(1)
    pool.submit(interpreter(lower)).exception()
    for _ in range(3):
        assert pool.submit(interpreter(hostile.fail_deep_down)).exception() is not None
    assert pool.submit(work.square, 3).result() == 9


def test_coroutines_and_generators_are_refused_as_results(pool: InterpreterThreadPoolExecutor) -> None:
    def generate() -> Any:
        yield 1

    with pytest.raises(TypeError, match="result: generator objects cannot cross interpreters"):
        pool.submit(interpreter(generate)).result()
