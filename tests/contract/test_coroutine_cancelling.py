"""Coroutine functions in workers: their exceptions, and how cancellation travels to them."""

import asyncio
import inspect
import logging
import logging.handlers
import queue
import sys
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, TaskInterrupted, interpreter
from support import coroutines, endless, failures
from support.calls import call, submit
from support.gate import Gate
from support.protocols import MakePool


def run(main: Coroutine[Any, Any, Any]) -> Any:
    """Run in a new loop in debug mode, because it reports every misuse."""
    return asyncio.run(main, debug=True)


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
    assert not future.cancel()  # it is running
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
    beginning = "support.coroutines.ignore still runs in a worker's interpreter, seconds after it was interrupted: "
    assert text == beginning + "it may catch TaskInterrupted, or be inside C code"
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


def test_a_child_task_is_interrupted_when_no_call_of_its_loop_is_wanted_any_more(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(1)
    others = [submit(pool, coroutines.wait_for, "the end") for _ in range(3)]
    future = submit(pool, coroutines.loop_in_child, gate.ends)
    gate.wait_for()
    assert all(each.interrupt() for each in [future, *others])
    try:
        assert {type(each.exception(20)) for each in [future, *others]} == {TaskInterrupted}
        assert submit(pool, coroutines.square, 3).result(20) == 9
    finally:
        pool._stop()


@pytest.mark.parametrize(
    "fn", [coroutines.clean_up_for_long, coroutines.clean_up_a_step_for_long], ids=["when cancelled", "when interrupted"]
)
def test_a_clean_up_is_left_alone(
    pool: InterpreterThreadPoolExecutor, gate: Gate, tmp_path: Path, fn: Callable[..., Any]
) -> None:
    path = tmp_path / "end"
    future = submit(pool, fn, gate.ends, str(path))
    gate.wait_for()
    assert future.interrupt()
    assert isinstance(future.exception(), TaskInterrupted)
    assert path.read_text() == "cleaned up\n"


def test_what_is_dropped_between_steps_brings_an_interrupt_to_nobody_else(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(1)
    first = call(pool, coroutines.place)
    for _ in range(5):
        future = submit(pool, coroutines.leave_what_is_busy_when_dropped, gate.ends)
        gate.wait_for()
        assert future.interrupt()
        assert call(pool, coroutines.square, 3) == 9
    assert call(pool, coroutines.place) == first


@pytest.mark.parametrize("how", ["send", "throw", "close"])
def test_a_coroutine_that_is_being_closed_cannot_go_on(make_pool: MakePool, how: str) -> None:
    pool = make_pool(1)
    assert submit(pool, coroutines.close_itself, how).exception(20) is not None
    assert call(pool, coroutines.square, 3) == 9
    assert pool.submit(interpreter(coroutines.last_kept)).result() == "coroutine already executing"


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
