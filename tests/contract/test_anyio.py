"""`aiointerpreters.anyio.run_sync`: `anyio.to_thread.run_sync` for interpreters, on asyncio and on Trio.

Tests of behaviour that both functions share run with both.
"""

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Protocol, assert_type

import anyio
import anyio.from_thread
import anyio.lowlevel
import anyio.to_thread
import pytest
from anyio import wait_all_tasks_blocked

from aiointerpreters import NotTransferableError, TaskInterrupted, interpreter
from aiointerpreters.anyio import current_default_interpreter_limiter, run_sync
from support import endless, failures, shapes, variables, work
from support.gate import Ends, Gate, hold
from support.threads import run_in_threads

BACKENDS: dict[str, tuple[str, dict[str, Any]]] = {
    "asyncio": ("asyncio", {"debug": True}),
    "uvloop": ("asyncio", {"use_uvloop": True}),
    "trio": ("trio", {}),
}

INTERPRETERS = os.process_cpu_count() or 1

type Run = Callable[..., Any]


class RunSync(Protocol):
    """Either of the two functions."""

    def __call__(
        self,
        fn: Callable[..., Any],
        /,
        *args: Any,
        limiter: anyio.CapacityLimiter | None = None,
        abandon_on_cancel: bool = False,
    ) -> Coroutine[Any, Any, Any]: ...


@pytest.fixture(params=BACKENDS)
def run(request: pytest.FixtureRequest) -> Run:
    """Runs an async function in a loop of its own."""
    backend, options = BACKENDS[request.param]
    pytest.importorskip("uvloop" if "use_uvloop" in options else backend)
    return partial(anyio.run, backend=backend, backend_options=options)


@pytest.fixture(params=[run_sync, anyio.to_thread.run_sync], ids=["interpreter", "thread"])
def call(request: pytest.FixtureRequest) -> RunSync:
    """Both functions, for tests of the behaviour that they share."""
    function: RunSync = request.param
    return function


@pytest.fixture
def wide() -> anyio.CapacityLimiter:
    """Limits nothing."""
    return anyio.CapacityLimiter(1000)


async def arrival(gate: Gate, count: int = 1) -> None:
    """Wait until this number of further tasks has come to the gate. This wait cannot be cancelled."""
    await anyio.to_thread.run_sync(gate.wait_for, count)


# ---- Results


@pytest.mark.filterwarnings("ignore::aiointerpreters.FallbackWarning")
def test_a_call_can_have_a_lane_or_a_fallback(run: Run) -> None:
    assert run(partial(run_sync, os.getpid, lane="process")) != os.getpid()
    assert run(run_sync, interpreter(os.getpid, lane="process")) != os.getpid()
    lock = threading.Lock()
    assert run(partial(run_sync, work.is_same, lock, lock, fallback="thread")) is True
    with pytest.raises(ValueError, match="has no fallback"):
        run(partial(run_sync, work.square, 3, fallback="thread", lane="process"))


@pytest.mark.parametrize("fn", [work.square, interpreter(work.square), work.tagged_square, lambda n: n * n, shapes.Adder(6)])
def test_results(run: Run, call: RunSync, fn: Callable[..., Any]) -> None:
    assert run(call, fn, 3) == 9


def test_it_runs_in_an_interpreter_tagged_or_not(run: Run) -> None:
    for fn in (work.here, interpreter(work.here), partial(interpreter(work.here)), shapes.Counter().place):
        assert run(run_sync, fn) != work.HERE


def test_keywords_take_a_partial(run: Run, call: RunSync) -> None:
    assert run(call, partial(work.echo_call, 1, limiter=2), 3) == ((1, 3), {"limiter": 2})
    with pytest.raises(TypeError, match="unexpected keyword argument 'x'"):
        run(partial(call, work.square, x=3))  # type: ignore[call-arg]


def test_exceptions_arrive_as_themselves(run: Run, call: RunSync) -> None:
    with pytest.raises(failures.Custom) as caught:
        run(call, failures.fail_with_custom)
    assert caught.value.args == (7, "seven")


