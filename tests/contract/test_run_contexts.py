"""The context in which results are decoded: that of who awaits, as it was when the call was made."""

import asyncio
import contextvars
import gc
import weakref
from collections.abc import Callable, Coroutine
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
    """Can be looked after by a weak reference."""


async def by_run(pool: InterpreterThreadPoolExecutor, fn: Callable[..., Any], *args: Any) -> Any:
    """As `run` says."""
    return await pool.run(fn, *args)


async def by_to_thread(pool: InterpreterThreadPoolExecutor, fn: Callable[..., Any], *args: Any) -> Any:
    """By the loop's executor."""
    asyncio.get_running_loop().set_default_executor(pool)
    return await asyncio.to_thread(interpreter(fn), *args)


async def by_run_in_executor(pool: InterpreterThreadPoolExecutor, fn: Callable[..., Any], *args: Any) -> Any:
    """By this executor."""
    return await asyncio.get_running_loop().run_in_executor(pool, interpreter(fn), *args)


async def by_wrap_future(pool: InterpreterThreadPoolExecutor, fn: Callable[..., Any], *args: Any) -> Any:
    """By hand."""
    return await asyncio.wrap_future(pool.submit(interpreter(fn), *args))


CALLS: list[Call] = [by_run, by_to_thread, by_run_in_executor, by_wrap_future]


@pytest.fixture
def pool(make_pool: MakePool) -> InterpreterThreadPoolExecutor:
    """One that the end of a loop may shut down."""
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
        assert variable.get() == n  # it is a copy that decoding changes

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


@pytest.mark.parametrize("way", loops.WAYS, ids=lambda way: way.__name__)
def test_it_counts_what_was_set_at_run(make_pool: MakePool, gate: Gate, run: Run, way: Way) -> None:
    pool = make_pool(1)

    async def main() -> None:
        held = pool.run(hold, gate.ends)
        gate.wait_for()
        variable.set("at run")
        calls = [pool.run(contexts.make) for _ in range(3)]
        variable.set("later")
        gate.open()
        await held
        for each in calls:
            assert (await way(each)).seen == "at run"
        assert variable.get() == "later"

    run(main())


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
        await call(pool, work.nothing)  # the loop goes on

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

    assert run(main()) == ("at run", "of the callback", "nothing")


def test_what_decoding_calls_may_use_the_loop(pool: InterpreterThreadPoolExecutor, run: Run) -> None:
    async def main() -> Decoded:
        decoded: Decoded = await pool.run(contexts.make)
        assert asyncio.current_task() is not None
        return decoded

    assert run(main()).seen == "nothing"
