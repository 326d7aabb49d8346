"""A drop-in for ThreadPoolExecutor: in threads, in other interpreters, many at once, and at the end of the process."""

import sys
import threading
from collections.abc import Callable
from concurrent.futures import wait
from pathlib import Path
from typing import Any

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import places, work
from support.kinds import Gone, Kind, join_all, same_as_original, states
from support.protocols import MakePool
from support.scripts import TESTS, run_script

KINDS = ["untagged", "tagged"]


def in_thread[R](fn: Callable[[], R]) -> R:
    """Call in a thread of its own."""
    results: list[R] = []
    thread = threading.Thread(target=lambda: results.append(fn()))
    thread.start()
    thread.join()
    return results[0]


@pytest.mark.parametrize("name", KINDS)
def test_here(name: str) -> None:
    assert places.observe(name) == places.observe("original")


@pytest.mark.parametrize("name", KINDS)
def test_in_a_thread(name: str) -> None:
    assert in_thread(lambda: places.observe(name)) == in_thread(lambda: places.observe("original"))


@pytest.mark.parametrize("name", KINDS)
def test_in_a_worker(make_pool: MakePool, name: str) -> None:
    pool = make_pool(1)
    expected = pool.submit(interpreter(places.observe), "original").result()
    assert pool.submit(interpreter(places.observe), name).result() == expected
    assert expected == places.observe("original")


@pytest.mark.parametrize("name", KINDS)
def test_left_behind_in_a_worker(name: str) -> None:
    with InterpreterThreadPoolExecutor(1) as pool:
        assert pool.submit(interpreter(places.leave_behind), name).result() == 25


@pytest.mark.skipif(sys.version_info < (3, 14), reason="concurrent.interpreters is new in 3.14")
@pytest.mark.parametrize("name", KINDS)
def test_in_an_interpreter_of_the_standard_library(name: str) -> None:
    from concurrent import interpreters

    place = interpreters.create()
    try:
        place.exec(f"import sys; sys.path.insert(0, {str(TESTS)!r})")
        seen = [place.call(places.observe, kind) for kind in ("original", name)]
        assert seen[1] == seen[0] == places.observe("original")
    finally:
        place.close()


@same_as_original
def test_made_in_one_thread_and_used_in_others(kind: Kind) -> Any:
    executor = in_thread(lambda: kind.make(2))
    futures = [in_thread(lambda n=n: executor.submit(kind.call(work.square), n)) for n in range(5)]  # type: ignore[misc]
    results = [in_thread(future.result) for future in futures]
    in_thread(executor.shutdown)
    return results, kind.failure(lambda: in_thread(lambda: kind.failure(lambda: executor.submit(work.nothing))))


@same_as_original
def test_dropped_in_another_thread(kind: Kind) -> Any:
    holder = [kind.make(1)]
    future = holder[0].submit(kind.call(work.square), 3)
    threads = set(holder[0]._threads)
    in_thread(holder.clear)
    join_all(threads)
    return future.result()


@same_as_original
def test_many_threads_submit_at_once(kind: Kind) -> Any:
    executor = kind.make(3)
    start = threading.Barrier(8)
    results: dict[int, list[int]] = {}

    def use(number: int) -> None:
        start.wait()
        futures = [executor.submit(kind.call(work.add), number, n) for n in range(50)]
        results[number] = [future.result() for future in futures]

    threads = [threading.Thread(target=use, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    join_all(threads)
    return dict(sorted(results.items())), len(executor._threads) <= 3


@same_as_original
def test_shutdown_while_others_submit(kind: Kind) -> Any:
    executor = kind.make(2)
    start = threading.Barrier(5)
    refusals: list[Any] = []
    futures: list[Any] = []

    def use() -> None:
        start.wait()
        try:
            while True:
                futures.append(executor.submit(kind.call(work.square), 3))
        except RuntimeError as error:
            refusals.append(kind.describe(error))

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    start.wait()
    executor.shutdown()
    join_all(threads)
    return refusals, {future.result() for future in futures}


@same_as_original
def test_fifty_executors_at_once(kind: Kind) -> Any:
    executors = [kind.make(1, f"executor-{n}") for n in range(50)]
    futures = [executor.submit(kind.call(work.add), n, m) for n, executor in enumerate(executors) for m in range(3)]
    wait(futures)
    names = [executor.submit(kind.call(work.here_and_thread)).result()[2] for executor in executors]
    threads = [thread for executor in executors for thread in executor._threads]
    for executor in executors[::2]:
        executor.shutdown()
    del executor
    executors.clear()
    join_all(threads)
    return [future.result() for future in futures], names, len(threads)


@same_as_original
def test_executors_that_use_each_other(kind: Kind) -> Any:
    first, second = kind.make(1), kind.make(1)

    def chain(n: int) -> int:
        return int(second.submit(kind.call(work.square), n).result())

    return [first.submit(chain, n).result() for n in range(5)]


@same_as_original
def test_an_executor_that_submits_to_itself(kind: Kind) -> Any:
    executor = kind.make(1)
    return executor.submit(lambda: executor.submit(kind.call(work.square), 3)).result().result()


@same_as_original
def test_an_executor_kept_by_its_own_queued_call(kind: Kind) -> Any:
    executor = kind.make(1)
    gate = kind.occupy(executor)
    future = executor.submit(lambda kept: len(kept._threads), executor)
    threads, gone = set(executor._threads), Gone(executor)
    del executor
    alive = states([future])
    gate.open_wide()
    result = future.result()
    del future
    join_all(threads)
    gone.wait()
    return alive, result


# ---- The end of the process

HEAD = """
import atexit, sys, threading
from support.kinds import Kind
from support import gate as gates, work

if __name__ == "__main__":
    kind = Kind(sys.argv[1])
    executor = kind.executor_type(1)
"""


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize(
    "source",
    [
        "atexit.register(lambda: print(kind.failure(lambda: executor.submit(kind.call(work.square), 3))))",
        "atexit.register(lambda: print(kind.failure(lambda: kind.executor_type(1).submit(kind.call(work.square), 3))))",
        "atexit.register(lambda: print(kind.failure(lambda: executor.map(kind.call(work.square), [3]))))",
        "atexit.register(lambda: print(list(executor.map(kind.call(work.square), []))))",
        "atexit.register(lambda: print(executor.shutdown(), executor._shutdown))",
        "executor.submit(kind.call(work.square), 3).add_done_callback(lambda f: print(f.result()))",
        "[executor.submit(kind.call(work.square), n).add_done_callback(lambda f: print(f.result())) for n in range(9)]\n"
        "    del executor",
        "[executor.submit(kind.call(print), n, flush=True) for n in range(5)]\n    executor.shutdown(wait=False)",
        "def submit():\n        submit = lambda: executor.submit(kind.call(work.square), 3)\n"
        "        while (failure := kind.failure(submit)) is None: pass\n        print(failure)\n    executor.submit(submit)",
        "executor.submit(kind.call(sys.exit), 5).add_done_callback(lambda f: print(repr(f.exception())))",
        "executor.submit(kind.call(work.square), 3)\n    sys.exit(7)",
        "executor.submit(kind.call(work.square), 3)\n    raise SystemExit('text')",
    ],
)  # fmt: skip
def test_the_end_of_the_process(tmp_path: Path, source: str, name: str) -> None:
    script = HEAD + "    " + source + "\n"
    expected = run_script(tmp_path, script, args=["original"])
    assert "Traceback" not in expected.stderr
    assert run_script(tmp_path, script, args=[name]) == expected