@pytest.mark.parametrize("error", [failures.OwnBase("base"), SystemExit(3), KeyboardInterrupt()])
def test_exceptions_that_are_no_exception(run: Run, error: BaseException) -> None:
    async def main() -> None:
        with pytest.raises(type(error)):
            await run_sync(failures.fail, error)

    run(main)


def test_stop_iteration_becomes_a_runtime_error(run: Run, call: RunSync) -> None:
    with pytest.raises(RuntimeError, match="StopIteration"):
        run(call, failures.stop, 1)


def test_what_cannot_cross_is_named(run: Run) -> None:
    with pytest.raises(NotTransferableError, match=r"argument 1\['rows'\]\[0\]: generator objects cannot cross"):
        run(run_sync, work.echo_call, 0, {"rows": [shapes.empty_generator()]})
    with pytest.raises(NotTransferableError, match="result: generator objects cannot cross interpreters"):
        run(run_sync, shapes.make_generator)


@pytest.mark.parametrize("value", [5, None, "square"])
def test_only_callables_can_be_run(run: Run, value: Any) -> None:
    with pytest.raises(TypeError, match="needs a callable, not"):
        run(run_sync, value)


def test_many_at_once(run: Run, call: RunSync) -> None:
    results: dict[int, int] = {}

    async def one(number: int) -> None:
        results[number] = await call(work.square, number)

    async def main() -> None:
        async with anyio.create_task_group() as group:
            for number in range(200):
                group.start_soon(one, number)

    run(main)
    assert results == {number: number**2 for number in range(200)}


def test_coroutine_functions_run_in_the_worker_s_loop(run: Run) -> None:
    async def double(number: int) -> tuple[int, str]:
        await asyncio.sleep(0)
        return 2 * number, work.here()

    for fn in (double, interpreter(double), partial(double)):
        doubled, place = run(run_sync, fn, 4)
        assert doubled == 8
        assert place != work.HERE


def test_declared_context_variables_are_carried(run: Run) -> None:
    async def main() -> Any:
        variables.request.set("carried")
        return await run_sync(interpreter.with_context(variables.request)(variables.read)), await run_sync(variables.read)

    assert run(main) == ("carried", "no request")


def test_memory_is_shared(run: Run) -> None:
    memory = bytearray(100_000)

    def write(view: memoryview) -> None:
        view[5] = 7

    run(run_sync, write, memoryview(memory))
    assert memory[5] == 7
    memory.append(1)  # the worker has no view any more


def test_the_loop_goes_on_while_workers_are_busy(run: Run, call: RunSync, gate: Gate) -> None:
    results: list[Any] = []

    async def held() -> None:
        results.append(await call(hold, gate.ends, "held"))

    async def main() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(held)
            await arrival(gate)
            for _ in range(10):
                await anyio.lowlevel.checkpoint()
            assert results == []
            gate.open()  # only this loop can open it

    run(main)
    assert results == ["held"]


# ---- Where it runs


def test_loops_one_after_the_other_use_the_same_interpreters() -> None:
    places = {anyio.run(run_sync, work.here, backend=backend) for backend in ("asyncio", "trio") for _ in range(10)}
    assert len(places) <= INTERPRETERS


def test_loops_in_several_threads_at_once() -> None:
    def use(number: int) -> None:
        async def main() -> list[int]:
            return [await run_sync(work.square, n) for n in range(number, number + 20)]

        backend = ("asyncio", "trio")[number % 2]
        assert anyio.run(main, backend=backend) == [n * n for n in range(number, number + 20)]

    run_in_threads(4, use)


def test_without_anyio_run() -> None:
    trio = pytest.importorskip("trio")
    assert trio.run(run_sync, work.square, 3) == 9
    assert asyncio.run(run_sync(work.square, 3), debug=True) == 9


def test_outside_of_a_loop_it_says_so(call: RunSync) -> None:
    coroutine: Any = call(work.square, 3)
    with pytest.raises(RuntimeError, match="event loop"):
        coroutine.send(None)
    with pytest.raises(RuntimeError, match="event loop"):
        current_default_interpreter_limiter()


