"""Workers and interpreters: their number, the moment of their creation, their names."""

import os
import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import gate as gates
from support import work
from support.gate import Gate
from support.protocols import MakePool, Tag


def hold_everywhere(pool: InterpreterThreadPoolExecutor, gate: Gate, count: int) -> list[str]:
    """Run `count` tagged tasks at the same time. Return the interpreters in which they ran."""
    futures = [pool.submit(interpreter(gates.hold_then), gate.ends, work.here) for _ in range(count)]
    gate.wait_for(count)
    gate.open(count)
    return [future.result() for future in futures]


def test_max_workers_defaults_as_in_the_standard_library(make_pool: MakePool) -> None:
    with ThreadPoolExecutor() as original:
        assert make_pool()._max_workers == original._max_workers
    assert make_pool(3)._max_workers == 3
    assert make_pool(max_workers=4)._max_workers == 4


@pytest.mark.parametrize("count", [0, -1])
def test_max_workers_must_be_positive(count: int) -> None:
    with pytest.raises(ValueError, match="max_workers must be greater than 0"):
        InterpreterThreadPoolExecutor(count)


@pytest.mark.parametrize("count", [0, -1])
def test_max_interpreters_must_be_positive(count: int) -> None:
    with pytest.raises(ValueError, match="max_interpreters"):
        InterpreterThreadPoolExecutor(2, max_interpreters=count)


@pytest.mark.parametrize("count", ["2", 1.5, [2]])
def test_counts_must_be_integers(count: Any) -> None:
    with pytest.raises(TypeError):
        InterpreterThreadPoolExecutor(2, max_interpreters=count)


def test_max_interpreters_is_a_keyword() -> None:
    with pytest.raises(TypeError):
        InterpreterThreadPoolExecutor(2, "", None, (), 1)  # type: ignore[call-arg, misc, unused-ignore]


def test_the_initializer_must_be_callable() -> None:
    not_callable: Any = 5
    with pytest.raises(TypeError, match="initializer must be a callable"):
        InterpreterThreadPoolExecutor(2, initializer=not_callable)


def test_each_worker_has_an_interpreter_of_its_own(make_pool: MakePool, gate: Gate) -> None:
    places = hold_everywhere(make_pool(3), gate, 3)
    assert len({*places, work.HERE}) == 4


