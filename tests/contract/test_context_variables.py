"""Declared context variables: their values travel with calls, and are set for these calls alone.

A test that needs unset variables runs in an empty context. All others set the variables that they carry.
"""

import asyncio
import contextvars
import threading
from collections.abc import Awaitable, Callable
from contextvars import copy_context
from functools import partial
from typing import Any

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, NotTransferableError, SharedBuffer, TaskInterrupted, interpreter
from support import endless, shapes, variables, work
from support.declaring import PLACES
from support.gate import Gate, hold
from support.protocols import MakePool, Tag

type Declare = Callable[..., tuple[InterpreterThreadPoolExecutor, Tag]]


@pytest.fixture(params=PLACES)
def declare(request: pytest.FixtureRequest, make_pool: MakePool) -> Declare:
    """Makes a pool of one worker, and a tag. Their calls carry the given variables."""
    return partial(request.param, make_pool)


# ---- Every way to call

type Way = Callable[[InterpreterThreadPoolExecutor, Callable[..., Any], Any], Awaitable[Any]]


async def by_submit(pool: InterpreterThreadPoolExecutor, fn: Callable[..., Any], arg: Any) -> Any:
    return await asyncio.wrap_future(pool.submit(fn, arg))


async def by_submitted_partial(pool: InterpreterThreadPoolExecutor, fn: Callable[..., Any], arg: Any) -> Any:
    return await asyncio.wrap_future(pool.submit(partial(fn, arg)))


async def by_map(pool: InterpreterThreadPoolExecutor, fn: Callable[..., Any], arg: Any) -> Any:
    return next(pool.map(fn, [arg]))


async def by_chunks(pool: InterpreterThreadPoolExecutor, fn: Callable[..., Any], arg: Any) -> Any:
    return list(pool.map(fn, [arg] * 3, chunksize=2))[2]


async def by_chunks_of_a_partial(pool: InterpreterThreadPoolExecutor, fn: Callable[..., Any], arg: Any) -> Any:
    return list(pool.map(partial(fn), [arg] * 3, chunksize=2))[2]


async def by_run(pool: InterpreterThreadPoolExecutor, fn: Callable[..., Any], arg: Any) -> Any:
    return await pool.run(fn, arg)


async def by_run_in_a_task(pool: InterpreterThreadPoolExecutor, fn: Callable[..., Any], arg: Any) -> Any:
    return await asyncio.create_task(pool.run(fn, arg))


async def by_to_thread(pool: InterpreterThreadPoolExecutor, fn: Callable[..., Any], arg: Any) -> Any:
    pool.set_as_event_loop_default()
    return await asyncio.to_thread(fn, arg)


async def by_run_in_executor(pool: InterpreterThreadPoolExecutor, fn: Callable[..., Any], arg: Any) -> Any:
    return await asyncio.get_running_loop().run_in_executor(pool, fn, arg)


async def by_context_run(pool: InterpreterThreadPoolExecutor, fn: Callable[..., Any], arg: Any) -> Any:
    return await asyncio.get_running_loop().run_in_executor(pool, partial(copy_context().run, fn, arg))