def test_from_a_thread_of_the_loop(run: Run, call: RunSync) -> None:
    def in_thread() -> Any:
        return anyio.from_thread.run(call, work.square, 3)

    assert run(anyio.to_thread.run_sync, in_thread) == 9


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_from_a_portal(backend: str, call: RunSync) -> None:
    with anyio.from_thread.start_blocking_portal(backend) as portal:
        futures = [portal.start_task_soon(call, work.square, n) for n in range(10)]
        assert [future.result() for future in futures] == [n * n for n in range(10)]


def test_threads_names_tell_whose_they_are(run: Run) -> None:
    _, _, name = run(run_sync, work.here_and_thread)
    assert name.startswith("aiointerpreters.anyio_")


# ---- Limiters


def test_the_default_limiter_lets_through_as_many_as_there_are_interpreters(run: Run) -> None:
    async def main() -> anyio.CapacityLimiter:
        limiter = current_default_interpreter_limiter()
        assert limiter is current_default_interpreter_limiter()
        assert limiter is not anyio.to_thread.current_default_thread_limiter()
        assert limiter.total_tokens == INTERPRETERS
        return limiter

    assert run(main) is not run(main)


def test_the_default_limiter_limits(run: Run, gate: Gate) -> None:
    async def main() -> None:
        limiter = current_default_interpreter_limiter()
        limiter.total_tokens = 1
        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(partial(run_sync, hold, gate.ends))
            await arrival(gate)
            await wait_all_tasks_blocked()
            assert limiter.borrowed_tokens == 1
            assert limiter.statistics().tasks_waiting == 2
            gate.open_wide()
        assert limiter.borrowed_tokens == 0

    run(main)


def test_a_limiter_of_one_s_own_is_waited_for(run: Run, call: RunSync, gate: Gate) -> None:
    order: list[str] = []

    async def one(limiter: anyio.CapacityLimiter, name: str) -> None:
        order.append(await call(hold, gate.ends, name, limiter=limiter))

    async def main() -> None:
        limiter = anyio.CapacityLimiter(1)
        async with anyio.create_task_group() as group:
            group.start_soon(one, limiter, "first")
            await arrival(gate)
            group.start_soon(one, limiter, "second")
            await wait_all_tasks_blocked()
            assert limiter.statistics().tasks_waiting == 1
            assert await call(work.square, 3) == 9  # uses the default limiter
            gate.open()
            await arrival(gate)
            assert order == ["first"]
            gate.open()

    run(main)
    assert order == ["first", "second"]


def test_a_limiter_gets_its_tokens_back_whatever_happens(run: Run, call: RunSync) -> None:
    async def main() -> None:
        limiter = anyio.CapacityLimiter(1)
        for fn in (failures.fail_below, shapes.make_generator, work.nothing):
            with contextlib.suppress(ValueError, NotTransferableError):
                await call(fn, limiter=limiter)
            assert limiter.borrowed_tokens == 0
        with pytest.raises(failures.Custom):
            await call(failures.fail_with_custom, limiter=limiter)
        with anyio.CancelScope() as scope:
            scope.cancel()
            await call(work.nothing, limiter=limiter)
        assert limiter.borrowed_tokens == 0

    run(main)


def test_who_waits_for_a_limiter_can_be_cancelled(run: Run, call: RunSync, gate: Gate) -> None:
    async def main() -> None:
        limiter = anyio.CapacityLimiter(1)
        async with anyio.create_task_group() as group:
            group.start_soon(partial(call, hold, gate.ends, limiter=limiter))
            await arrival(gate)
            async with anyio.create_task_group() as inner:
                inner.start_soon(partial(call, hold, gate.ends, limiter=limiter))
                await wait_all_tasks_blocked()
                inner.cancel_scope.cancel()
            assert limiter.statistics().tasks_waiting == 0
            gate.open()
        gate.open()
        assert await call(hold, gate.ends, "next", limiter=limiter) == "next"

    run(main)


