"""Future.interrupt stops the call in an interpreter, and nothing else."""

import logging
import logging.handlers
import queue
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, wait
from pathlib import Path
from typing import Any

import pytest

import aiointerpreters
from aiointerpreters import InterpreterThreadPoolExecutor, TaskInterrupted, interpreter
from aiointerpreters.executors import Future
from support import endless, failures, work
from support.gate import Gate, hold
from support.protocols import MakePool


@pytest.mark.parametrize("way", endless.WAYS, ids=lambda way: way.__name__)
def test_what_runs_is_stopped(pool: InterpreterThreadPoolExecutor, gate: Gate, way: Callable[..., Any]) -> None:
    future = pool.submit(interpreter(way), gate.ends)
    gate.wait_for()
    assert future.running()
    assert future.interrupt()
    with pytest.raises(TaskInterrupted):
        future.result()
    assert future.done()
    assert not future.cancelled()
    assert isinstance(future.exception(), TaskInterrupted)


@pytest.mark.parametrize("way", [endless.endless_result, endless.endless_text])
def test_a_result_that_does_not_come_to_an_end_is_stopped(
    pool: InterpreterThreadPoolExecutor, gate: Gate, way: Callable[..., Any]
) -> None:
    future = pool.submit(interpreter(way), gate.ends)
    gate.wait_for()
    assert future.interrupt()
    assert isinstance(future.exception(), TaskInterrupted)


def test_arguments_that_do_not_come_to_an_end_are_stopped(pool: InterpreterThreadPoolExecutor, gate: Gate) -> None:
    future = pool.submit(interpreter(work.echo), endless.EndlessArgument(gate.ends))
    gate.wait_for()
    assert future.interrupt()
    assert isinstance(future.exception(), TaskInterrupted)


