"""Shutting down a pool or dropping it leaves nothing behind."""

import gc
import os
import threading
import weakref
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import gate as gates
from support import work
from support.gate import Gate
from support.protocols import MakePool, Tag
from support.scripts import run_script


def threads_of(prefix: str) -> list[threading.Thread]:
    """Living threads whose names start with this prefix."""
    return [thread for thread in threading.enumerate() if thread.name.startswith(prefix)]


def test_shutdown_waits_for_all_tasks(tag: Tag) -> None:
    pool = InterpreterThreadPoolExecutor(2, thread_name_prefix="waits")
    futures = [pool.submit(tag(work.sum_of_squares), 1000) for _ in range(50)]
    pool.shutdown()
    assert all(future.done() for future in futures)
    assert {future.result() for future in futures} == {work.sum_of_squares(1000)}
    assert threads_of("waits") == []


def test_with_shuts_down(tag: Tag) -> None:
    with InterpreterThreadPoolExecutor(2, thread_name_prefix="with") as pool:
        assert isinstance(pool, InterpreterThreadPoolExecutor)
        future = pool.submit(tag(work.square), 3)
    assert future.done()
    assert threads_of("with") == []


def test_with_lets_exceptions_out_after_the_tasks_have_ended(tag: Tag) -> None:
    with pytest.raises(LookupError), InterpreterThreadPoolExecutor(1) as pool:
        future = pool.submit(tag(work.square), 3)
        raise LookupError
    assert future.done()


def test_shutdown_without_waiting_lets_the_tasks_finish(gate: Gate, tag: Tag) -> None:
    pool = InterpreterThreadPoolExecutor(1, thread_name_prefix="no-wait")
    held = pool.submit(tag(gates.hold), gate.ends, "passed")
    gate.wait_for()
    pending = pool.submit(tag(work.square), 3)
    pool.shutdown(wait=False)
    assert not held.done()
    gate.open()
    assert (held.result(), pending.result()) == ("passed", 9)
    for thread in threads_of("no-wait"):
        thread.join()


def test_shutdown_can_cancel_what_has_not_started(gate: Gate, tag: Tag) -> None:
    pool = InterpreterThreadPoolExecutor(1)
    held = pool.submit(tag(gates.hold), gate.ends, "passed")
    gate.wait_for()
    pending = [pool.submit(tag(work.square), n) for n in range(20)]
    pool.shutdown(wait=False, cancel_futures=True)
    assert all(future.cancelled() for future in pending)
    gate.open()
    pool.shutdown()
    assert held.result() == "passed"


def test_submit_after_shutdown_is_refused(tag: Tag) -> None:
    pool = InterpreterThreadPoolExecutor(1)
    pool.submit(tag(work.square), 3).result()
    pool.shutdown()
    with pytest.raises(RuntimeError, match="cannot schedule new futures after shutdown"):
        pool.submit(tag(work.square), 3)


def test_shutting_down_twice_or_unused_is_fine() -> None:
    pool = InterpreterThreadPoolExecutor(2)
    pool.shutdown()
    pool.shutdown()
    pool.shutdown(wait=False, cancel_futures=True)


def test_several_threads_may_shut_down_at_once(gate: Gate, tag: Tag) -> None:
    pool = InterpreterThreadPoolExecutor(2)
    future = pool.submit(tag(gates.hold), gate.ends)
    threads = [threading.Thread(target=pool.shutdown) for _ in range(5)]
    for thread in threads:
        thread.start()
    gate.open()
    for thread in threads:
        thread.join()
    assert future.done()


def test_a_task_may_shut_its_own_pool_down_without_waiting() -> None:
    pool = InterpreterThreadPoolExecutor(1)
    assert pool.submit(lambda: pool.shutdown(wait=False)).result() is None
    with pytest.raises(RuntimeError):
        pool.submit(work.square, 3)
    pool.shutdown()


