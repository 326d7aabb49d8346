"""Where a call runs, and the arguments that it gets."""

import contextvars
import functools
import math
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import gate as gates
from support import shapes, work
from support.gate import Gate
from support.protocols import MakePool, Tag

tagged_add: Any = interpreter(work.add)
variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="nothing")


def test_the_executor_is_a_thread_pool_executor(pool: InterpreterThreadPoolExecutor) -> None:
    assert isinstance(pool, ThreadPoolExecutor)
    assert isinstance(pool, Executor)


def test_submit_returns_a_standard_future(pool: InterpreterThreadPoolExecutor, tag: Tag) -> None:
    future = pool.submit(tag(work.square), 3)
    assert isinstance(future, Future)
    assert future.result() == 9


def test_a_tagged_function_runs_in_another_interpreter(pool: InterpreterThreadPoolExecutor) -> None:
    assert pool.submit(interpreter(work.here)).result() != work.HERE
    assert pool.submit(work.tagged_here).result() != work.HERE


def test_an_untagged_function_runs_in_a_thread_of_this_interpreter(pool: InterpreterThreadPoolExecutor) -> None:
    token = object()
    place, thread, name = pool.submit(work.here_and_thread).result()
    assert pool.submit(work.echo, token).result() is token
    assert place == work.HERE
    assert thread != work.here_and_thread()[1]
    assert name.startswith("shared")


def test_globals_changed_by_a_tagged_function_are_not_changed_here(make_pool: MakePool) -> None:
    pool = make_pool(1)
    pool.submit(interpreter(work.remember), "answer", 42).result()
    assert pool.submit(interpreter(work.recall), "answer").result() == 42
    assert work.recall("answer") is None


