"""os.fork beside pools (hazard 16): idle interpreters end before it. Both processes go on, each with its own work."""

import os
import signal
from pathlib import Path

import pytest

from support.scripts import FORKING, SANITIZED, run_script

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")

HEAD = (
    FORKING
    + """
import multiprocessing, os, sys, threading, time, warnings
from concurrent.futures import wait
from concurrent.futures.thread import BrokenThreadPool
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import endless, gate as gates, work
from support.gate import Gate

def squares(pool, tag):
    print(list(pool.map(tag(work.square), range(4))))

def new_pool(tag):
    with InterpreterThreadPoolExecutor(2) as pool:
        squares(pool, tag)
"""
)

TAGS = pytest.mark.parametrize("tag", ["interpreter", "work.echo"], ids=["tagged", "untagged"])


@TAGS
def test_both_processes_go_on_with_pools_of_their_own(tmp_path: Path, tag: str) -> None:
    run_script(
        tmp_path,
        HEAD
        + f"""
pool = InterpreterThreadPoolExecutor(2)
squares(pool, {tag})
print(fork(new_pool, {tag}))
squares(pool, {tag})
new_pool({tag})
""",
    ).check("[0, 1, 4, 9]", "[0, 1, 4, 9]", "7", "[0, 1, 4, 9]", "[0, 1, 4, 9]")


@TAGS
@pytest.mark.parametrize("used", [True, False])
def test_an_executor_starts_afresh_in_the_child(tmp_path: Path, tag: str, used: bool) -> None:
    run_script(
        tmp_path,
        HEAD
        + f"""
pool = InterpreterThreadPoolExecutor(2, initializer=interpreter(work.remember), initargs=("here", 1))
if {used}:
    pool.submit({tag}(work.square), 3).result()

def child():
    squares(pool, {tag})
    print(len(pool._threads) in (1, 2), pool.submit(interpreter(work.recall), "here").result())
    pool.shutdown()

print(fork(child))
squares(pool, {tag})
""",
    ).check("[0, 1, 4, 9]", "True 1", "7", "[0, 1, 4, 9]")


def test_an_executor_that_was_shut_down_stays_so(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        HEAD
        + """
pool = InterpreterThreadPoolExecutor(2)
squares(pool, interpreter)
pool.shutdown()

def child():
    pool.shutdown()
    squares(pool, interpreter)

print(fork(child))
""",
    ).check("[0, 1, 4, 9]", "RuntimeError: cannot schedule new futures after shutdown", "7")


def test_busy_threads_are_left_to_the_parent(tmp_path: Path) -> None:
    finished = run_script(
        tmp_path,
        HEAD
        + """
gate = Gate()
pool = InterpreterThreadPoolExecutor(1)
running = pool.submit(gates.hold, gate.ends, "held")
gate.wait_for()
queued = pool.submit(work.square, 3)
tagged = pool.submit(interpreter(work.square), 3)
ended = InterpreterThreadPoolExecutor(1).submit(work.square, 4)
ended.result()
called = []
running.add_done_callback(called.append)
wait([queued], timeout=0)

def child():
    for future in (running, queued, tagged):
        print(future.done(), future.cancel(), type(future.exception()).__name__)
    print(len(wait([running, queued, tagged, ended]).done), ended.result(), called)
    squares(pool, interpreter)

print(fork(child))
gate.open()
print(running.result(), queued.result(), tagged.result(), len(called))
""",
    )
    assert (finished.code, finished.stderr) == (0, "")
    assert finished.lines == [*["True False BrokenThreadPool"] * 3, "4 16 []", "[0, 1, 4, 9]", "7", "held 9 9 1"]


def test_what_the_child_sees_of_the_parent_s_calls(tmp_path: Path) -> None:
    finished = run_script(
        tmp_path,
        HEAD
        + """
gate = Gate()
pool = InterpreterThreadPoolExecutor(1)
futures = [pool.submit(gates.hold, gate.ends), pool.submit(work.square, 3), pool.submit(interpreter(work.square), 3)]
gate.wait_for()

def child():
    for future in futures:
        error = future.exception()
        print(future.done(), future.running(), future.cancelled(), type(error) is BrokenThreadPool, error)

fork(child)
gate.open()
""",
    )
    assert (finished.code, finished.stderr) == (0, "")
    line = "True False False True the call was submitted before the fork, so it runs only in the parent process"
    assert finished.lines == [line] * 3