WAYS: list[Way] = [
    by_submit,
    by_submitted_partial,
    by_map,
    by_chunks,
    by_chunks_of_a_partial,
    by_run,
    by_run_in_a_task,
    by_to_thread,
    by_run_in_executor,
    by_context_run,
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("fn", [variables.read, variables.read_in_loop])
def test_values_reach_the_worker(declare: Declare, way: Way, fn: Callable[..., Any]) -> None:
    pool, tag = declare(variables.request)

    async def main() -> Any:
        variables.request.set({"id": 5})
        return await way(pool, tag(fn), None)

    assert asyncio.run(main()) == {"id": 5}


@pytest.mark.parametrize("way", [by_run, by_run_in_a_task])
def test_run_of_an_untagged_function_carries_what_the_executor_declares(make_pool: MakePool, way: Way) -> None:
    pool = make_pool(1, context_vars=[variables.request])

    async def main() -> Any:
        variables.request.set("carried")
        return await way(pool, variables.read, None)

    assert asyncio.run(main(), debug=True) == "carried"


def test_only_what_is_declared_is_carried(declare: Declare) -> None:
    pool, tag = declare(variables.request, variables.odd)
    variables.request.set("carried")
    variables.odd.set("this too")
    variables.user.set("left here")
    variables.undeclared.set("left here")
    assert pool.submit(tag(variables.read_all)).result() == {
        "request": "carried",
        "user": "nobody",
        "undeclared": "not declared",
        "a name of its own": "this too",
    }


def test_without_a_declaration_nothing_is_carried(pool: InterpreterThreadPoolExecutor) -> None:
    variables.request.set("left here")
    assert pool.submit(interpreter(variables.read)).result() == "no request"


def test_what_is_not_set_has_the_worker_s_default(declare: Declare) -> None:
    def read() -> tuple[Any, Any]:
        pool, tag = declare(variables.request, variables.user, variables.without_default)
        variables.user.set("set")
        with pytest.raises(LookupError, match="without_default"):
            pool.submit(tag(variables.read_without_default)).result()
        result: tuple[Any, Any] = pool.submit(tag(variables.read_both)).result()
        return result

    assert contextvars.Context().run(read) == ("no request", "set")


def test_none_is_a_value_like_others(declare: Declare) -> None:
    pool, tag = declare(variables.request)
    variables.request.set(None)
    assert pool.submit(tag(variables.read)).result() is None


def test_a_variable_that_was_reset_is_not_set_any_more(declare: Declare) -> None:
    def read() -> Any:
        pool, tag = declare(variables.request)
        token = variables.request.set("for a while")
        variables.request.reset(token)
        return pool.submit(tag(variables.read)).result()

    assert contextvars.Context().run(read) == "no request"


def test_a_call_carries_the_values_of_its_submit(declare: Declare, gate: Gate) -> None:
    pool, tag = declare(variables.request)
    variables.request.set("first")
    first = pool.submit(tag(variables.hold_request), gate.ends)
    variables.request.set("second")
    second = pool.submit(tag(variables.hold_request), gate.ends)
    variables.request.set("third")
    gate.open_wide()
    assert (first.result(), second.result()) == ("first", "second")


def test_a_value_that_is_changed_after_submit_has_crossed_before(declare: Declare, gate: Gate) -> None:
    pool, tag = declare(variables.request)
    rows = [1]
    variables.request.set(rows)
    future = pool.submit(tag(variables.hold_request), gate.ends)
    rows.append(2)
    gate.open_wide()
    assert future.result() == [1]


def test_map_carries_the_values_of_its_call(declare: Declare) -> None:
    pool, tag = declare(variables.request)
    variables.request.set("at the call")
    results = pool.map(tag(variables.read), range(10))
    variables.request.set("later")
    assert list(results) == ["at the call"] * 10


# ---- For the call alone


@pytest.mark.parametrize("fn", [variables.read, variables.read_in_loop])
def test_the_next_call_on_that_worker_sees_the_default(declare: Declare, fn: Callable[..., Any]) -> None:
    pool, tag = declare(variables.request)

    def carry() -> None:
        variables.request.set("carried")
        assert pool.submit(tag(fn)).result() == "carried"

    def next_call() -> Any:
        return pool.submit(tag(fn)).result(), pool.submit(interpreter(fn)).result()

    for _ in range(3):
        contextvars.Context().run(carry)
        assert contextvars.Context().run(next_call) == ("no request", "no request")


def test_a_call_that_fails_leaves_nothing_set(declare: Declare) -> None:
    pool, tag = declare(variables.request)

    def carry() -> None:
        variables.request.set("carried")
        with pytest.raises(ZeroDivisionError):
            pool.submit(tag(work.divide), 1, 0).result()

    contextvars.Context().run(carry)
    assert contextvars.Context().run(lambda: pool.submit(tag(variables.read)).result()) == "no request"


def test_a_call_that_is_stopped_leaves_nothing_set(declare: Declare, gate: Gate) -> None:
    pool, tag = declare(variables.request)

    def carry() -> None:
        variables.request.set("carried")
        future: Any = pool.submit(tag(endless.loop), gate.ends)
        gate.wait_for()
        assert future.interrupt()
        assert isinstance(future.exception(), TaskInterrupted)

    for _ in range(10):
        contextvars.Context().run(carry)
        assert contextvars.Context().run(lambda: pool.submit(tag(variables.read)).result()) == "no request"


@pytest.mark.parametrize("fn", [variables.replace, variables.replace_in_loop])
def test_what_the_worker_sets_does_not_come_back(declare: Declare, fn: Callable[..., Any]) -> None:
    pool, tag = declare(variables.request)
    variables.request.set("home's")
    assert [pool.submit(tag(fn), "the worker's").result() for _ in range(2)] == ["home's", "home's"]
    assert variables.request.get() == "home's"


@pytest.mark.parametrize("fn", [variables.replace, variables.replace_in_loop])
def test_what_the_worker_sets_is_gone_for_the_next_call_also_where_nothing_was_carried(
    declare: Declare, fn: Callable[..., Any]
) -> None:
    pool, tag = declare(variables.request)

    def call() -> list[Any]:
        return [pool.submit(tag(fn), "the worker's").result() for _ in range(2)]

    assert contextvars.Context().run(call) == ["no request", "no request"]


def test_a_value_changed_in_place_is_the_worker_s_own(declare: Declare) -> None:
    pool, tag = declare(variables.request)
    rows = list(range(100_000))
    variables.request.set(rows)
    for _ in range(2):
        assert pool.submit(tag(variables.append), "more").result() == [*range(100_000), "more"]
    assert len(rows) == 100_000


# ---- Values


@pytest.mark.parametrize(
    "value",
    [0, "text", b"bytes", 2.5, ("a", {"b": [1]}), shapes.Point(1, 2), {1, 2}, "x" * 5_000_000, shapes.Color],
    ids=lambda value: type(value).__name__,
)
def test_values_of_every_kind(declare: Declare, value: Any) -> None:
    pool, tag = declare(variables.request)
    variables.request.set(value)
    assert pool.submit(tag(work.describe), value).result() == pool.submit(tag(describe_request)).result()


def describe_request() -> tuple[str, str, str]:
    return work.describe(variables.request.get())


def test_memory_is_shared_for_the_call(declare: Declare) -> None:
    pool, tag = declare(variables.request)
    memory = bytearray(100_000)
    variables.request.set(memoryview(memory))
    pool.submit(tag(variables.write), 7).result()
    assert memory[0] == 7
    variables.request.get().release()
    memory.append(1)  # the worker no longer has a view


def test_memory_of_the_process_is_shared(declare: Declare) -> None:
    pool, tag = declare(variables.request)
    shared = SharedBuffer(10)
    variables.request.set(shared)

    def write() -> None:
        memoryview(variables.request.get())[3] = 5

    pool.submit(tag(write)).result()
    assert bytes(shared) == bytes([0, 0, 0, 5, 0, 0, 0, 0, 0, 0])


def test_memory_comes_back_from_a_call_that_never_ran(declare: Declare, gate: Gate) -> None:
    pool, tag = declare(variables.request)
    variables.request.set(None)
    held = pool.submit(interpreter(hold), gate.ends)
    gate.wait_for()
    memory = bytearray(100_000)
    variables.request.set(memoryview(memory))
    queued = pool.submit(tag(variables.write), 7)
    variables.request.get().release()
    with pytest.raises(BufferError):
        memory.append(1)
    assert queued.cancel()
    del queued
    variables.request.set(None)
    gate.open()
    held.result()
    pool.submit(interpreter(work.nothing)).result()
    memory.append(1)


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (shapes.make_generator(), ""),
        ({"rows": [0, shapes.make_generator()]}, "['rows'][1]"),
        (shapes.make_box_with_generator(), ""),
    ],
    ids=["value", "in containers", "in an object"],
)
def test_a_value_that_cannot_cross_is_named(declare: Declare, value: Any, path: str) -> None:
    pool, tag = declare(variables.request, variables.user)
    variables.user.set("fine")
    variables.request.set(value)
    future = pool.submit(tag(work.square), 3)
    error = future.exception()
    assert isinstance(error, NotTransferableError)
    assert str(error).startswith(f"context variables['support.variables:request']{path}")
    assert "generator objects cannot cross interpreters" in str(error)