def test_a_task_that_holds_a_token_itself_is_treated_as_with_threads(run: Run) -> None:
    async def outcome(call: RunSync) -> str:
        async with anyio.CapacityLimiter(2) as limiter:
            try:
                return str(await call(work.square, 3, limiter=limiter))
            except RuntimeError as error:
                return str(error)

    async def main() -> None:
        assert await outcome(run_sync) == await outcome(anyio.to_thread.run_sync)

    run(main)


def test_a_limiter_may_be_wider_than_the_executor(run: Run, wide: anyio.CapacityLimiter) -> None:
    async def main() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(10 * INTERPRETERS):
                group.start_soon(partial(run_sync, work.nothing, limiter=wide))

    run(main)
    assert wide.borrowed_tokens == 0


# ---- Cancelling


def test_a_cancelled_scope_is_seen_before_the_call(run: Run, call: RunSync, gate: Gate) -> None:
    async def main() -> None:
        for abandon in (False, True):
            with anyio.CancelScope() as scope:
                scope.cancel()
                await call(hold, gate.ends, abandon_on_cancel=abandon)
            assert scope.cancelled_caught
        gate.open()
        assert await call(hold, gate.ends, "only this came") == "only this came"
        await arrival(gate)

    run(main)


def test_who_awaits_is_shielded_until_the_call_has_ended(run: Run, call: RunSync, gate: Gate) -> None:
    seen: list[Any] = []

    async def held() -> None:
        seen.append(await call(hold, gate.ends, "held"))
        await anyio.lowlevel.checkpoint()
        seen.append("never")

    async def main() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(held)
            await arrival(gate)
            group.cancel_scope.cancel()
            with anyio.CancelScope(shield=True):
                await wait_all_tasks_blocked()
                assert seen == []
                gate.open()
        assert group.cancel_scope.cancel_called

    run(main)
    assert seen == ["held"]


def test_a_shielded_call_s_exception_arrives(run: Run, call: RunSync, gate: Gate) -> None:
    def held_then_fails(ends: Ends) -> None:
        hold(ends)
        raise failures.Custom(5, "five")

    async def main() -> None:
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as group:
                group.start_soon(arrival_then, gate, scope)
                with pytest.raises(failures.Custom):
                    await call(held_then_fails, gate.ends)

    async def arrival_then(gate: Gate, scope: anyio.CancelScope) -> None:
        await arrival(gate)
        scope.cancel()
        gate.open()

    run(main)


def writes_when_stopped(ends: Ends) -> None:
    """Arrive at the gate, and a second time when stopped."""
    try:
        endless.loop(ends)
    except TaskInterrupted:
        endless.arrive(ends)
        raise


async def is_stopped_in_loop(ends: Ends) -> None:
    """The same for a coroutine function."""
    endless.arrive(ends)
    try:
        await asyncio.sleep(1000)
    finally:
        endless.arrive(ends)


@pytest.mark.parametrize("fn", [writes_when_stopped, interpreter(writes_when_stopped), is_stopped_in_loop])
def test_an_abandoned_call_is_stopped(run: Run, gate: Gate, fn: Callable[..., Any]) -> None:
    async def main() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(partial(run_sync, fn, gate.ends, abandon_on_cancel=True))
            await arrival(gate)
            group.cancel_scope.cancel()
        assert group.cancel_scope.cancelled_caught
        await arrival(gate)
        for _ in range(2 * INTERPRETERS):
            assert await run_sync(work.square, 3) == 9

    run(main)


def test_who_abandons_a_call_does_not_wait_for_it(run: Run, call: RunSync, gate: Gate) -> None:
    async def main() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(partial(call, hold, gate.ends, abandon_on_cancel=True))
            await arrival(gate)
            group.cancel_scope.cancel()
        gate.open()  # the call has waited in C until here
        with anyio.CancelScope(shield=True):
            assert await call(work.square, 3) == 9

    run(main)


