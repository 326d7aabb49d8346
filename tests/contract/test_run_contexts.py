"""The context in which results are decoded: that of the awaiting code, otherwise that in which the call was made."""

import asyncio
import contextvars
import gc
import weakref
from collections.abc import Callable, Coroutine
from concurrent import futures
from typing import Any

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import contexts, loops, work
from support.contexts import Decoded, DecodedError, variable
from support.gate import Gate, hold
from support.loops import Run, Way
from support.protocols import MakePool

make_loop = loops.make_loop
run = loops.run

type Call = Callable[..., Coroutine[Any, Any, Any]]


class Value:
    """Supports weak references."""


async def by_run(pool: InterpreterThreadPoolExecutor, fn: Callable[..., Any], *args: Any) -> Any:
    """By `run`."""
    return await pool.run(fn, *args)


async def by_to_thread(pool: InterpreterThreadPoolExecutor, fn: Callable[..., Any], *args: Any) -> Any:
    """By to_thread, through the loop's default executor."""
    asyncio.get_running_loop().set_default_executor(pool)
    return await asyncio.to_thread(interpreter(fn), *args)


async def by_run_in_executor(pool: InterpreterThreadPoolExecutor, fn: Callable[..., Any], *args: Any) -> Any:
    """By run_in_executor, with this executor."""
    return await asyncio.get_running_loop().run_in_executor(pool, interpreter(fn), *args)


async def by_wrap_future(pool: InterpreterThreadPoolExecutor, fn: Callable[..., Any], *args: Any) -> Any:
    """By wrap_future."""
    return await asyncio.wrap_future(pool.submit(interpreter(fn), *args))


async def by_wrap_future_after_the_end(pool: InterpreterThreadPoolExecutor, fn: Callable[..., Any], *args: Any) -> Any:
    """By wrap_future, when the call has ended."""
    future = pool.submit(interpreter(fn), *args)
    futures.wait([future])
    return await asyncio.wrap_future(future)


CALLS: list[Call] = [by_run, by_to_thread, by_run_in_executor, by_wrap_future, by_wrap_future_after_the_end]


@pytest.fixture
def pool(make_pool: MakePool) -> InterpreterThreadPoolExecutor:
    """A pool that the end of a loop may shut down."""
    return make_pool(2)


@pytest.fixture(params=CALLS, ids=lambda call: call.__name__)
def call(request: pytest.FixtureRequest) -> Call:
    """Ways to call and await."""
    found: Call = request.param
    return found


def test_each_result_is_decoded_in_the_context_of_its_call(
    pool: InterpreterThreadPoolExecutor, run: Run, call: Call
) -> None:
    async def one(n: int) -> None:
        variable.set(n)
        decoded = await call(pool, contexts.make)
        assert (decoded.seen, decoded.by_reduce) == (n, n)
        assert variable.get() == n  # decoding changes a copy

    async def main() -> None:
        await asyncio.gather(*map(one, range(50)))
        assert variable.get() == "nothing"

    run(main())


def test_each_exception_is_decoded_in_the_context_of_its_call(
    pool: InterpreterThreadPoolExecutor, run: Run, call: Call
) -> None:
    async def one(n: int) -> None:
        variable.set(n)
        with pytest.raises(DecodedError) as caught:
            await call(pool, contexts.fail)
        assert caught.value.seen == n

    async def main() -> None:
        await asyncio.gather(*map(one, range(20)))

    run(main())


def test_where_nobody_awaits_it_yet_it_counts_what_was_set_at_run(make_pool: MakePool, run: Run) -> None:
    pool = make_pool(1)

    async def main() -> None:
        variable.set("at run")
        call = pool.run(contexts.make)
        variable.set("later")
        while not call.done():
            await pool.run(work.nothing)
        assert (await call).seen == "at run"
        assert variable.get() == "later"

    run(main())


