"""Coroutine functions run in the event loops of the workers' interpreters, many at once in each."""

import asyncio
import functools
import inspect
import logging
import logging.handlers
import queue
import sys
from collections import Counter
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, NotTransferableError, Runner, TaskInterrupted, interpreter
from aiointerpreters.executors import Future
from support import coroutines, endless, failures, shapes, work
from support import gate as gates
from support.gate import Gate
from support.memory import wait_until_back
from support.protocols import MakePool
from support.scripts import run_script


def run(main: Coroutine[Any, Any, Any]) -> Any:
    """Run in a fresh loop, in debug mode: it complains about everything."""
    return asyncio.run(main, debug=True)


def call(pool: InterpreterThreadPoolExecutor, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Run one call and wait for it."""

    async def main() -> Any:
        return await pool.run(fn, *args, **kwargs)

    return run(main())


def submit(pool: InterpreterThreadPoolExecutor, fn: Callable[..., Any], /, *args: Any) -> Future[Any]:
    """Have a coroutine function run in an interpreter."""
    return pool.submit(interpreter(fn), *args)


# ---- Results


def test_results(pool: InterpreterThreadPoolExecutor) -> None:
    assert call(pool, coroutines.square, 3) == 9
    assert call(pool, coroutines.at_once, x=4) == 16
    assert call(pool, coroutines.echo_call, 1, [2], key=(3,)) == ((1, [2]), {"key": (3,)})
    assert call(pool, interpreter(coroutines.square), 5) == 25


def test_they_run_in_an_interpreter(pool: InterpreterThreadPoolExecutor) -> None:
    here, _, thread = call(pool, coroutines.place)
    assert here != work.HERE
    assert thread.startswith("shared")


def test_submit_and_map_run_tagged_ones(pool: InterpreterThreadPoolExecutor) -> None:
    tagged: Callable[..., Any] = interpreter(coroutines.square)
    assert pool.submit(tagged, 3).result() == 9
    tagged_square: Any = coroutines.tagged_square
    assert pool.submit(tagged_square, 4).result() == 16
    assert list(pool.map(tagged, range(20))) == [n * n for n in range(20)]


@pytest.mark.parametrize("chunksize", [1, 3, 100])
def test_map_in_chunks(pool: InterpreterThreadPoolExecutor, chunksize: int) -> None:
    square: Callable[..., Any] = coroutines.square
    assert list(pool.map(interpreter(square), range(20), chunksize=chunksize)) == [n * n for n in range(20)]


def test_a_chunk_fails_with_its_first_failure(pool: InterpreterThreadPoolExecutor) -> None:
    fail: Callable[..., Any] = coroutines.fail
    results = pool.map(interpreter(fail), [failures.Custom(1, "one"), failures.Custom(2, "two")], chunksize=2)
    with pytest.raises(failures.Custom) as caught:
        next(results)
    assert caught.value.args == (1, "one")


def test_a_runner_runs_them() -> None:
    async def main() -> list[Any]:
        async with Runner(workers=1) as runner:
            square: Callable[..., Any] = coroutines.square
            wrapped = runner.wrap(square)
            return [
                await runner.run(square, 3),
                await wrapped(4),
                [result async for result in runner.map(square, range(4))],
            ]

    assert run(main()) == [9, 16, [0, 1, 4, 9]]


def test_a_runner_runs_those_that_it_does_not_import() -> None:
    async def main() -> Any:
        async with Runner(workers=1) as runner:
            return await runner.run_module_function(("module", "support.coroutines", "square"), 5)

    assert run(main()) == 25


def test_to_thread_runs_a_tagged_one(make_pool: MakePool) -> None:
    async def main() -> Any:
        make_pool(1).set_as_event_loop_default()
        return await asyncio.to_thread(coroutines.tagged_square, 3)

    assert run(main()) == 9


def test_an_untagged_one_that_is_submitted_is_only_called(pool: InterpreterThreadPoolExecutor) -> None:
    made = pool.submit(coroutines.square, 3).result()
    assert asyncio.run(made) == 9


def test_a_tagged_one_still_is_a_coroutine_function() -> None:
    assert inspect.iscoroutinefunction(interpreter(coroutines.square))
    assert asyncio.run(interpreter(coroutines.square)(3)) == 9


def _make_closure(factor: int) -> Callable[[int], Coroutine[Any, Any, int]]:
    async def closure(x: int) -> int:
        await asyncio.sleep(0)
        return x * factor

    return closure


KINDS: dict[str, tuple[Callable[..., Any], int]] = {
    "partial": (functools.partial(coroutines.square, 3), 9),
    "partial of a tagged one": (functools.partial(coroutines.tagged_square, 3), 9),
    "tagged partial": (interpreter(functools.partial(coroutines.square, 3)), 9),
    "method": (functools.partial(coroutines.Squarer(2).method, 3), 18),
    "class method": (functools.partial(coroutines.Squarer.of_class, 3), 9),
    "static method": (functools.partial(coroutines.Squarer.of_nobody, 3), 9),
    "callable instance": (functools.partial(coroutines.Squarer(2), 3), 11),
    "decorated": (functools.partial(coroutines.decorated, 3), 9),
    "closure": (functools.partial(_make_closure(5), 3), 15),
}


@pytest.mark.parametrize(("fn", "result"), KINDS.values(), ids=KINDS.keys())
def test_every_kind(pool: InterpreterThreadPoolExecutor, fn: Callable[..., Any], result: int) -> None:
    assert call(pool, fn) == result
    tagged = fn if isinstance(fn, interpreter) else interpreter(fn)
    assert pool.submit(tagged).result() == result


def test_methods_and_instances_without_a_partial(pool: InterpreterThreadPoolExecutor) -> None:
    squarer = coroutines.Squarer(2)
    assert call(pool, squarer.method, 3) == 18
    assert call(pool, squarer, 3) == 11
    assert call(pool, coroutines.Squarer.of_class, 3) == 9
    assert call(pool, _make_closure(5), 3) == 15


UNAWAITED = pytest.mark.parametrize(
    ("fn", "kind"),
    [
        (coroutines.unmarked, "coroutine"),
        (coroutines.marked, "coroutine"),
        (coroutines.generate, "async_generator"),
        (lambda x: coroutines.square(x), "coroutine"),
    ],
    ids=["returns a coroutine", "is only marked", "asynchronous generator", "lambda"],
)


@UNAWAITED
def test_what_only_returns_something_to_await_is_refused(
    pool: InterpreterThreadPoolExecutor, fn: Callable[..., Any], kind: str
) -> None:
    with pytest.raises(NotTransferableError, match=f"result: {kind} objects cannot cross interpreters"):
        call(pool, fn, 3)


def test_arguments_that_do_not_fit(pool: InterpreterThreadPoolExecutor) -> None:
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        call(pool, coroutines.square)


def test_what_cannot_cross_is_told(pool: InterpreterThreadPoolExecutor) -> None:
    with pytest.raises(NotTransferableError, match="argument 0: generator objects cannot cross interpreters"):
        call(pool, coroutines.echo, shapes.empty_generator())
    with pytest.raises(NotTransferableError, match="result: generator objects cannot cross interpreters"):
        call(pool, coroutines.make_generator)


def test_large_arguments(pool: InterpreterThreadPoolExecutor) -> None:
    value = {"rows": list(range(100_000)), "text": "x" * 1_000_000, "bytes": bytes(5_000_000)}
    assert call(pool, coroutines.echo, value) == value


@pytest.mark.parametrize("fn", [coroutines.nbytes, coroutines.fail_at_once], ids=lambda fn: fn.__name__)
def test_lent_memory_is_back_with_the_result(make_pool: MakePool, fn: Callable[..., Any]) -> None:
    pool = make_pool(1)
    for _ in range(50):
        memory_here = bytearray(100)
        with memoryview(memory_here) as view:
            submit(pool, fn, view).exception()
        memory_here.append(1)


def test_lent_memory_is_back_when_a_cancelled_call_has_ended(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(1)
    memory_here = bytearray(100)

    async def main() -> None:
        with memoryview(memory_here) as view:
            future = pool.run(coroutines.hold, gate.ends, view)
        gate.wait_for()
        future.cancel()

    run(main())
    wait_until_back(memory_here)


def test_what_is_returned_of_lent_memory_is_the_same_memory(pool: InterpreterThreadPoolExecutor) -> None:
    memory_here = bytearray(b"abc")
    with memoryview(memory_here) as view:
        result = call(pool, coroutines.echo, view)
    memory_here[0] = ord("x")
    assert bytes(result) == b"xbc"


def test_the_initializer_runs_before(make_pool: MakePool) -> None:
    pool = make_pool(1, initializer=interpreter(work.remember), initargs=("config", 5))
    assert call(pool, coroutines.recall, "config") == 5


def test_a_loop_serves_all_calls_of_an_interpreter(make_pool: MakePool) -> None:
    pool = make_pool(1)
    places = {call(pool, coroutines.place) for _ in range(5)}
    assert len(places) == 1
    assert {pool.submit(interpreter(work.here)).result()} == {here for here, _, _ in places}


def test_asyncio_shows_the_coroutine_s_name(pool: InterpreterThreadPoolExecutor) -> None:
    name, shown, listed = call(pool, coroutines.use_names)
    assert name == "use_names"
    assert "use_names" in shown
    assert listed


# ---- Many at once


def test_a_thousand_at_once_in_one_interpreter(make_pool: MakePool) -> None:
    pool = make_pool(1)

    async def main() -> list[int]:
        return await asyncio.gather(*(pool.run(coroutines.meet, 1000) for _ in range(1000)))

    assert sorted(run(main())) == list(range(1, 1001))


def test_a_thousand_at_once_by_submit(make_pool: MakePool) -> None:
    pool = make_pool(1)
    futures = [submit(pool, coroutines.meet, 1000) for _ in range(1000)]
    assert sorted(future.result() for future in futures) == list(range(1, 1001))


def test_they_spread_over_the_interpreters(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(3)
    held = [submit(pool, coroutines.place_at_gate, gate.ends) for _ in range(30)]
    gate.wait_for(30)
    gate.open_wide()
    assert sorted(Counter(future.result() for future in held).values()) == [10, 10, 10]


def test_three_that_hold_up_their_loops_are_in_three_interpreters(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(3)
    futures = [submit(pool, coroutines.call, gates.hold_then, gate.ends, work.here) for _ in range(3)]
    gate.wait_for(3)
    gate.open(3)
    assert len({future.result() for future in futures}) == 3


def test_no_more_interpreters_than_allowed(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(4, max_interpreters=1)
    held = [submit(pool, coroutines.hold, gate.ends) for _ in range(4)]
    gate.wait_for(4)
    mixed: list[Future[Any]] = [submit(pool, coroutines.place) for _ in range(3)]
    mixed += [pool.submit(interpreter(work.here_and_thread)) for _ in range(3)]
    untagged = [pool.submit(work.here) for _ in range(3)]
    assert len({future.result()[0] for future in mixed}) == 1
    assert {future.result() for future in untagged} == {work.HERE}
    gate.open_wide()
    assert [future.result() for future in held] == [None] * 4


def test_they_are_no_obstacle_to_other_calls(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(1)
    held = submit(pool, coroutines.hold, gate.ends, "held")
    gate.wait_for()
    assert pool.submit(interpreter(work.square), 3).result() == 9
    assert pool.submit(work.square, 4).result() == 16
    gate.open()
    assert held.result() == "held"


@pytest.mark.parametrize("way", [gates.hold, endless.loop], ids=["in C", "in Python"])
def test_other_calls_are_no_obstacle_to_them(make_pool: MakePool, gate: Gate, way: Callable[..., Any]) -> None:
    pool = make_pool(1)
    assert submit(pool, coroutines.square, 2).result() == 4
    busy: Future[Any] = pool.submit(interpreter(way), gate.ends)
    gate.wait_for()
    assert [submit(pool, coroutines.square, n).result() for n in range(10)] == [n * n for n in range(10)]
    assert busy.running()
    gate.open()
    busy.interrupt()


def test_an_endless_step_is_no_obstacle_to_other_calls(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(1)
    stuck = submit(pool, coroutines.loop, gate.ends)
    gate.wait_for()
    assert [pool.submit(interpreter(work.square), n).result() for n in range(10)] == [n * n for n in range(10)]
    assert stuck.interrupt()
    assert isinstance(stuck.exception(), TaskInterrupted)


def test_a_worker_that_makes_its_loop_loses_no_call_that_waits_beside_it(make_pool: MakePool, gate: Gate) -> None:
    for other in (work.square, interpreter(work.square), interpreter(coroutines.square)):
        pool = make_pool(1)
        held = pool.submit(gates.hold, gate.ends)
        gate.wait_for()
        first = submit(pool, coroutines.square, 3)
        queued = [pool.submit(other, n) for n in range(3)]
        gate.open()
        assert first.result() == 9
        assert [future.result(20) for future in queued] == [0, 1, 4]
        assert held.result() is None


def test_one_call_tells_another_one_of_its_interpreter(make_pool: MakePool) -> None:
    pool = make_pool(1)

    async def main() -> Any:
        waiting = pool.run(coroutines.wait_for, "news")
        await pool.run(coroutines.square, 1)
        assert not waiting.done()
        return await asyncio.gather(waiting, pool.run(coroutines.tell, "news"))

    assert run(main()) == ["news", None]


# ---- asyncio inside

FACILITIES: dict[Callable[[], Coroutine[Any, Any, Any]], Any] = {
    coroutines.use_create_task: 2,
    coroutines.use_gather: 20,
    coroutines.use_task_group: 20,
    coroutines.use_timeout: "timed out",
    coroutines.use_queue: [0, 1, 2, 3, 4],
    coroutines.use_lock: ["a", "a", "b", "b"],
    coroutines.use_to_thread: (True, True),
    coroutines.use_call_later: "called",
    coroutines.use_subprocess: "out 0",
    coroutines.use_streams: b"HELLO\n",
    coroutines.use_context: ("nothing", "set here"),
    coroutines.use_async_generator: [3],
    coroutines.fail_in_callback: "ValueError",
    coroutines.child_that_leaves: "exit 3",
    coroutines.stop_loop: "goes on",
}


@pytest.mark.parametrize(("fn", "result"), FACILITIES.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_asyncio_works_inside(pool: InterpreterThreadPoolExecutor, fn: Callable[[], Any], result: Any) -> None:
    for _ in range(2):
        assert call(pool, fn) == result
    assert call(pool, coroutines.square, 3) == 9


def test_a_loop_cannot_be_run_inside(pool: InterpreterThreadPoolExecutor) -> None:
    with pytest.raises(RuntimeError, match=r"asyncio\.run\(\) cannot be called from a running event loop"):
        call(pool, coroutines.use_run)


def test_the_loop_cannot_be_closed_inside(pool: InterpreterThreadPoolExecutor) -> None:
    with pytest.raises(RuntimeError, match="Cannot close a running event loop"):
        call(pool, coroutines.close_loop)
    assert call(pool, coroutines.square, 3) == 9


def test_the_loop_may_be_stopped_while_others_run(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(1)
    held = submit(pool, coroutines.hold, gate.ends, "held")
    gate.wait_for()
    for _ in range(10):
        assert submit(pool, coroutines.stop_loop).result() == "goes on"
    gate.open()
    assert held.result() == "held"


def test_an_eager_loop_ends_with_its_pool(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        """
        from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
        from support import coroutines

        with InterpreterThreadPoolExecutor(1) as pool:
            pool.submit(interpreter(coroutines.run_eagerly), True).result()
            print(pool.submit(interpreter(coroutines.at_once), 3).result())
            print(list(pool.map(coroutines.tagged_square, range(4))))
        """,
    ).check("9", "[0, 1, 4, 9]")


def test_a_task_factory_that_fails_is_told_of(make_pool: MakePool) -> None:
    pool = make_pool(1)
    submit(pool, coroutines.refuse_tasks, True).result()
    assert isinstance(submit(pool, coroutines.square, 3).exception(), LookupError)
    assert pool.submit(interpreter(work.square), 3).result() == 9


@pytest.mark.parametrize("call", ["'send', None", "'throw', LookupError()", "'close'"])
def test_the_coroutine_of_a_call_refuses_to_be_driven_from_inside(tmp_path: Path, call: str) -> None:
    run_script(
        tmp_path,
        f"""
        from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
        from support import coroutines

        with InterpreterThreadPoolExecutor(1) as pool:
            print(pool.submit(interpreter(coroutines.meddle), {call}).result())
            print(pool.submit(coroutines.tagged_square, 3).result())
        """,
    ).check("coroutine already executing", "9")


def test_context_variables_are_each_call_s_own(make_pool: MakePool) -> None:
    pool = make_pool(1)
    results = [submit(pool, coroutines.use_context) for _ in range(5)]
    assert {future.result() for future in results} == {("nothing", "set here")}


def test_declared_context_variables_come_along(make_pool: MakePool) -> None:
    pool = make_pool(1, context_vars=[coroutines.variable])

    async def main() -> list[Any]:
        coroutines.variable.set("from home")
        return await asyncio.gather(*(pool.run(coroutines.use_context) for _ in range(3)))

    assert run(main()) == [("from home", "set here")] * 3


# ---- Exceptions


def test_an_exception_arrives_as_itself(pool: InterpreterThreadPoolExecutor) -> None:
    with pytest.raises(failures.Custom) as caught:
        call(pool, coroutines.fail, failures.Custom(7, "seven"))
    assert (caught.value.code, caught.value.detail) == (7, "seven")


def test_its_cause_shows_the_line_in_the_worker(pool: InterpreterThreadPoolExecutor) -> None:
    with pytest.raises(ValueError, match="no such row: 3") as caught:
        call(pool, coroutines.fail_below)
    shown = str(caught.value.__cause__)
    assert "in fail_below" in shown
    assert "failures.py" in shown
    assert "asyncio" not in shown


KINDS_OF_EXCEPTIONS: list[BaseException] = [
    ValueError("value"),
    SystemExit(3),
    KeyboardInterrupt("key"),
    GeneratorExit("generator"),
    StopAsyncIteration("stop"),
    TaskInterrupted("mine"),
    failures.OwnBase("own"),
    ExceptionGroup("several", [ValueError(1), KeyError(2)]),
    BaseExceptionGroup("several", [KeyboardInterrupt()]),
    asyncio.CancelledError("by itself"),
    TimeoutError(),
]


@pytest.mark.parametrize("fn", [coroutines.fail, coroutines.fail_at_once], ids=["after an await", "at once"])
@pytest.mark.parametrize("error", KINDS_OF_EXCEPTIONS, ids=lambda error: type(error).__name__)
def test_exceptions_of_every_kind(pool: InterpreterThreadPoolExecutor, fn: Callable[..., Any], error: BaseException) -> None:
    raised = submit(pool, fn, error).exception()
    assert type(raised) is type(error)
    assert repr(raised) == repr(error)
    assert call(pool, coroutines.square, 3) == 9


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()], ids=lambda error: type(error).__name__)
def test_what_ends_a_loop_elsewhere_does_not_end_the_worker_s(make_pool: MakePool, gate: Gate, error: BaseException) -> None:
    pool = make_pool(1)
    held = submit(pool, coroutines.hold, gate.ends, "held")
    gate.wait_for()
    assert type(submit(pool, coroutines.fail, error).exception()) is type(error)
    gate.open()
    assert held.result() == "held"


def test_stop_iteration_becomes_a_runtime_error_as_in_every_coroutine(pool: InterpreterThreadPoolExecutor) -> None:
    with pytest.raises(RuntimeError, match="coroutine raised StopIteration"):
        call(pool, coroutines.stop, 3)


def test_one_that_cancels_itself_cancels_the_await(pool: InterpreterThreadPoolExecutor) -> None:
    with pytest.raises(asyncio.CancelledError):
        call(pool, coroutines.cancel_itself)


# ---- Cancellation


async def _cancel(awaitable: Any) -> None:
    task = asyncio.ensure_future(awaitable)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def _cancel_task(coroutine: Any) -> None:
    await _cancel(asyncio.create_task(coroutine))


async def _time_out(awaitable: Any) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await awaitable


async def _wait_for(awaitable: Any) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(awaitable, 0.01)


async def _fail_beside(coroutine: Any) -> None:
    with pytest.raises(ExceptionGroup):
        async with asyncio.TaskGroup() as group:
            group.create_task(coroutine)
            group.create_task(coroutines.fail(LookupError()))


WAYS_TO_CANCEL: list[Callable[[Any], Coroutine[Any, Any, None]]] = [
    _cancel,
    _cancel_task,
    _time_out,
    _wait_for,
    _fail_beside,
]


@pytest.mark.parametrize("way", WAYS_TO_CANCEL, ids=lambda way: way.__name__.strip("_"))
def test_cancelling_the_await_cancels_the_call(
    pool: InterpreterThreadPoolExecutor, gate: Gate, tmp_path: Path, way: Callable[[Any], Coroutine[Any, Any, None]]
) -> None:
    path = tmp_path / "end"

    async def main() -> None:
        future = pool.run(coroutines.tell_end, gate.ends, str(path))
        gate.wait_for()
        await way(future)

    run(main())
    gate.wait_for()
    assert path.read_text() == "CancelledError\n"


def test_a_submitted_one_that_waits(pool: InterpreterThreadPoolExecutor, gate: Gate, tmp_path: Path) -> None:
    path = tmp_path / "end"
    future = submit(pool, coroutines.tell_end, gate.ends, str(path))
    gate.wait_for()
    assert future.running()
    assert not future.cancel()  # it runs
    assert future.interrupt()
    gate.wait_for()
    assert path.read_text() == "CancelledError\n"
    with pytest.raises(TaskInterrupted):
        future.result()
    assert not future.interrupt()
    assert not future.cancelled()


def test_a_call_may_swallow_the_cancellation(pool: InterpreterThreadPoolExecutor, gate: Gate, tmp_path: Path) -> None:
    path = tmp_path / "end"

    async def main() -> None:
        future = pool.run(coroutines.swallow, gate.ends, str(path))
        gate.wait_for()
        await _cancel(future)

    run(main())
    gate.wait_for()
    assert path.read_text() == "swallowed\n"


@pytest.mark.parametrize("fn", [coroutines.swallow, coroutines.fail_instead], ids=lambda fn: fn.__name__)
def test_an_interrupted_one_raises_that_whatever_it_does(
    pool: InterpreterThreadPoolExecutor, gate: Gate, tmp_path: Path, fn: Callable[..., Any]
) -> None:
    args = [gate.ends, str(tmp_path / "end")][: len(inspect.signature(fn).parameters)]
    future = submit(pool, fn, *args)
    gate.wait_for()
    assert future.interrupt()
    error = future.exception()
    assert isinstance(error, TaskInterrupted)
    if fn is coroutines.fail_instead:
        assert isinstance(error.__context__, LookupError)


@pytest.mark.slow
def test_one_that_goes_on_for_seconds_is_named_in_the_log(make_pool: MakePool, gate: Gate) -> None:
    records: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    handler = logging.handlers.QueueHandler(records)
    logger = logging.getLogger("aiointerpreters")
    logger.addHandler(handler)
    try:
        future = make_pool(1).submit(interpreter(coroutines.ignore), gate.ends)
        gate.wait_for()
        assert future.interrupt()
        gate.wait_for()
        text = records.get().getMessage()
    finally:
        logger.removeHandler(handler)
    assert text == "support.coroutines.ignore goes on in a worker's interpreter, seconds after it was interrupted"
    gate.open()
    assert isinstance(future.exception(), TaskInterrupted)


def test_the_await_does_not_wait_for_one_that_goes_on(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(1)

    async def main() -> None:
        future = pool.run(coroutines.ignore, gate.ends)
        gate.wait_for()
        await _cancel(future)
        assert await pool.run(coroutines.square, 3) == 9

    run(main())
    gate.wait_for()
    gate.open()


STUCK = [coroutines.loop, coroutines.loop_later, coroutines.return_endless]


@pytest.mark.parametrize("fn", STUCK, ids=lambda fn: fn.__name__)
def test_a_step_that_does_not_end_is_interrupted(
    pool: InterpreterThreadPoolExecutor, gate: Gate, fn: Callable[..., Any]
) -> None:
    future = submit(pool, fn, gate.ends)
    gate.wait_for()
    assert future.interrupt()
    assert isinstance(future.exception(), TaskInterrupted)
    assert call(pool, coroutines.square, 3) == 9


@pytest.mark.parametrize("fn", STUCK, ids=lambda fn: fn.__name__)
def test_cancelling_the_await_interrupts_a_step_that_does_not_end(
    make_pool: MakePool, gate: Gate, fn: Callable[..., Any]
) -> None:
    pool = make_pool(1)

    async def main() -> int:
        future = pool.run(fn, gate.ends)
        gate.wait_for()
        await _cancel(future)
        return await pool.run(coroutines.square, 3)

    assert run(main()) == 9


@pytest.mark.parametrize("way", [way for way in endless.WAYS if way is not endless.loop], ids=lambda way: way.__name__)
def test_every_way_to_be_endless_in_a_step(make_pool: MakePool, gate: Gate, way: Callable[..., Any]) -> None:
    pool = make_pool(1)
    future = submit(pool, coroutines.call, way, gate.ends)
    gate.wait_for()
    assert future.interrupt()
    assert isinstance(future.exception(), TaskInterrupted)
    assert submit(pool, coroutines.square, 3).result() == 9


def test_a_clean_up_that_does_not_end_is_interrupted(pool: InterpreterThreadPoolExecutor, gate: Gate) -> None:
    future = submit(pool, coroutines.loop_when_cancelled, gate.ends)
    gate.wait_for()
    assert future.interrupt()
    gate.wait_for()
    assert isinstance(future.exception(), TaskInterrupted)


def test_a_child_task_that_does_not_come_to_an_await_is_interrupted(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(1)
    future = submit(pool, coroutines.loop_in_child, gate.ends)
    gate.wait_for()
    assert future.interrupt()
    try:
        assert isinstance(future.exception(20), TaskInterrupted)
        assert submit(pool, coroutines.square, 3).result(20) == 9
    finally:
        pool._stop()


def test_an_interrupted_step_may_await_while_it_cleans_up(
    pool: InterpreterThreadPoolExecutor, gate: Gate, tmp_path: Path
) -> None:
    path = tmp_path / "end"
    future = submit(pool, coroutines.clean_up_with_awaits, gate.ends, str(path))
    gate.wait_for()
    assert future.interrupt()
    gate.wait_for()
    assert path.read_text() == "cleaned up\n"
    assert isinstance(future.exception(), TaskInterrupted)


def test_an_interrupt_hits_no_other_call_of_the_loop(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(1)
    others = [submit(pool, coroutines.wait_for, "the end") for _ in range(20)]
    stuck = submit(pool, coroutines.loop, gate.ends)
    gate.wait_for()
    assert stuck.interrupt()
    assert isinstance(stuck.exception(), TaskInterrupted)
    submit(pool, coroutines.tell, "the end").result()
    assert {future.result() for future in others} == {"the end"}


def test_what_is_shielded_inside_goes_on(make_pool: MakePool, gate: Gate, tmp_path: Path) -> None:
    pool = make_pool(1)
    path = tmp_path / "end"
    future = submit(pool, coroutines.shield, gate.ends, str(path))
    gate.wait_for()
    assert future.interrupt()
    assert isinstance(future.exception(), TaskInterrupted)
    gate.open()
    gate.wait_for()
    assert path.read_text() == "finished\n"


def test_one_that_has_not_started_is_cancelled_for_good(make_pool: MakePool, gate: Gate, tmp_path: Path) -> None:
    pool = make_pool(1)
    path = tmp_path / "end"
    busy = submit(pool, coroutines.hold_loop, gate.ends)
    gate.wait_for()
    cancelled = submit(pool, coroutines.tell_end, gate.ends, str(path))
    interrupted = submit(pool, coroutines.tell_end, gate.ends, str(path))
    last = submit(pool, coroutines.square, 3)
    assert cancelled.cancel()
    assert interrupted.interrupt()
    gate.open()
    assert last.result() == 9
    assert busy.result() is None
    for future in (cancelled, interrupted):
        assert future.cancelled()
        with pytest.raises(CancelledError):
            future.result()
    assert not path.exists()


def test_an_await_that_is_cancelled_before_the_call_starts(make_pool: MakePool, gate: Gate, tmp_path: Path) -> None:
    pool = make_pool(1)
    path = tmp_path / "end"

    async def main() -> int:
        busy = pool.run(coroutines.hold_loop, gate.ends)
        gate.wait_for()
        await _cancel(pool.run(coroutines.tell_end, gate.ends, str(path)))
        gate.open()
        await busy
        return await pool.run(coroutines.square, 3)

    assert run(main()) == 9
    assert not path.exists()


IMPORTED = """
import os, threading
if threading.current_thread() is not threading.main_thread():
    os.write({arrived}, b".")
    os.read({opened}, 1)

async def fn():
    return "imported"
"""


def test_cancelling_while_its_module_is_imported_leaves_the_module_whole(
    make_pool: MakePool, gate: Gate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrived, opened = gate.ends
    (tmp_path / "imported_by_loop.py").write_text(IMPORTED.format(arrived=arrived, opened=opened))
    monkeypatch.syspath_prepend(tmp_path)
    module = __import__("imported_by_loop")
    try:
        pool = make_pool(1)
        future = pool.submit(interpreter(module.fn))
        gate.wait_for()
        assert future.interrupt()
        gate.open()
        assert isinstance(future.exception(), TaskInterrupted)
        assert pool.submit(interpreter(module.fn)).result() == "imported"
    finally:
        del sys.modules["imported_by_loop"]


def test_an_import_that_fails_is_told(make_pool: MakePool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = "import threading\nassert threading.current_thread() is threading.main_thread()\nasync def fn(): pass\n"
    (tmp_path / "fails_in_loop.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    module = __import__("fails_in_loop")
    try:
        pool = make_pool(1)
        assert isinstance(pool.submit(interpreter(module.fn)).exception(), Exception)
        assert submit(pool, coroutines.square, 3).result() == 9
    finally:
        del sys.modules["fails_in_loop"]