def test_an_abandoned_call_that_has_not_started_never_does(run: Run, gate: Gate, wide: anyio.CapacityLimiter) -> None:
    async def main() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(INTERPRETERS):
                group.start_soon(partial(run_sync, hold, gate.ends, limiter=wide))
            await arrival(gate, INTERPRETERS)
            async with anyio.create_task_group() as inner:
                inner.start_soon(partial(run_sync, endless.loop, gate.ends, limiter=wide, abandon_on_cancel=True))
                await wait_all_tasks_blocked()
                inner.cancel_scope.cancel()
            gate.open_wide()
        assert [await run_sync(work.square, n) for n in range(2 * INTERPRETERS)] == [n * n for n in range(2 * INTERPRETERS)]

    run(main)


def test_move_on_after_stops_what_is_abandoned(run: Run) -> None:
    async def main() -> None:
        for _ in range(INTERPRETERS + 1):
            with anyio.move_on_after(0.05) as scope:
                await run_sync(endless.loop, None, abandon_on_cancel=True)
            assert scope.cancelled_caught
        assert await run_sync(work.square, 3) == 9

    run(main)


def test_fail_after_stops_what_is_abandoned(run: Run) -> None:
    async def main() -> None:
        for _ in range(INTERPRETERS + 1):
            with pytest.raises(TimeoutError), anyio.fail_after(0.05):
                await run_sync(endless.loop, None, abandon_on_cancel=True)
        assert await run_sync(work.square, 3) == 9

    run(main)


def test_a_task_group_that_fails_stops_what_is_abandoned(run: Run, gate: Gate) -> None:
    async def fail() -> None:
        await arrival(gate)
        await run_sync(failures.fail_with_custom, limiter=anyio.CapacityLimiter(1))

    async def main() -> None:
        with pytest.raises(ExceptionGroup) as caught:
            async with anyio.create_task_group() as group:
                group.start_soon(partial(run_sync, is_stopped_in_loop, gate.ends, abandon_on_cancel=True))
                group.start_soon(fail)
        assert [type(error) for error in caught.value.exceptions] == [failures.Custom]
        await arrival(gate)

    run(main)


def test_a_result_that_is_there_is_not_lost_to_a_late_cancellation(run: Run, call: RunSync) -> None:
    async def main() -> int:
        with anyio.CancelScope() as scope:
            result: int = await call(work.square, 3, abandon_on_cancel=True)
            scope.cancel()
        return result

    assert run(main) == 9


def test_cancelled_again_and_again(run: Run, gate: Gate) -> None:
    async def main() -> None:
        for _ in range(50):
            async with anyio.create_task_group() as group:
                group.start_soon(partial(run_sync, endless.loop, gate.ends, abandon_on_cancel=True))
                await arrival(gate)
                group.cancel_scope.cancel()
        assert current_default_interpreter_limiter().borrowed_tokens == 0
        assert await run_sync(work.square, 3) == 9

    run(main)


def test_asyncio_s_own_cancellation_goes_on_at_once_as_with_a_thread(call: RunSync, gate: Gate) -> None:
    """The shield is AnyIO's. `task.cancel()` ignores it."""

    async def main() -> None:
        task = asyncio.ensure_future(call(hold, gate.ends))
        await arrival(gate)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        gate.open()

    asyncio.run(main(), debug=True)


# ---- Types


def test_types_are_kept(run: Run) -> None:
    async def main() -> None:
        assert_type(await run_sync(work.square, 3), int)
        assert_type(await run_sync(interpreter(work.square), 3), int)
        assert_type(await run_sync(work.describe, 3, abandon_on_cancel=True), tuple[str, str, str])
        with pytest.raises(TypeError):
            await run_sync(work.square)  # type: ignore[arg-type, call-arg, unused-ignore]
        with pytest.raises(TypeError):
            await run_sync(work.square, 1, 2)  # type: ignore[arg-type, call-arg, unused-ignore]

    run(main)


def test_a_coroutine_function_s_type_is_that_of_its_result(run: Run) -> None:
    async def double(number: int) -> int:
        return 2 * number

    async def main() -> None:
        assert_type(await run_sync(double, 4), int)

    run(main)


def test_threads_are_no_daemons_and_are_seen() -> None:
    anyio.run(run_sync, work.nothing)
    ours = [thread for thread in threading.enumerate() if thread.name.startswith("aiointerpreters.anyio_")]
    assert ours
    assert not any(thread.daemon for thread in ours)