@pytest.mark.parametrize("way", loops.WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("call", [contexts.make, contexts.fail], ids=["result", "exception"])
def test_who_awaits_it_before_it_has_ended_lends_the_context(
    make_pool: MakePool, gate: Gate, run: Run, way: Way, call: Any
) -> None:
    """The call is made in one context and awaited in another one."""
    pool = make_pool(1)

    async def awaiter(future: Any) -> Any:
        variable.set("of who awaits")
        try:
            seen = (await way(future)).seen
        except DecodedError as error:
            seen = error.seen
        assert variable.get() == "of who awaits"
        return seen

    async def main() -> None:
        variable.set("at run")
        held = pool.run(hold, gate.ends)
        future = pool.run(call)
        task = asyncio.create_task(awaiter(future))
        for _ in range(5):
            await asyncio.sleep(0)
        gate.wait_for()
        gate.open()
        await held
        if way is not loops.in_a_task_group or call is contexts.make:
            # The loop in the other thread waits in a context that `to_thread` has copied from the awaiting code.
            assert await task == "of who awaits"
        else:
            with pytest.raises(ExceptionGroup) as caught:
                await task
            assert [error.seen for error in caught.value.exceptions] == ["of who awaits"]  # type: ignore[union-attr]
        assert variable.get() == "at run"

    run(main())


@pytest.mark.parametrize("wrap", [lambda future: future, loops.plainly], ids=["itself", "in a coroutine"])
def test_a_task_lends_the_context_that_it_was_given(make_pool: MakePool, gate: Gate, run: Run, wrap: Any) -> None:
    pool = make_pool(1)

    async def main() -> None:
        held = pool.run(hold, gate.ends)
        context = contextvars.copy_context()
        context.run(variable.set, "of the task")
        variable.set("at run")
        first = asyncio.create_task(wrap(pool.run(contexts.make)), context=context)
        second = asyncio.create_task(wrap(pool.run(contexts.make)), context=context)
        await asyncio.sleep(0)
        context.run(variable.set, "of the task, later")
        gate.wait_for()
        gate.open()
        await held
        assert [(await first).seen, (await second).seen] == ["of the task, later"] * 2
        assert context[variable] == "of the task, later"  # decoding changes a copy

    run(main())


def test_who_awaits_it_counts_before_other_callbacks(make_pool: MakePool, gate: Gate, run: Run) -> None:
    pool = make_pool(1)

    async def awaiter(future: Any, name: str) -> Any:
        variable.set(name)
        return (await future).seen

    async def main() -> None:
        held = pool.run(hold, gate.ends)
        future = pool.run(contexts.make)
        contextvars.Context().run(future.add_done_callback, print_nothing)
        tasks = [asyncio.create_task(awaiter(future, name)) for name in ("first", "last")]
        await asyncio.sleep(0)
        contextvars.Context().run(future.add_done_callback, print_nothing)
        future.add_done_callback(print_nothing, context=contextvars.Context())
        gate.wait_for()
        gate.open()
        await held
        assert [await task for task in tasks] == ["last", "last"]

    run(main())


def print_nothing(_: object) -> None:
    """A done callback, as in programs that keep a set of their calls."""


def test_the_first_call_of_a_loop_lends_its_context_to_no_other(
    pool: InterpreterThreadPoolExecutor, run: Run, call: Call
) -> None:
    async def first() -> None:
        variable.set("of the first")
        await call(pool, work.nothing)

    async def main() -> Any:
        await asyncio.create_task(first())
        return (await call(pool, contexts.make)).seen

    assert run(main()) == "nothing"


def test_a_loop_keeps_nothing_of_its_callers_contexts(pool: InterpreterThreadPoolExecutor, run: Run, call: Call) -> None:
    references: list[weakref.ref[Value]] = []

    async def caller() -> None:
        value = Value()
        references.append(weakref.ref(value))
        variable.set(value)
        del value
        await call(pool, contexts.make)
        await asyncio.gather(*(call(pool, work.square, n) for n in range(10)))

    async def main() -> None:
        await asyncio.create_task(caller())
        await asyncio.sleep(0)
        gc.collect()
        assert [reference() for reference in references] == [None]
        await call(pool, work.nothing)  # the loop works on

    run(main())


def test_a_cancelled_call_keeps_nothing_of_its_context(make_pool: MakePool, gate: Gate, run: Run) -> None:
    pool = make_pool(1)
    references: list[weakref.ref[Value]] = []

    async def caller() -> None:
        value = Value()
        references.append(weakref.ref(value))
        variable.set(value)
        del value
        await pool.run(work.nothing)

    async def main() -> None:
        held = pool.run(hold, gate.ends)
        gate.wait_for()
        task = asyncio.create_task(caller())
        for _ in range(3):
            await asyncio.sleep(0)
        task.cancel()
        await loops.cancelled(task)
        del task
        await asyncio.sleep(0)
        gc.collect()
        assert [reference() for reference in references] == [None]
        gate.open()
        await held

    run(main())


def test_callbacks_keep_their_own_contexts(pool: InterpreterThreadPoolExecutor, run: Run) -> None:
    async def main() -> Any:
        seen: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        variable.set("at run")
        future = pool.run(contexts.make)
        variable.set("of the callback")
        future.add_done_callback(lambda ended: seen.set_result((ended.result().seen, variable.get())))
        context = contextvars.Context()
        also: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        future.add_done_callback(lambda _: also.set_result(variable.get()), context=context)
        return *(await seen), await also

    assert run(main())[1:] == ("of the callback", "nothing")


def test_without_anybody_else_the_last_callback_counts(make_pool: MakePool, gate: Gate, run: Run) -> None:
    pool = make_pool(1)

    async def main() -> Any:
        held = pool.run(hold, gate.ends)
        seen: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        future = pool.run(contexts.make)
        future.add_done_callback(print_nothing)
        context = contextvars.Context()
        context.run(variable.set, "of the callback")
        future.add_done_callback(lambda ended: seen.set_result(ended.result().seen), context=context)
        gate.wait_for()
        gate.open()
        await held
        return await seen

    assert run(main()) == "of the callback"


def test_what_decoding_calls_may_use_the_loop(pool: InterpreterThreadPoolExecutor, run: Run) -> None:
    async def main() -> Decoded:
        decoded: Decoded = await pool.run(contexts.make)
        assert asyncio.current_task() is not None
        return decoded

    assert run(main()).seen == "nothing"
