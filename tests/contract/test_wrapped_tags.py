"""A tag inside a function that only passes its call on is found. A function that does anything else runs itself, at home."""

import asyncio
import contextlib
import functools
import operator
import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import wrappers
from support.protocols import MakePool
from support.wrappers import coroutine, generate

tagged: Any = wrappers.tagged
Job: Any = wrappers.Job
DATA = [1, 2]
JOB = Job(7)
wrapped = wrappers.passing_on(tagged)
twice = wrappers.passing_on(wrapped)
defaults = wrappers.with_defaults(tagged, DATA)

PASSING_ON: list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]] = [
    (lambda: tagged(), (), {}),
    (lambda: tagged(1, None, True, "x", -1, 1000, (1, 2), ...), (), {}),
    (lambda: tagged(DATA, by=DATA, len=len), (), {}),
    (lambda: tagged([DATA, 1], (DATA,), {"a": DATA}), (), {}),
    (lambda: tagged([1, 2, 3], *DATA, a=1), (), {}),
    (lambda: wrappers.tagged(JOB.number, Job.label), (), {}),
    (lambda x: tagged(x), ("x",), {}),
    (lambda x, y=2, *, z=3: tagged(z, y, x), (1,), {"z": 4}),
    (lambda *args, **kwargs: tagged(*args, **kwargs), (1, 2), {"a": 3}),
    (lambda x, *args, **kwargs: tagged(x, 0, *args, more=x, **kwargs), (1, 2), {"a": 3}),
    (lambda fn, *args: fn(*args), (tagged, 1), {}),
    (wrapped, (1,), {"b": 2}),
    (twice, (1,), {"b": 2}),
    (defaults, (1,), {}),
    (defaults, (1, 2, 3, 4), {"third": 5, "other": 6}),
    (functools.partial(wrapped, 1), (2,), {"b": 3}),
    (JOB.passing_on, (5,), {}),
    (functools.partial(JOB.passing_on, 5), (), {}),
    (lambda: JOB.method(1), (), {}),
    (lambda: Job.method(JOB, 1), (), {}),
    (lambda: JOB.alone(1), (), {}),
    (lambda: JOB.of_class(1), (), {}),
    (lambda: Job.of_class(1), (), {}),
    (lambda *args: tagged(1, *args, 2), (5,), {}),
    (lambda *args, **kwargs: tagged(0, *args, 1, *args, a=2, **kwargs), (5, 6), {"b": 7}),
    (wrappers.keeping(tagged), (1,), {"b": 2}),
    (wrappers.with_keywords(tagged, option=DATA), (), {"first": 1}),
    (wrappers.Wrapper(tagged), (1,), {"b": 2}),
    (wrappers.Wrapper(wrapped), (1,), {"b": 2}),
    (functools.partial(functools.partial(tagged, 1), 2, a=3), (4,), {"a": 5}),
    (Job.class_passing_on, (1,), {}),
    (JOB.also, (1,), {}),
    (JOB.partly, (1,), {}),
    (Job.also_of_class, (1,), {}),
    (types.MethodType(tagged, 5), (1,), {}),
    (interpreter(types.MethodType(tagged.fn, 5)), (1,), {}),
    (staticmethod(tagged), (1,), {}),
    (operator.call, (tagged, 1), {"b": 2}),
    (lambda: operator.call(tagged, 1), (), {}),
]


@pytest.mark.parametrize("case", PASSING_ON, ids=range(len(PASSING_ON)))
def test_a_function_that_only_passes_its_call_on(pool: InterpreterThreadPoolExecutor, case: Any) -> None:
    fn, args, kwargs = case
    _, *expected = fn(*args, **kwargs)
    where, *found = pool.submit(fn, *args, **kwargs).result()
    assert where == "interpreter"
    assert str(found) == str(expected)


def test_variables_around_a_lambda_are_read_when_it_is_submitted(make_pool: MakePool) -> None:
    pool = make_pool(1)
    futures = []
    for number in range(5):
        futures.append(pool.submit(lambda: tagged(number)))  # noqa: B023 - each call gets its own number
    assert [future.result()[:2] for future in futures] == [("interpreter", (number,)) for number in range(5)]


def iter_nothing() -> Iterator[None]:
    yield


NOT_CERTAIN: list[tuple[Callable[..., Any], tuple[Any, ...]]] = [
    (lambda: tagged(1 + len(DATA)), ()),
    (lambda: tagged(DATA[0]), ()),
    (lambda: tagged(JOB.computed), ()),
    (lambda: tagged() or 1, ()),
    (lambda x: tagged(lambda: x), (1,)),
    (lambda: tagged(*"ab"), ()),
    (lambda: tagged(f"{DATA}"), ()),
    (functools.cache(tagged), (1,)),
    (operator.methodcaller("method"), (JOB,)),
    (contextlib.contextmanager(iter_nothing)()(tagged), ()),
]