def test_the_await_tells_what_cannot_cross(declare: Declare) -> None:
    pool, tag = declare(variables.request)

    async def main() -> None:
        variables.request.set(threading.Lock())
        future = pool.run(tag(work.square), 3)
        with pytest.raises(NotTransferableError, match=r"context variables\['support.variables:request'\]: .*lock"):
            await future

    asyncio.run(main(), debug=True)


def test_a_value_that_cannot_cross_harms_no_call_that_does_not_carry_it(declare: Declare) -> None:
    pool, tag = declare(variables.request)
    variables.user.set(threading.Lock())
    variables.request.set("fine")
    assert pool.submit(tag(variables.read)).result() == "fine"


def test_a_value_that_the_worker_cannot_make_is_the_call_s_error(declare: Declare) -> None:
    pool, tag = declare(variables.request)
    variables.request.set(shapes.FailsToUnpickle())
    for fn in (variables.read, variables.read_in_loop):
        assert pool.submit(tag(fn)).exception() is not None
    variables.request.set("fine")
    assert pool.submit(tag(variables.read)).result() == "fine"


# ---- Which context


def test_context_run_carries_that_context(declare: Declare) -> None:
    pool, tag = declare(variables.request)
    context = copy_context()
    context.run(variables.request.set, "in the context")
    variables.request.set("current")
    for call in (partial(context.run, tag(variables.read)), partial(context.run, partial(tag(variables.read), None))):
        assert pool.submit(call).result() == "in the context"
    assert pool.submit(context.run, tag(variables.read)).result() == "in the context"
    assert pool.submit(tag(variables.read)).result() == "current"