def test_a_call_in_a_thread_may_use_multiprocessing_s_fork(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        HEAD
        + """
def start():
    process = multiprocessing.get_context("fork").Process(target=new_pool, args=(interpreter,))
    process.start()
    process.join()
    return process.exitcode

pool = InterpreterThreadPoolExecutor(1)
sys.stdout.flush()
print(pool.submit(start).result(), pool.submit(interpreter(work.square), 3).result())
""",
    ).check("[0, 1, 4, 9]", "0 9")


@TAGS
def test_a_call_in_a_thread_may_fork(tmp_path: Path, tag: str) -> None:
    run_script(
        tmp_path,
        HEAD
        + f"""
pool = InterpreterThreadPoolExecutor(1)
squares(pool, {tag})

def child():
    new_pool(interpreter)
    sys.stdout.flush()
    os._exit(7)  # as multiprocessing ends its children

print(pool.submit(fork, child).result())
squares(pool, {tag})
""",
    ).check("[0, 1, 4, 9]", "[0, 1, 4, 9]", "7", "[0, 1, 4, 9]")


def test_a_child_that_comes_back_to_the_worker_s_loop_ends(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        HEAD
        + """
pool = InterpreterThreadPoolExecutor(1)
squares(pool, interpreter)
queued = []

def come_back():
    queued.append(pool.submit(work.append_line, sys.argv[0] + ".marks", "once"))
    sys.stdout.flush()
    return os.fork()

pid = pool.submit(come_back).result()
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
queued[0].result()
""",
    ).check("[0, 1, 4, 9]", "0")
    assert (tmp_path / "script.py.marks").read_text() == "once\n"


def test_a_process_of_multiprocessing_started_by_fork(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        HEAD
        + """
pool = InterpreterThreadPoolExecutor(2)
squares(pool, interpreter)
context = multiprocessing.get_context("fork")
process = context.Process(target=new_pool, args=(interpreter,))
sys.stdout.flush()
process.start()
process.join()
print(process.exitcode)
with context.Pool(2) as processes:
    print(processes.map(work.square, range(4)))
squares(pool, interpreter)
""",
    ).check("[0, 1, 4, 9]", "[0, 1, 4, 9]", "0", "[0, 1, 4, 9]", "[0, 1, 4, 9]")


def test_forking_again_and_again_while_another_thread_submits(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        HEAD
        + """
pool = InterpreterThreadPoolExecutor(2)
ending = threading.Event()
def use():
    n = 0
    while not ending.is_set():
        assert pool.submit(interpreter(work.square), n).result() == n * n
        assert pool.submit(work.square, n).result() == n * n
        n += 1
thread = threading.Thread(target=use)
thread.start()
print({fork(lambda: None) for _ in range(20)})
ending.set()
thread.join()
""",
    ).check("{7}")


def test_threads_that_fork_at_the_same_time(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        HEAD
        + """
pool = InterpreterThreadPoolExecutor(2)
codes = []
def use():
    for n in range(10):
        # What is lent and comes back has a thread of the engine's run.
        assert pool.submit(interpreter(len), memoryview(bytes(100))).result() == 100
        pid = os.fork()
        if pid == 0:
            os._exit(7)
        codes.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
threads = [threading.Thread(target=use) for _ in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(codes), set(codes))
""",
    ).check("30 {7}")


def test_forks_of_forks(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        HEAD
        + """
pool = InterpreterThreadPoolExecutor(1)

def child(depth):
    squares(pool, interpreter)
    if depth:
        print(fork(child, depth - 1))

child(2)
""",
    ).check(*["[0, 1, 4, 9]"] * 3, "7", "7")


def test_lent_memory_is_given_back_in_the_parent(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        HEAD
        + """
pool = InterpreterThreadPoolExecutor(1)
data = bytearray(100)
pool.submit(interpreter(work.remember), "view", memoryview(data)).result()
try:
    data.append(1)
except BufferError:
    print("lent")
print(fork(new_pool, interpreter))  # the worker's interpreter ends, and its view with it
data.append(1)
""",
    ).check("lent", "[0, 1, 4, 9]", "7")


@pytest.mark.skipif(SANITIZED, reason="AddressSanitizer reports CPython's fault in the child")
def test_a_busy_interpreter_is_warned_of(tmp_path: Path) -> None:
    finished = run_script(
        tmp_path,
        HEAD
        + """
gate = Gate()
pool = InterpreterThreadPoolExecutor(1)
future = pool.submit(interpreter(endless.loop), gate.ends)
gate.wait_for()
code = fork(new_pool, interpreter)
print(code)
print(future.interrupt(), type(future.exception()).__name__)
squares(pool, interpreter)
""",
    )
    assert finished.code == 0
    assert "the process forks while 1 interpreters run tasks" in finished.stderr
    # This is CPython's fault in the child (gh-101437). The parent must not suffer from it.
    assert int(finished.lines[0]) in (-signal.SIGABRT, -signal.SIGSEGV)
    assert finished.lines[1:] == ["True TaskInterrupted", "[0, 1, 4, 9]"]