@pytest.mark.parametrize("case", NOT_CERTAIN, ids=range(len(NOT_CERTAIN)))
def test_a_function_that_does_more_runs_at_home(pool: InterpreterThreadPoolExecutor, case: Any) -> None:
    fn, args = case
    assert pool.submit(fn, *args).result()[0] == "thread"


def test_a_decorator_that_does_something_keeps_doing_it(pool: InterpreterThreadPoolExecutor) -> None:
    calls: list[object] = []
    assert pool.submit(wrappers.counting(tagged, calls), 1).result() == ("thread", (1,), {})
    assert calls == [(1,)]


@pytest.mark.parametrize(
    "fn",
    [lambda x: tagged(x), lambda: tagged(nowhere), lambda: nowhere(1)],  # type: ignore[name-defined] # noqa: F821
    ids=["call", "argument", "callee"],
)
def test_a_wrong_call_raises_its_own_error(pool: InterpreterThreadPoolExecutor, fn: Callable[..., Any]) -> None:
    with pytest.raises((TypeError, NameError)) as here:
        fn()
    error = pool.submit(fn).exception()
    assert type(error) is here.type
    assert str(error) == str(here.value)


def test_keywords_that_occur_twice_raise_the_function_s_own_error(pool: InterpreterThreadPoolExecutor) -> None:
    assert isinstance(pool.submit(lambda **kwargs: tagged(a=1, **kwargs), a=2).exception(), TypeError)


def test_a_function_that_passes_its_call_on_to_itself_ends(pool: InterpreterThreadPoolExecutor) -> None:
    def endless() -> Any:
        return endless()

    assert isinstance(pool.submit(endless).exception(), RecursionError)


def test_coroutines_and_generators_are_passed_on_as_they_are(pool: InterpreterThreadPoolExecutor) -> None:
    made = pool.submit(lambda: coroutine()).result()
    assert asyncio.run(made) == "home"
    assert list(pool.submit(lambda: generate()).result()) == ["home"]


@pytest.mark.parametrize("fn", [lambda: coroutine(), wrappers.passing_on(coroutine), wrappers.Wrapper(coroutine)])
def test_run_awaits_a_coroutine_function_that_is_passed_on(pool: InterpreterThreadPoolExecutor, fn: Any) -> None:
    async def main() -> Any:
        return await pool.run(fn)

    assert asyncio.run(main()) == "interpreter"


def test_a_bound_method_that_its_object_does_not_have(pool: InterpreterThreadPoolExecutor) -> None:
    method = types.MethodType(lambda *args: args, [5])
    assert pool.submit(interpreter(method), 1).result() == ([5], 1)
    assert list(pool.map(interpreter(types.MethodType(tagged, 5)), [1])) == [("interpreter", (5, 1), {})]


def test_another_function_at_the_next_call(pool: InterpreterThreadPoolExecutor) -> None:
    def call(fn: Callable[..., Any]) -> Any:
        return pool.submit(lambda: fn(1)).result()

    assert call(tagged)[0] == "interpreter"
    assert call(tagged.fn)[0] == "thread"
    assert call(tagged)[0] == "interpreter"


def test_new_code_in_a_function_counts(pool: InterpreterThreadPoolExecutor) -> None:
    def changing() -> Any:
        return tagged()

    def other() -> Any:
        return [tagged()]

    assert pool.submit(changing).result()[0] == "interpreter"
    changing.__code__ = other.__code__
    assert pool.submit(changing).result()[0][0] == "thread"


def test_asyncio_s_calls_and_map_find_it_too(make_pool: MakePool) -> None:
    pool = make_pool(1)
    assert [where for where, *_ in pool.map(lambda x: tagged(x), range(3))] == ["interpreter"] * 3

    async def main() -> list[str]:
        loop = asyncio.get_running_loop()
        pool.set_as_event_loop_default()
        found = [
            await asyncio.to_thread(lambda: tagged(DATA)),
            await loop.run_in_executor(None, lambda: tagged(DATA)),
            await pool.run(lambda: tagged(DATA)),
        ]
        return [where for where, *_ in found]

    assert asyncio.run(main()) == ["interpreter"] * 3


def test_a_value_that_cannot_cross_is_an_error_as_for_the_tag(pool: InterpreterThreadPoolExecutor) -> None:
    lock: Any = pool
    assert type(pool.submit(lambda: tagged(lock)).exception()) is type(pool.submit(tagged, lock).exception())
