"""Private parts of ThreadPoolExecutor that other libraries use."""

import queue
from concurrent.futures import Future, as_completed, wait
from concurrent.futures import thread as standard
from typing import Any

import pytest

import aiointerpreters
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import work
from support.gate import Gate, hold
from support.protocols import MakePool, Tag


def drain(pool: InterpreterThreadPoolExecutor) -> list[Any]:
    """Take out the waiting calls in the way of google-cloud-pubsub."""
    items = []
    work_queue: Any = pool._work_queue
    try:
        while True:
            items.append(work_queue.get(block=False))
    except queue.Empty:
        return items


def test_calls_can_be_taken_out_of_the_queue(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(1)
    running = pool.submit(hold, gate.ends, 1)
    gate.wait_for()
    futures = [pool.submit(work.square, n) for n in range(3)] + [pool.submit(sorted, [1, 2], reverse=True)]
    items = drain(pool)
    assert [item.args for item in items] == [(0,), (1,), (2,), ([1, 2],)]
    assert [item.fn for item in items] == [work.square] * 3 + [sorted]
    assert items[3].kwargs == {"reverse": True}
    assert items[0].task == (work.square, (0,), {})
    assert [item.future for item in items] == futures
    assert pool._work_queue.empty()
    gate.open()
    assert running.result() == 1
    pool.shutdown()
    assert [future.done() for future in futures] == [False] * 4


def test_who_takes_a_call_may_run_or_cancel_it(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(1)
    pool.submit(hold, gate.ends)
    gate.wait_for()
    run, failing, cancelled, told = (pool.submit(work.divide, 6, n) for n in (2, 0, 1, 1))
    seen: list[Any] = []
    told.add_done_callback(seen.append)
    items = drain(pool)
    for item in items[:2]:
        item.run()
    for item in items[2:]:
        assert item.future.cancel()
        item.run()
    assert run.result() == 3
    assert isinstance(failing.exception(), ZeroDivisionError)
    assert cancelled.cancelled()
    assert seen == [told]
    gate.open()


def test_tagged_calls_stay(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(1)
    pool.submit(interpreter(hold), gate.ends)
    gate.wait_for()
    future = pool.submit(interpreter(work.square), 3)
    assert drain(pool) == []
    gate.open()
    assert future.result() == 9


def test_an_empty_queue_says_so(make_pool: MakePool) -> None:
    work_queue: Any = make_pool(1)._work_queue
    for get in (work_queue.get_nowait, lambda: work_queue.get(timeout=0.1), work_queue.get):
        with pytest.raises(queue.Empty):
            get()
    assert not work_queue.full()
    work_queue.put(None)  # wakes the standard library's threads
    work_queue.put_nowait(None)
    assert work_queue.qsize() == 0


def test_more_workers_later(make_pool: MakePool, gate: Gate, tag: Tag) -> None:
    pool = make_pool(1)
    futures = [pool.submit(tag(hold), gate.ends, n) for n in range(4)]
    gate.wait_for()
    pool._max_workers = 3
    gate.wait_for(2)
    assert len(pool._threads) == 3
    gate.open(4)
    gate.wait_for()
    assert [future.result() for future in futures] == [0, 1, 2, 3]


def test_more_workers_before_there_is_work(make_pool: MakePool, gate: Gate, tag: Tag) -> None:
    pool = make_pool(1)
    pool._max_workers = 2
    assert pool._max_workers == 2
    futures = [pool.submit(tag(hold), gate.ends, n) for n in range(2)]
    gate.wait_for(2)
    gate.open(2)
    assert [future.result() for future in futures] == [0, 1]


def test_fewer_workers_later(make_pool: MakePool, gate: Gate, tag: Tag) -> None:
    pool = make_pool(4)
    pool._max_workers = 1
    futures = [pool.submit(tag(hold), gate.ends, n) for n in range(3)]
    gate.wait_for()
    assert len(pool._threads) == 1
    gate.open(3)
    gate.wait_for(2)
    assert [future.result() for future in futures] == [0, 1, 2]


def test_max_interpreters_stays_when_it_was_given(make_pool: MakePool, gate: Gate) -> None:
    pool = InterpreterThreadPoolExecutor(1, max_interpreters=1)
    with pool:
        pool._max_workers = 4
        assert "of 4 threads" in repr(pool)
        assert "of 1 interpreters" in repr(pool)


def test_threads_are_among_the_standard_library_s(make_pool: MakePool) -> None:
    pool = make_pool(2)
    pool.submit(work.square, 3).result()
    queues: Any = standard._threads_queues
    for thread in pool._threads:
        assert queues[thread] is pool._work_queue
        queues[thread].put(None)
        del queues[thread]
    assert pool.submit(work.square, 3).result() == 9


def test_adjusting_the_threads_starts_those_that_are_missing(make_pool: MakePool) -> None:
    pool = make_pool(2)
    pool._adjust_thread_count()
    assert len(pool._threads) == 0


def test_repr_of_an_executor(make_pool: MakePool, gate: Gate) -> None:
    pool = InterpreterThreadPoolExecutor(3, "name", max_interpreters=2)
    assert repr(pool).startswith("<InterpreterThreadPoolExecutor 'name' at 0x")
    assert repr(pool).endswith(": 0 of 3 threads, 0 of 2 interpreters, 0 busy, 0 queued>")
    futures = [pool.submit(interpreter(hold), gate.ends) for _ in range(2)]
    gate.wait_for(2)
    queued = [pool.submit(interpreter(work.square), n) for n in range(5)]
    assert "2 of 2 interpreters, 2 busy, 5 queued" in repr(pool)
    gate.open(2)
    for future in [*futures, *queued]:
        future.result()
    pool.shutdown()
    assert repr(pool).endswith("0 queued, shut down>")
    assert "broken" in repr(broken())


def broken() -> InterpreterThreadPoolExecutor:
    """An executor whose initializer has failed."""
    pool = InterpreterThreadPoolExecutor(1, initializer=interpreter(work.divide), initargs=(1, 0))
    pool.submit(interpreter(work.square), 3).exception()
    pool.shutdown()
    return pool


def test_repr_of_a_future_names_the_call(make_pool: MakePool, gate: Gate, tag: Tag) -> None:
    pool = make_pool(1)
    held = pool.submit(interpreter(hold), gate.ends)
    gate.wait_for()
    future = pool.submit(tag(work.square), 3)
    assert repr(future) == f"<Future at {id(future):#x} state=pending call=support.work.square>"
    assert repr(held) == f"<Future at {id(held):#x} state=running call=support.gate.hold>"
    gate.open()
    future.result()
    assert repr(future) == f"<Future at {id(future):#x} state=finished returned int>"  # as the standard library's


def test_repr_of_a_future_without_a_call() -> None:
    from aiointerpreters.executors import Future as OurFuture

    future: Future[int] = OurFuture()
    assert repr(future) == f"<Future at {id(future):#x} state=pending>"


def test_wait_and_as_completed_are_the_standard_library_s() -> None:
    ours: tuple[Any, Any] = (aiointerpreters.wait, aiointerpreters.as_completed)
    assert ours == (wait, as_completed)