def test_a_dropped_pool_finishes_its_work_and_its_threads_end(gate: Gate, tag: Tag) -> None:
    pool = InterpreterThreadPoolExecutor(2, thread_name_prefix="dropped")
    futures = [pool.submit(tag(gates.hold), gate.ends, n) for n in range(10)]
    gate.wait_for(2)
    threads = threads_of("dropped")
    assert len(threads) == 2
    gone = weakref.ref(pool)
    del pool
    gc.collect()
    assert gone() is None
    gate.open_wide()
    assert [future.result() for future in futures] == list(range(10))
    for thread in threads:
        thread.join()


def test_a_dropped_idle_pool_ends_its_threads(tag: Tag) -> None:
    pool = InterpreterThreadPoolExecutor(2, thread_name_prefix="idle")
    pool.submit(tag(work.square), 3).result()
    threads = threads_of("idle")
    assert threads
    del pool
    gc.collect()
    for thread in threads:
        thread.join()


def test_a_pool_in_a_cycle_is_collected_and_ends_its_threads(tag: Tag) -> None:
    pool: Any = InterpreterThreadPoolExecutor(1, thread_name_prefix="cycle")
    pool.myself = pool
    pool.submit(tag(work.square), 3).result()
    threads = threads_of("cycle")
    del pool
    gc.collect()
    for thread in threads:
        thread.join()


def test_a_pool_that_is_referred_to_by_its_own_future_is_collected(tag: Tag) -> None:
    pool = InterpreterThreadPoolExecutor(1, thread_name_prefix="future-cycle")
    future: Any = pool.submit(tag(work.square), 3)
    future.pool = pool
    assert future.result() == 9
    threads = threads_of("future-cycle")
    del pool, future
    gc.collect()
    for thread in threads:
        thread.join()


def test_futures_outlive_their_pool(tag: Tag) -> None:
    def make() -> Future[list[int]]:
        with InterpreterThreadPoolExecutor(1) as pool:
            return pool.submit(tag(work.echo), [1, 2])

    future = make()
    gc.collect()
    assert future.result() == [1, 2]
    assert future.done()


def test_results_that_were_never_asked_for_can_be_read_after_the_worker_has_ended() -> None:
    from support import failures, shapes

    with InterpreterThreadPoolExecutor(1) as pool:
        points = pool.submit(interpreter(shapes.Point), 1, 2)
        error = pool.submit(interpreter(failures.fail_below))
    assert points.result() == shapes.Point(1, 2)
    assert isinstance(error.exception(), ValueError)


COUNT = """
import os, threading, time
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import work

def use():
    with InterpreterThreadPoolExecutor(2) as pool:
        assert list(pool.map(FUNCTION, range(10))) == [n * n for n in range(10)]

def count(folder):
    return len(os.listdir(f"/proc/self/{folder}"))

use()
files, threads, tasks = count("fd"), len(threading.enumerate()), count("task")
for _ in range(10):
    use()
print(count("fd") - files, len(threading.enumerate()) - threads)
while count("task") > tasks:  # Linux lists a thread until a moment after others have joined it
    time.sleep(0.001)
"""


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts the files of this process in /proc")
@pytest.mark.parametrize("function", ["work.square", "interpreter(work.square)"], ids=["untagged", "tagged"])
def test_pools_leave_no_open_files_and_no_threads(tmp_path: Path, function: str) -> None:
    run_script(tmp_path, COUNT.replace("FUNCTION", function)).check("0 0")


def test_a_new_pool_works_after_others_have_gone(make_pool: MakePool, tag: Tag) -> None:
    for n in range(10):
        with InterpreterThreadPoolExecutor(1) as pool:
            assert pool.submit(tag(work.square), n).result() == n * n


def test_threads_started_by_a_task_are_waited_for() -> None:
    reader, writer = os.pipe()
    with InterpreterThreadPoolExecutor(1) as pool:
        pool.submit(interpreter(work.start_thread_that_writes), writer).result()
    assert os.read(reader, 10) == b"."
    os.close(reader)
    os.close(writer)


def test_the_repr_of_a_pool_can_be_printed(make_pool: MakePool) -> None:
    assert "InterpreterThreadPoolExecutor" in repr(make_pool(1))