def test_an_empty_context_carries_nothing(declare: Declare) -> None:
    pool, tag = declare(variables.request)
    variables.request.set("current")
    assert pool.submit(contextvars.Context().run, tag(variables.read)).result() == "no request"


def test_of_nested_contexts_the_innermost_counts(declare: Declare) -> None:
    pool, tag = declare(variables.request)
    outer, inner = copy_context(), copy_context()
    outer.run(variables.request.set, "outer")
    inner.run(variables.request.set, "inner")
    assert pool.submit(outer.run, partial(inner.run, tag(variables.read))).result() == "inner"


def test_run_carries_a_given_context(declare: Declare) -> None:
    pool, tag = declare(variables.request)

    async def main() -> Any:
        context = copy_context()
        context.run(variables.request.set, "in the context")
        variables.request.set("current")
        return await pool.run(partial(context.run, tag(variables.read)))

    assert asyncio.run(main(), debug=True) == "in the context"


def test_a_context_changed_in_the_worker_is_not_changed_here(declare: Declare) -> None:
    pool, tag = declare(variables.request)
    context = copy_context()
    context.run(variables.request.set, "before")
    assert pool.submit(context.run, tag(variables.replace), "after").result() == "before"
    assert context[variables.request] == "before"


@pytest.mark.parametrize("way", [by_submit, by_run, by_run_in_executor, by_context_run])
@pytest.mark.parametrize("fn", [variables.read, variables.read_in_loop])
def test_a_hundred_tasks_have_each_their_own_value(make_pool: MakePool, way: Way, fn: Callable[..., Any]) -> None:
    pool = make_pool(2, context_vars=[variables.request])

    async def call(number: int) -> Any:
        variables.request.set(number)
        await asyncio.sleep(0)
        return await way(pool, interpreter(fn), None)

    async def main() -> list[Any]:
        return await asyncio.gather(*(call(number) for number in range(100)))

    assert asyncio.run(main()) == list(range(100))


def test_threads_have_each_their_own_value(declare: Declare) -> None:
    pool, tag = declare(variables.request)
    seen: dict[int, list[Any]] = {}

    def call(number: int) -> None:
        variables.request.set(number)
        seen[number] = [pool.submit(tag(variables.read)).result() for _ in range(20)]

    threads = [threading.Thread(target=call, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {number: [number] * 20 for number in range(5)}


def test_arguments_stand_beside_the_variables(declare: Declare) -> None:
    pool, tag = declare(variables.request)
    variables.request.set("carried")
    assert pool.submit(tag(variables.read_with), 1, third=3).result() == ("carried", 1, None, 3)
    assert pool.submit(partial(tag(variables.read_with), 1, third=3), 2).result() == ("carried", 1, 2, 3)