def test_a_chunk_of_map_is_stopped(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(1)
    results = pool.map(interpreter(endless.loop_over_rows), [1, 2], [gate.ends] * 2, chunksize=2)
    gate.wait_for()
    with pytest.raises(KeyboardInterrupt), pool:
        raise KeyboardInterrupt
    with pytest.raises(TaskInterrupted):
        next(results)


def test_a_thread_that_is_left_and_waits_ends_with_a_block_that_is_stopped(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(1)
    with pytest.raises(KeyboardInterrupt), pool:
        pool.submit(interpreter(endless.leaves_a_thread_that_waits), gate.ends).result()
        gate.wait_for()
        raise KeyboardInterrupt


def test_the_worker_and_its_interpreter_stay(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(1)
    before = pool.submit(interpreter(work.here_and_thread)).result()
    for _ in range(5):
        future = pool.submit(interpreter(endless.loop), gate.ends)
        gate.wait_for()
        assert future.interrupt()
        assert isinstance(future.exception(), TaskInterrupted)
    assert pool.submit(interpreter(work.here_and_thread)).result() == before


def test_the_traceback_shows_where_it_was_stopped(pool: InterpreterThreadPoolExecutor, gate: Gate) -> None:
    future = pool.submit(interpreter(endless.loop), gate.ends)
    gate.wait_for()
    future.interrupt()
    error = future.exception()
    assert isinstance(error, TaskInterrupted)
    assert "endless.py" in str(error.__cause__)
    assert "in loop" in str(error.__cause__)


def test_it_is_no_exception_that_functions_handle_by_accident() -> None:
    assert TaskInterrupted.__bases__ == (BaseException,)
    assert aiointerpreters.TaskInterrupted is TaskInterrupted
    assert TaskInterrupted.__module__ == "aiointerpreters.errors"


def test_what_has_not_started_is_cancelled(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(1)
    first = pool.submit(interpreter(hold), gate.ends)
    gate.wait_for()
    queued = pool.submit(interpreter(work.square), 3)
    assert queued.interrupt()
    assert queued.cancelled()
    with pytest.raises(CancelledError):
        queued.result()
    assert not queued.interrupt()
    gate.open()
    assert first.result() is None


def test_what_has_ended_keeps_its_outcome(pool: InterpreterThreadPoolExecutor) -> None:
    good = pool.submit(interpreter(work.square), 3)
    bad = pool.submit(interpreter(failures.fail_below))
    refused = pool.submit(interpreter(work.echo), threading.Lock())
    futures: list[Future[Any]] = [good, bad, refused]
    wait(futures)
    for future in futures:
        assert not future.interrupt()
    assert good.result() == 9
    assert isinstance(bad.exception(), ValueError)


def test_a_thread_s_function_cannot_be_stopped(pool: InterpreterThreadPoolExecutor, gate: Gate) -> None:
    future = pool.submit(hold, gate.ends, "held")
    gate.wait_for()
    assert not future.interrupt()
    gate.open()
    assert future.result() == "held"


def test_interrupting_twice_is_as_good_as_once(pool: InterpreterThreadPoolExecutor, gate: Gate) -> None:
    future = pool.submit(interpreter(hold), gate.ends)
    gate.wait_for()
    assert future.interrupt()
    assert future.interrupt()
    gate.open()
    assert isinstance(future.exception(), TaskInterrupted)
    assert not future.interrupt()


def test_what_waits_in_c_is_stopped_when_it_returns(pool: InterpreterThreadPoolExecutor, gate: Gate) -> None:
    future = pool.submit(interpreter(hold), gate.ends)
    gate.wait_for()
    assert future.interrupt()
    assert future.running()
    gate.open()
    assert isinstance(future.exception(), TaskInterrupted)


def test_finally_is_executed(pool: InterpreterThreadPoolExecutor, gate: Gate, tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    future = pool.submit(interpreter(endless.cleans_up), gate.ends, str(marks))
    gate.wait_for()
    assert future.interrupt()
    assert isinstance(future.exception(), TaskInterrupted)
    assert marks.read_text() == "cleaned up"


@pytest.mark.parametrize("way", [endless.returns_instead, endless.fails_instead])
def test_an_interrupted_future_raises_that_whatever_the_function_does(
    pool: InterpreterThreadPoolExecutor, gate: Gate, way: Callable[..., Any]
) -> None:
    future = pool.submit(interpreter(way), gate.ends)
    gate.wait_for()
    assert future.interrupt()
    error = future.exception()
    assert isinstance(error, TaskInterrupted)
    if way is endless.fails_instead:
        assert isinstance(error.__context__, LookupError)


def test_callbacks_and_wait_see_the_end(pool: InterpreterThreadPoolExecutor, gate: Gate) -> None:
    future = pool.submit(interpreter(endless.loop), gate.ends)
    called = threading.Event()
    future.add_done_callback(lambda _: called.set())
    gate.wait_for()
    assert future.interrupt()
    assert wait([future]).done == {future}
    assert called.wait(60)
    assert isinstance(future._exception, TaskInterrupted)


@pytest.mark.parametrize("way", [endless.hook_of_its_own, endless.hook_on_hook])
def test_hooks_for_dropped_exceptions_may_take_several(make_pool: MakePool, gate: Gate, way: Callable[..., Any]) -> None:
    pool = make_pool(1)
    for _ in range(20):
        future = pool.submit(interpreter(way), gate.ends)
        gate.wait_for()
        while not future.done():  # an interrupt that strikes in the task's own hook is lost
            future.interrupt()
        assert isinstance(future.exception(), TaskInterrupted)
    assert pool.submit(interpreter(work.square), 3).result() == 9


def test_the_next_task_is_not_hit(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(1)
    for _ in range(100):
        stopped = pool.submit(interpreter(endless.loop), gate.ends)
        following = pool.submit(interpreter(endless.for_a_while), 100)
        gate.wait_for()
        assert stopped.interrupt()
        assert following.result() == 100
        assert isinstance(stopped.exception(), TaskInterrupted)


def test_a_task_that_goes_on_is_named_in_the_log(pool: InterpreterThreadPoolExecutor, gate: Gate) -> None:
    logged: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    handler = logging.handlers.QueueHandler(logged)
    logging.getLogger("aiointerpreters").addHandler(handler)
    try:
        future = pool.submit(interpreter(endless.ignores), gate.ends)
        gate.wait_for()
        assert future.interrupt()
        gate.wait_for()  # the function has swallowed the interrupt
        record = logged.get(timeout=60)
    finally:
        logging.getLogger("aiointerpreters").removeHandler(handler)
        gate.open()
    assert record.levelname == "WARNING"
    assert "support.endless.ignores" in record.getMessage()
    assert isinstance(future.exception(), TaskInterrupted)


def test_sys_unraisablehook_is_as_it_was(pool: InterpreterThreadPoolExecutor, gate: Gate) -> None:
    future = pool.submit(interpreter(endless.finalizers), gate.ends)
    gate.wait_for()
    assert future.interrupt()
    assert isinstance(future.exception(), TaskInterrupted)
    assert pool.submit(interpreter(work.unraisable_hook_is_original)).result()
