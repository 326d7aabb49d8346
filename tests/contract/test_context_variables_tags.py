"""`interpreter.with_context`: tags that carry context variables, of every kind of callable."""

import asyncio
import copy
import pickle
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, assert_type

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import variables, work
from support.protocols import MakePool

type Way = Callable[[InterpreterThreadPoolExecutor, Callable[..., Any]], Awaitable[Any]]


async def by_submit(pool: InterpreterThreadPoolExecutor, fn: Callable[..., Any]) -> Any:
    return await asyncio.wrap_future(pool.submit(fn))


async def by_run(pool: InterpreterThreadPoolExecutor, fn: Callable[..., Any]) -> Any:
    return await pool.run(fn)


async def by_to_thread(pool: InterpreterThreadPoolExecutor, fn: Callable[..., Any]) -> Any:
    pool.set_as_event_loop_default()
    return await asyncio.to_thread(fn)


@pytest.mark.parametrize(
    ("fn", "expected"),
    [
        (variables.Reader().method, "carried"),
        (variables.Reader.of_class, ("Reader", "carried")),
        (partial(variables.Reader.static, 5), (5, "carried")),
        (variables.tagged_read, "carried"),
        (interpreter.with_context(variables.request)(variables.Reader()), "carried"),
        (interpreter.with_context(variables.request)(variables.Reader().plain), "carried"),
        (interpreter.with_context(variables.request)(partial(variables.read, None)), "carried"),
        (interpreter.with_context(variables.request)(partial(interpreter(variables.read), None)), "carried"),
        (interpreter(partial(interpreter.with_context(variables.request)(variables.read), None)), "carried"),
        (partial(interpreter.with_context(variables.request)(variables.read), None), "carried"),
        (interpreter.with_context(variables.request)(variables.read_in_loop), "carried"),
        (interpreter.with_context(variables.request)(lambda: variables.request.get()), "carried"),
        (interpreter.with_context(variables.request)(interpreter(variables.read)), "carried"),
        (interpreter(interpreter.with_context(variables.request)(variables.read)), "carried"),
        (interpreter.with_context()(interpreter.with_context(variables.request)(variables.read)), "carried"),
    ],
    ids=[
        "method",
        "class method",
        "static method",
        "decorated",
        "instance",
        "bound method",
        "partial",
        "partial of a tag",
        "tagged partial",
        "made partial",
        "async",
        "lambda",
        "tagged before",
        "tagged again",
        "tagged again with none",
    ],
)
@pytest.mark.parametrize("way", [by_submit, by_run, by_to_thread])
def test_tags_of_every_kind(make_pool: MakePool, fn: Callable[..., Any], expected: Any, way: Way) -> None:
    async def main() -> Any:
        variables.request.set("carried")
        return await way(make_pool(1), fn)

    assert asyncio.run(main(), debug=True) == expected


def test_declarations_of_several_tags_add_up(pool: InterpreterThreadPoolExecutor) -> None:
    variables.request.set("request")
    variables.user.set("user")
    once = interpreter.with_context(variables.user)(variables.read_both)
    twice: Any = interpreter.with_context(variables.request)(once)
    assert pool.submit(twice).result() == ("request", "user")
    assert pool.submit(once).result() == ("no request", "user")


def test_no_variables_make_a_plain_tag(pool: InterpreterThreadPoolExecutor) -> None:
    variables.request.set("left here")
    tagged = interpreter.with_context()(variables.read)
    assert isinstance(tagged, interpreter)
    assert pool.submit(tagged).result() == "no request"
    assert InterpreterThreadPoolExecutor(1, context_vars=()).submit(tagged).result() == "no request"


def test_here_it_is_a_tag_like_others() -> None:
    tagged = interpreter.with_context(variables.request)(variables.read_with)
    variables.request.set("here")
    assert isinstance(tagged, interpreter)
    assert tagged.fn is variables.read_with
    assert (tagged.__name__, tagged.__doc__) == ("read_with", variables.read_with.__doc__)
    assert "read_with" in repr(tagged)
    assert tagged(1, third=3) == ("here", 1, None, 3)


@pytest.mark.parametrize("value", [5, None, "read"])
def test_only_callables_can_be_tagged(value: Any) -> None:
    with pytest.raises(TypeError, match="callable"):
        interpreter.with_context(variables.request)(value)


@pytest.mark.parametrize("make_copy", [copy.copy, copy.deepcopy, lambda tagged: pickle.loads(pickle.dumps(tagged))])
@pytest.mark.parametrize(
    "tagged",
    [variables.tagged_read, interpreter.with_context(variables.request, variables.odd)(variables.read)],
    ids=["decorated", "wrapped"],
)
def test_copies_carry_the_same_variables(
    pool: InterpreterThreadPoolExecutor, make_copy: Callable[[Any], Any], tagged: Any
) -> None:
    variables.request.set("carried")
    assert pool.submit(make_copy(tagged)).result() == "carried"


def test_a_worker_s_own_pool_carries_on(make_pool: MakePool) -> None:
    assert make_pool(1).submit(interpreter(variables.read_in_own_pool), "inner").result() == ["inner", "inner", "no request"]


def test_a_tag_that_was_passed_to_a_worker_carries_there(make_pool: MakePool) -> None:
    tagged = interpreter.with_context(variables.request)(variables.read)

    def call(passed: Any) -> Any:
        variables.request.set("the worker's")
        with InterpreterThreadPoolExecutor(1) as inner:
            return inner.submit(passed).result()

    assert make_pool(1).submit(interpreter(call), tagged).result() == "the worker's"


def test_a_derived_tag_has_it_too(pool: InterpreterThreadPoolExecutor) -> None:
    class Derived(interpreter[..., Any]):
        pass

    tagged = Derived.with_context(variables.request)(variables.read)
    variables.request.set("carried")
    assert type(tagged) is Derived
    assert pool.submit(tagged).result() == "carried"


def test_types_are_kept(pool: InterpreterThreadPoolExecutor) -> None:
    tagged = interpreter.with_context(variables.request)(work.square)
    assert_type(tagged(3), int)
    assert_type(pool.submit(tagged, 3).result(), int)
    with pytest.raises(TypeError):
        tagged("three")  # type: ignore[arg-type]


def test_the_tag_has_the_other_options_too(pool: InterpreterThreadPoolExecutor) -> None:
    tag = interpreter.with_context(variables.request, fallback="thread")(variables.read)
    assert repr(tag).endswith(", fallback='thread')")
    token = variables.request.set("carried")
    try:
        assert pool.submit(tag, None).result() == "carried"
        in_process = interpreter.with_context(variables.request, lane="process")(variables.read)
        assert pool.submit(in_process, None).result() == "carried"
    finally:
        variables.request.reset(token)


def test_a_wrong_option_is_refused_at_once() -> None:
    wrong: Any = interpreter.with_context
    with pytest.raises(ValueError, match="fallback must be"):
        wrong(variables.request, fallback="nowhere")
    with pytest.raises(ValueError, match="has no fallback"):
        wrong(variables.request, fallback="thread", lane="process")
    with pytest.raises(TypeError, match="unexpected keyword"):
        wrong(variables.request, other=1)
