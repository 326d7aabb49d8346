"""If the system refuses memory or threads, and under tracemalloc, there is a clear error and everything else goes on."""

import sys
from pathlib import Path

import pytest

from support.scripts import SANITIZED, Finished, environment, run_script

linux = pytest.mark.skipif(
    sys.platform != "linux" or SANITIZED, reason="uses Linux's limits, which AddressSanitizer does not survive"
)

HEAD = """
import logging, os, resource, sys, threading
from concurrent.futures.thread import BrokenThreadPool
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import gate as gates, work
from support.gate import Gate

def limit_memory(headroom):
    "Leave so many bytes of address space."
    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + headroom, resource.RLIM_INFINITY))
"""


def run_limited(folder: Path, source: str) -> Finished:
    """Run a script in which all threads take their memory from one allocator, so the limit applies to all of them."""
    return run_script(folder, HEAD + source, env=environment(MALLOC_ARENA_MAX="1"))


@linux
def test_no_memory_for_an_interpreter(tmp_path: Path) -> None:
    run_limited(
        tmp_path,
        """
pool = InterpreterThreadPoolExecutor(1)
pool.submit(work.square, 3).result()
limit_memory(4 << 20)
futures = [pool.submit(interpreter(work.square), n) for n in range(3)]
errors = [future.exception() for future in futures]
print({type(error) for error in errors} == {BrokenThreadPool})
print(errors[0])
print(pool.submit(work.square, 4).result(), pool._broken)
try:
    pool.submit(interpreter(work.square), 3)
except BrokenThreadPool as error:
    print(str(error) == str(errors[0]))
print(pool.submit(work.square, 5).result())
pool.shutdown()
""",
    ).check("True", "a worker's interpreter could not be created: not enough memory", "16 False", "True", "25")


@linux
def test_no_memory_for_one_more_interpreter(tmp_path: Path) -> None:
    finished = run_limited(
        tmp_path,
        """
gate = Gate()
pool = InterpreterThreadPoolExecutor(2)
first = pool.submit(interpreter(gates.hold), gate.ends, "held")
gate.wait_for()
thread = Gate()
busy = pool.submit(gates.hold, thread.ends)  # there is a second thread, which is still plain
thread.wait_for()
queued = pool.submit(interpreter(work.square), 3)
limit_memory(4 << 20)
thread.open()
busy.result()
print(pool.submit(work.square, 4).result())
gate.open()
print(first.result(), queued.result())
print(list(pool.map(interpreter(work.square), range(100))) == [n * n for n in range(100)])
""",
    )
    assert finished.code == 0
    assert finished.lines == ["16", "held 9", "True"]
    assert finished.stderr == (
        "a worker's interpreter could not be created: not enough memory; tasks wait for the existing interpreters\n"
    )


@linux
def test_no_further_thread(tmp_path: Path) -> None:
    run_limited(
        tmp_path,
        """
gate = Gate()
pool = InterpreterThreadPoolExecutor(3)
first = pool.submit(interpreter(gates.hold), gate.ends, "held")
gate.wait_for()
limit_memory(4 << 20)  # too little for a thread's stack
second, third = pool.submit(interpreter(work.square), 3), pool.submit(work.square, 4)
gate.open()
print(first.result(), second.result(), third.result(), len(pool._threads))
try:
    InterpreterThreadPoolExecutor(1).submit(work.square, 3)
except RuntimeError as error:
    print(error)
""",
    ).check("held 9 16 1", "can't start new thread")


@linux
def test_a_task_that_runs_out_of_memory(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        HEAD
        + """
pool = InterpreterThreadPoolExecutor(1)
pool.submit(interpreter(work.square), 3).result()
limit_memory(64 << 20)
print(type(pool.submit(interpreter(bytearray), 1 << 30).exception()).__name__)
print(pool.submit(interpreter(work.square), 3).result())
""",
    ).check("MemoryError", "9")


TRACED = """
import tracemalloc
tracemalloc.start(5)
with InterpreterThreadPoolExecutor(2) as pool:
    print(list(pool.map(interpreter(work.square), range(4))))
print(tracemalloc.is_tracing())
tracemalloc.start()
pool = InterpreterThreadPoolExecutor(2)
print(list(pool.map(interpreter(work.square), range(4))))
"""


@pytest.mark.parametrize("options", [[], ["-X", "tracemalloc=3"]])
def test_tracemalloc_is_stopped_where_cpython_would_not_survive_it(tmp_path: Path, options: list[str]) -> None:
    finished = run_script(tmp_path, HEAD + TRACED, options=options)
    traces_on = sys.version_info >= (3, 15)
    assert finished.code == 0
    assert finished.lines == ["[0, 1, 4, 9]", str(traces_on), "[0, 1, 4, 9]"]
    warnings = finished.stderr.splitlines()
    assert len(warnings) == (0 if traces_on else 2)
    assert all(line.startswith("tracemalloc has been stopped: before 3.15") for line in warnings)


def test_tracemalloc_that_was_stopped_is_no_news(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        HEAD
        + """
import tracemalloc
from support.tracing import stop_tracing
tracemalloc.start()
pool = InterpreterThreadPoolExecutor(2)
print(list(pool.map(interpreter(work.square), range(4))))
print(tracemalloc.get_traced_memory()[1] > 0)
stop_tracing(pool, 2)
""",
    ).check("[0, 1, 4, 9]", "True")