def test_no_more_than_max_interpreters_are_made(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(4, max_interpreters=2)
    assert len(set(hold_everywhere(pool, gate, 2))) == 2
    places = {future.result() for future in [pool.submit(interpreter(work.here)) for _ in range(100)]}
    assert len(places) <= 2


def test_one_interpreter_serves_all_tagged_tasks(make_pool: MakePool) -> None:
    pool = make_pool(4, max_interpreters=1)
    futures = [pool.submit(interpreter(work.here_and_count)) for _ in range(50)]
    results = [future.result() for future in futures]
    assert len({place for place, _ in results}) == 1
    assert [count for _, count in results] == list(range(1, 51))


def test_max_interpreters_may_exceed_max_workers(make_pool: MakePool, gate: Gate) -> None:
    assert len(set(hold_everywhere(make_pool(2, max_interpreters=50), gate, 2))) == 2


def test_max_interpreters_defaults_to_the_number_of_processors(make_pool: MakePool, gate: Gate) -> None:
    processors = os.process_cpu_count() or 1
    pool = make_pool()
    futures = [pool.submit(interpreter(gates.hold_then), gate.ends, work.here) for _ in range(processors)]
    gate.wait_for(processors)
    one_more = pool.submit(interpreter(work.here))
    gate.open(processors)
    places = {future.result() for future in futures}
    assert len(places) == processors
    assert one_more.result() in places


def test_an_interpreter_is_made_on_first_need_and_kept(make_pool: MakePool) -> None:
    arrivals, arrived = os.pipe()
    pool = make_pool(1, initializer=interpreter(work.write), initargs=(arrived, b"new"))
    pool.submit(work.nothing).result()
    os.write(arrived, b"untagged done, ")
    for _ in range(3):
        pool.submit(interpreter(work.nothing)).result()
        pool.submit(work.nothing).result()
    os.close(arrived)
    assert os.read(arrivals, 100) == b"untagged done, new"
    os.close(arrivals)


def test_tasks_one_after_the_other_use_one_worker(make_pool: MakePool) -> None:
    pool = make_pool(8)
    assert len({pool.submit(interpreter(work.here)).result() for _ in range(3)}) == 1


def test_untagged_tasks_one_after_the_other_use_one_thread(make_pool: MakePool) -> None:
    pool = make_pool(8)
    assert len({pool.submit(threading.get_ident).result() for _ in range(3)}) == 1


def test_all_workers_are_used_when_there_is_work(make_pool: MakePool, gate: Gate, tag: Tag) -> None:
    pool = make_pool(4)
    futures = [pool.submit(tag(gates.hold_then), gate.ends, threading.get_ident) for _ in range(4)]
    gate.wait_for(4)
    gate.open(4)
    assert len({future.result() for future in futures}) == 4


def test_untagged_tasks_do_not_wait_behind_tagged_ones(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(2, max_interpreters=1)
    tagged = [pool.submit(interpreter(gates.hold), gate.ends, n) for n in range(5)]
    gate.wait_for()
    assert pool.submit(work.square, 3).result() == 9
    gate.open(5)
    assert [future.result() for future in tagged] == list(range(5))


def test_tagged_tasks_do_not_wait_behind_untagged_ones(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(2)
    untagged = pool.submit(gates.hold, gate.ends, 1)
    gate.wait_for()
    assert [pool.submit(interpreter(work.square), n).result() for n in range(5)] == [0, 1, 4, 9, 16]
    gate.open()
    assert untagged.result() == 1


def test_a_worker_with_an_interpreter_also_runs_untagged_tasks(make_pool: MakePool) -> None:
    pool = make_pool(1)
    for n in range(10):
        assert pool.submit(interpreter(work.here)).result() != work.HERE
        assert pool.submit(work.here).result() == work.HERE
        assert pool.submit(work.square, n).result() == n * n


def test_tasks_of_one_worker_run_in_the_order_of_submission(make_pool: MakePool, gate: Gate, tag: Tag) -> None:
    pool = make_pool(1)
    held = pool.submit(gates.hold, gate.ends)
    gate.wait_for()
    reader, writer = os.pipe()
    futures = [pool.submit(tag(work.write), writer, bytes([n])) for n in range(100)]
    gate.open()
    wait([held, *futures])
    assert os.read(reader, 1000) == bytes(range(100))
    os.close(reader)
    os.close(writer)


def test_tagged_and_untagged_tasks_of_one_worker_run_in_the_order_of_submission(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(1)
    pool.submit(gates.hold, gate.ends)
    gate.wait_for()
    reader, writer = os.pipe()
    futures: list[Future[None]] = []
    for n in range(0, 60, 2):
        futures.append(pool.submit(interpreter(work.write), writer, bytes([n])))
        futures.append(pool.submit(work.write, writer, bytes([n + 1])))
    gate.open()
    wait(futures)
    assert os.read(reader, 1000) == bytes(range(60))
    os.close(reader)
    os.close(writer)


def test_threads_bear_the_prefix_and_a_number(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(3, thread_name_prefix="named")
    futures = [pool.submit(gates.hold_then, gate.ends, work.here_and_thread) for _ in range(3)]
    gate.wait_for(3)
    assert {"named_0", "named_1", "named_2"} <= {thread.name for thread in threading.enumerate()}
    gate.open(3)
    assert {future.result()[2] for future in futures} == {"named_0", "named_1", "named_2"}


def test_threads_have_a_name_without_a_prefix(make_pool: MakePool) -> None:
    name = make_pool(1).submit(work.here_and_thread).result()[2]
    assert name.startswith("ThreadPoolExecutor-")
    assert name.endswith("_0")


def test_the_thread_bears_the_same_name_in_its_interpreter(make_pool: MakePool) -> None:
    pool = make_pool(1, thread_name_prefix="worker")
    _, ident, name = pool.submit(work.here_and_thread).result()
    place, tagged_ident, tagged_name = pool.submit(interpreter(work.here_and_thread)).result()
    assert place != work.HERE
    assert (tagged_ident, tagged_name) == (ident, name) == (ident, "worker_0")


def test_workers_are_threads_that_can_be_seen(make_pool: MakePool) -> None:
    pool = make_pool(1, thread_name_prefix="seen")
    pool.submit(interpreter(work.nothing)).result()
    (thread,) = [thread for thread in threading.enumerate() if thread.name == "seen_0"]
    assert thread.is_alive()
    assert thread.ident == pool.submit(interpreter(threading.get_ident)).result()
    pool.shutdown()
    assert not thread.is_alive()


def test_many_pools_at_once_keep_their_tasks_apart(make_pool: MakePool) -> None:
    pools = [make_pool(1) for _ in range(6)]
    for n, pool in enumerate(pools):
        pool.submit(interpreter(work.remember), "pool", n).result()
    assert [pool.submit(interpreter(work.recall), "pool").result() for pool in pools] == list(range(6))


def test_many_threads_may_submit_to_one_pool(pool: InterpreterThreadPoolExecutor) -> None:
    results: dict[int, list[int]] = {}

    def use(number: int) -> None:
        futures = [pool.submit(interpreter(work.square), number * 1000 + n) for n in range(50)]
        results[number] = [future.result() for future in futures]

    threads = [threading.Thread(target=use, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {number: [(number * 1000 + n) ** 2 for n in range(50)] for number in range(8)}


def test_a_pool_made_in_a_thread_works_in_others() -> None:
    made: list[InterpreterThreadPoolExecutor] = []
    thread = threading.Thread(target=lambda: made.append(InterpreterThreadPoolExecutor(1)))
    thread.start()
    thread.join()
    assert made[0].submit(interpreter(work.square), 5).result() == 25
    other = threading.Thread(target=made[0].shutdown)
    other.start()
    other.join()
    with pytest.raises(RuntimeError):
        made[0].submit(work.square, 5)


def test_parallel_interpreters_can_import_the_same_modules_at_once(make_pool: MakePool, gate: Gate) -> None:
    modules = ["datetime", "decimal", "json", "asyncio", "struct", "cmath", "ctypes", "sqlite3", "zoneinfo", "ssl"]
    pool = make_pool(4)
    futures = [pool.submit(interpreter(gates.hold_then), gate.ends, work.import_modules, modules) for _ in range(4)]
    gate.wait_for(4)
    gate.open(4)
    assert [future.result() for future in futures] == [modules] * 4