def test_a_new_program_needs_no_rest(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        HEAD
        + """
import subprocess
gate = Gate()
pool = InterpreterThreadPoolExecutor(1)
future = pool.submit(interpreter(gates.hold), gate.ends, "held")
gate.wait_for()
print(subprocess.run([sys.executable, "-c", "print('another')"], capture_output=True, text=True).stdout.strip())
gate.open()
print(future.result())
""",
    ).check("another", "held")


@TAGS
def test_a_callback_may_fork(tmp_path: Path, tag: str) -> None:
    run_script(
        tmp_path,
        HEAD
        + f"""
gate = Gate()
pool = InterpreterThreadPoolExecutor(1)
held = pool.submit({tag}(gates.hold), gate.ends)
gate.wait_for()
codes = []

def call_back(_):
    pid = os.fork()
    if pid:
        codes.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))

held.add_done_callback(call_back)
futures = [pool.submit({tag}(work.append_line), sys.argv[0] + ".marks", str(n)) for n in range(3)]
gate.open()
wait(futures)
print(codes)
""",
    ).check("[0]")
    assert (tmp_path / "script.py.marks").read_text().split() == ["0", "1", "2"]


# ---- Callbacks of coroutine functions


CALLBACKS = """
from support import coroutines

pool = InterpreterThreadPoolExecutor(1)
gate = Gate()

def held(*values):
    "Futures of coroutine functions that end, one after the other, when the gate is opened."
    futures = [pool.submit(interpreter(coroutines.hold), gate.ends, value) for value in values]
    gate.wait_for(len(values))
    return futures
"""

BLOCKED = (
    CALLBACKS
    + """
inside, forked = threading.Event(), threading.Event()

def block(_):
    inside.set()
    forked.wait()

future, = held("held")
future.add_done_callback(block)
gate.open_wide()
inside.wait()
"""
)


@pytest.mark.parametrize("ending", ["", "pool.shutdown()", "pool.shutdown(wait=False)"], ids=["in use", "shut down", "left"])
def test_a_coroutine_function_s_callback_may_fork(tmp_path: Path, ending: str) -> None:
    run_script(
        tmp_path,
        HEAD
        + CALLBACKS
        + f"""
codes, told = [], threading.Event()

def call_back(_):
    if codes:
        work.append_line(sys.argv[0] + ".marks", "once")
        told.set()
        return
    pid = os.fork()
    codes.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) if pid else None)

first, second = held("first", "second")
first.add_done_callback(call_back)
second.add_done_callback(call_back)
sys.stdout.flush()
gate.open_wide()
{ending}
told.wait()
print(codes, first.result(), second.result())
""",
    ).check("[0] first second")
    assert (tmp_path / "script.py.marks").read_text() == "once\n"  # the child leaves the callback to the parent


def test_a_coroutine_function_s_callback_may_use_multiprocessing_s_fork(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        HEAD
        + CALLBACKS
        + """
codes, told = [], threading.Event()

def call_back(_):
    process = multiprocessing.get_context("fork").Process(target=new_pool, args=(interpreter,))
    process.start()
    process.join()
    codes.append(process.exitcode)
    told.set()

future, = held("held")
future.add_done_callback(call_back)
sys.stdout.flush()
gate.open_wide()
told.wait()
print(codes, pool.submit(interpreter(coroutines.square), 3).result())
""",
    ).check("[0, 1, 4, 9]", "[0] 9")


def test_a_coroutine_function_s_callback_that_blocks_holds_up_no_fork(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        HEAD
        + BLOCKED
        + """
print(fork(new_pool, interpreter), pool.submit(interpreter(coroutines.square), 3).result())
forked.set()
""",
    ).check("[0, 1, 4, 9]", "7 9")


def test_a_coroutine_function_s_callback_that_blocks_holds_up_no_fork_at_the_end(tmp_path: Path) -> None:
    """At that point its worker waits for the callback, without an interpreter."""
    run_script(
        tmp_path,
        HEAD
        + BLOCKED
        + """
pool.shutdown(wait=False)
print(fork(new_pool, interpreter))
forked.set()
pool.shutdown()
print(future.result())
""",
    ).check("[0, 1, 4, 9]", "7", "held")