def test_globals_changed_here_are_not_changed_in_a_worker(
    pool: InterpreterThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool.submit(interpreter(work.recall), "home").result()
    monkeypatch.setitem(work._memory, "home", "changed")
    assert pool.submit(interpreter(work.recall), "home").result() is None


def test_tagged_functions_run_at_the_same_time(pool: InterpreterThreadPoolExecutor, gate: Gate) -> None:
    futures = [pool.submit(interpreter(gates.hold), gate.ends, n) for n in range(2)]
    gate.wait_for(2)
    gate.open(2)
    assert [future.result() for future in futures] == [0, 1]


def test_tagged_and_untagged_functions_run_at_the_same_time(pool: InterpreterThreadPoolExecutor, gate: Gate) -> None:
    tagged = pool.submit(interpreter(gates.hold), gate.ends, "tagged")
    untagged = pool.submit(gates.hold, gate.ends, "untagged")
    gate.wait_for(2)
    gate.open(2)
    assert (tagged.result(), untagged.result()) == ("tagged", "untagged")


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [
        ((), {}),
        ((1, "two", None), {}),
        ((), {"a": 1, "b": [2]}),
        ((1, 2), {"fn": 3, "self": 4, "args": 5, "kwargs": 6}),
        (tuple(range(300)), {f"name_{n}": n for n in range(300)}),
        ((), {"not an identifier": 1, "ä": 2, "": 3}),
    ],
    ids=["none", "positional", "keywords", "submit's own names", "many", "odd names"],
)
def test_all_arguments_arrive(
    pool: InterpreterThreadPoolExecutor,
    tag: Tag,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> None:
    got_args, got_kwargs = pool.submit(tag(work.echo_call), *args, **kwargs).result()
    assert got_args == args
    assert list(got_kwargs.items()) == list(kwargs.items())


def test_wrong_arguments_give_the_function_s_own_type_error(pool: InterpreterThreadPoolExecutor, tag: Tag) -> None:
    with pytest.raises(TypeError, match="square"):
        pool.submit(tag(work.square), 1, 2, 3).result()


def test_submit_without_a_function_is_a_type_error(pool: InterpreterThreadPoolExecutor) -> None:
    with pytest.raises(TypeError):
        pool.submit()  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        pool.submit(fn=work.square)  # type: ignore[call-arg]


def test_submitting_what_cannot_be_called_gives_a_type_error_in_the_future(pool: InterpreterThreadPoolExecutor) -> None:
    not_callable: Any = 5
    with pytest.raises(TypeError, match="callable"):
        pool.submit(not_callable, 1).result()


@pytest.mark.parametrize(
    "make",
    [
        lambda: functools.partial(interpreter(work.add), 1),
        lambda: functools.partial(functools.partial(interpreter(work.add), 1)),
        lambda: interpreter(functools.partial(work.add, 1)),
        lambda: functools.partial(interpreter(functools.partial(work.add)), 1),
        lambda: interpreter(interpreter(functools.partial(work.add, 1))),
        lambda: functools.partial(contextvars.Context().run, tagged_add, 1),
        lambda: functools.partial(contextvars.copy_context().run, functools.partial(interpreter(work.add), 1)),
        lambda: functools.partial(functools.partial(contextvars.copy_context().run, tagged_add), 1),
    ],
    ids=[
        "partial of tagged",
        "partial of partial",
        "tagged partial",
        "partial of tagged partial",
        "tagged twice",
        "in a context",
        "partial in a context",
        "partial of in a context",
    ],
)
def test_every_wrapping_of_a_tagged_function_adds_up(
    pool: InterpreterThreadPoolExecutor, make: Callable[[], Callable[..., Any]]
) -> None:
    assert pool.submit(make(), 2, c=3).result() == 6


@pytest.mark.parametrize(
    "make",
    [
        lambda: functools.partial(interpreter(work.here)),
        lambda: functools.partial(functools.partial(interpreter(work.here))),
        lambda: interpreter(functools.partial(work.here)),
        lambda: interpreter(interpreter(work.here)),
        lambda: functools.partial(contextvars.Context().run, interpreter(work.here)),
        lambda: functools.partial(contextvars.copy_context().run, functools.partial(interpreter(work.here))),
        lambda: shapes.Counter().place,
        lambda: functools.partial(shapes.Counter().place),
        lambda: functools.partial(shapes.Counter.place, shapes.Counter()),
        lambda: shapes.Counter.class_place,
        lambda: shapes.Counter().class_place,
        lambda: shapes.Counter.static_place,
        lambda: shapes.Counter().static_place,
    ],
    ids=[
        "partial of tagged",
        "partial of partial",
        "tagged partial",
        "tagged twice",
        "in a context",
        "partial in a context",
        "method",
        "partial of method",
        "partial of unbound method",
        "class method",
        "class method of instance",
        "static method",
        "static method of instance",
    ],
)
def test_every_wrapping_of_a_tagged_function_runs_elsewhere(
    pool: InterpreterThreadPoolExecutor, make: Callable[[], Callable[..., Any]]
) -> None:
    assert pool.submit(make()).result() != work.HERE


def test_keywords_of_a_partial_are_overridden_as_in_a_call(pool: InterpreterThreadPoolExecutor) -> None:
    partial = functools.partial(interpreter(work.echo_call), 1, a=1, b=2)
    assert pool.submit(partial, 2, b=3, c=4).result() == ((1, 2), {"a": 1, "b": 3, "c": 4})


def test_an_untagged_partial_stays_here(pool: InterpreterThreadPoolExecutor) -> None:
    token = object()
    assert pool.submit(functools.partial(work.echo, token)).result() is token


def test_an_untagged_function_in_a_context_sees_its_variables(pool: InterpreterThreadPoolExecutor) -> None:
    context = contextvars.copy_context()
    context.run(variable.set, "carried")
    assert pool.submit(functools.partial(context.run, variable.get)).result() == "carried"
    assert variable.get() == "nothing"


def test_an_untagged_function_that_calls_a_tagged_one_calls_it_here(pool: InterpreterThreadPoolExecutor) -> None:
    assert pool.submit(lambda: [work.tagged_here()]).result() == [work.HERE]


def test_a_tagged_function_may_be_an_argument(pool: InterpreterThreadPoolExecutor) -> None:
    assert pool.submit(interpreter(work.call), work.tagged_square, 5).result() == 25
    assert pool.submit(interpreter(work.call), interpreter(work.square), 6).result() == 36


def test_a_tagged_function_may_be_a_result(pool: InterpreterThreadPoolExecutor) -> None:
    assert pool.submit(interpreter(work.echo), work.tagged_square).result() is work.tagged_square


def test_a_function_that_calls_itself_by_its_tagged_name_stays_in_its_worker(
    pool: InterpreterThreadPoolExecutor,
) -> None:
    assert pool.submit(work.tagged_factorial, 20).result() == math.factorial(20)


def test_one_function_can_be_submitted_tagged_and_untagged(pool: InterpreterThreadPoolExecutor) -> None:
    assert pool.submit(work.here).result() == work.HERE
    assert pool.submit(interpreter(work.here)).result() != work.HERE
    assert pool.submit(work.here).result() == work.HERE


def test_a_task_may_submit_to_its_own_pool(pool: InterpreterThreadPoolExecutor) -> None:
    assert pool.submit(lambda: pool.submit(interpreter(work.square), 6).result()).result() == 36


def test_a_result_is_dropped_when_nobody_keeps_the_future(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(1)
    pool.submit(interpreter(gates.hold), gate.ends)
    gate.wait_for()
    gate.open()
    assert pool.submit(interpreter(work.square), 3).result() == 9
