"""concurrent.futures.wait and as_completed with the pool's futures, alone and together with those of other executors."""

import os
import threading
from concurrent.futures import (
    ALL_COMPLETED,
    FIRST_COMPLETED,
    FIRST_EXCEPTION,
    Future,
    ThreadPoolExecutor,
    as_completed,
    wait,
)
from typing import Any

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import failures, work
from support import gate as gates
from support.gate import Gate
from support.protocols import MakePool, Tag


def test_wait_for_all(pool: InterpreterThreadPoolExecutor, tag: Tag) -> None:
    futures = [pool.submit(tag(work.square), n) for n in range(20)]
    done, not_done = wait(futures, return_when=ALL_COMPLETED)
    assert done == set(futures)
    assert not_done == set()


def test_wait_for_all_with_failures(pool: InterpreterThreadPoolExecutor, tag: Tag) -> None:
    futures = [pool.submit(tag(work.divide), 1, n) for n in (1, 0, 2)]
    assert wait(futures) == (set(futures), set())


def test_wait_for_the_first(make_pool: MakePool, gate: Gate, tag: Tag) -> None:
    pool = make_pool(2)
    held: Future[Any] = pool.submit(tag(gates.hold), gate.ends)
    gate.wait_for()
    quick: Future[Any] = pool.submit(tag(work.square), 3)
    assert wait([held, quick], return_when=FIRST_COMPLETED) == ({quick}, {held})
    gate.open()
    assert wait([held, quick]) == ({quick, held}, set())


def test_wait_for_the_first_of_those_that_are_done_already(make_pool: MakePool, gate: Gate, tag: Tag) -> None:
    pool = make_pool(2)
    held: Future[Any] = pool.submit(tag(gates.hold), gate.ends)
    quick: Future[Any] = pool.submit(tag(work.square), 3)
    quick.result()
    assert wait([held, quick], return_when=FIRST_COMPLETED) == ({quick}, {held})
    gate.open()


def test_wait_for_the_first_exception(make_pool: MakePool, gate: Gate, tag: Tag) -> None:
    pool = make_pool(2)
    held: Future[Any] = pool.submit(tag(gates.hold), gate.ends)
    gate.wait_for()
    good: Future[Any] = pool.submit(tag(work.square), 3)
    bad: Future[Any] = pool.submit(tag(failures.fail_below))
    done, not_done = wait([held, good, bad], return_when=FIRST_EXCEPTION)
    assert bad in done
    assert not_done == {held}
    gate.open()


def test_wait_for_the_first_exception_when_there_is_none(pool: InterpreterThreadPoolExecutor, tag: Tag) -> None:
    futures = [pool.submit(tag(work.square), n) for n in range(5)]
    assert wait(futures, return_when=FIRST_EXCEPTION) == (set(futures), set())


def test_wait_with_a_timeout(make_pool: MakePool, gate: Gate, tag: Tag) -> None:
    pool = make_pool(1)
    held: Future[Any] = pool.submit(tag(gates.hold), gate.ends)
    pending: Future[Any] = pool.submit(tag(work.square), 3)
    assert wait([held, pending], timeout=0) == (set(), {held, pending})
    assert wait([held, pending], timeout=0.01) == (set(), {held, pending})
    gate.open()
    assert wait([held, pending]) == ({held, pending}, set())


def test_wait_counts_cancelled_futures(make_pool: MakePool, gate: Gate, tag: Tag) -> None:
    pool = make_pool(1)
    held: Future[Any] = pool.submit(tag(gates.hold), gate.ends)
    gate.wait_for()
    pending: Future[Any] = pool.submit(tag(work.square), 3)
    pending.cancel()
    gate.open()
    assert wait([held, pending]) == ({held, pending}, set())


def test_a_wait_that_began_before_ends_with_the_cancellation(make_pool: MakePool, gate: Gate, tag: Tag) -> None:
    pool = make_pool(1)
    held: Future[Any] = pool.submit(tag(gates.hold), gate.ends)
    gate.wait_for()
    pending: Future[Any] = pool.submit(tag(work.square), 3)
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(wait([held, pending])))
    thread.start()
    pending.cancel()
    gate.open()
    thread.join()
    assert results == [({held, pending}, set())]


def test_as_completed_yields_each_future_when_it_is_done(make_pool: MakePool, tag: Tag) -> None:
    gates_ = [Gate() for _ in range(3)]
    pool = make_pool(3)
    futures = [pool.submit(tag(gates.hold), gate.ends, n) for n, gate in enumerate(gates_)]
    for gate in gates_:
        gate.wait_for()
    done = as_completed(futures)
    for n in (1, 2, 0):
        gates_[n].open()
        assert next(done) is futures[n]
    assert list(done) == []
    for gate in gates_:
        gate.dispose()


def test_as_completed_yields_done_and_doubled_futures_once(pool: InterpreterThreadPoolExecutor, tag: Tag) -> None:
    futures = [pool.submit(tag(work.square), n) for n in range(10)]
    futures[0].result()
    assert sorted(future.result() for future in as_completed([*futures, *futures])) == [n * n for n in range(10)]


def test_as_completed_with_a_timeout(make_pool: MakePool, gate: Gate, tag: Tag) -> None:
    pool = make_pool(2)
    held: Future[Any] = pool.submit(tag(gates.hold), gate.ends)
    quick: Future[Any] = pool.submit(tag(work.square), 3)
    quick.result()
    done = as_completed([held, quick], timeout=0)
    assert next(done) is quick
    with pytest.raises(TimeoutError):
        next(done)
    gate.open()


def test_futures_of_several_executors_together(pool: InterpreterThreadPoolExecutor, make_pool: MakePool) -> None:
    other = make_pool(1)
    with ThreadPoolExecutor(2) as original:
        futures: list[Future[int]] = []
        for n in range(30):
            futures.append(pool.submit(interpreter(work.square), n))
            futures.append(pool.submit(work.square, n))
            futures.append(original.submit(work.square, n))
            futures.append(other.submit(interpreter(work.square), n))
        assert sorted(future.result() for future in as_completed(futures)) == sorted([n * n for n in range(30)] * 4)
        assert wait(futures).not_done == set()


def test_several_threads_wait_for_overlapping_futures(make_pool: MakePool, gate: Gate, tag: Tag) -> None:
    pool = make_pool(2)
    futures = [pool.submit(tag(gates.hold), gate.ends, n) for n in range(20)]
    seen: list[int] = []
    starts = threading.Barrier(5)

    def look(first: int) -> None:
        starts.wait()
        seen.append(len(wait(futures[first:]).done))

    threads = [threading.Thread(target=look, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    starts.wait()
    gate.open_wide()
    for thread in threads:
        thread.join()
    assert sorted(seen) == [17, 18, 19, 20]


def test_wait_and_result_from_other_threads_agree(pool: InterpreterThreadPoolExecutor) -> None:
    for _ in range(50):
        futures = [pool.submit(interpreter(work.square), n) for n in range(10)]
        results: list[int] = []
        thread = threading.Thread(target=lambda f=futures, r=results: r.extend(x.result() for x in f))
        thread.start()
        assert len(wait(futures).done) == 10
        thread.join()
        assert results == [n * n for n in range(10)]


def test_a_future_that_nobody_waits_for_is_carried_out(make_pool: MakePool, tag: Tag) -> None:
    reader, writer = os.pipe()
    pool = make_pool(1)
    pool.submit(tag(work.write), writer, b"done")
    assert os.read(reader, 10) == b"done"
    pool.shutdown()
    os.close(reader)
    os.close(writer)
