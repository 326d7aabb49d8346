"""How coroutine functions end: with their executor, with their process, at a fork, and without an interpreter to run in."""

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from concurrent.futures.thread import BrokenThreadPool
from pathlib import Path

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, TaskInterrupted, interpreter
from support import coroutines, failures, work
from support import gate as gates
from support.calls import submit
from support.gate import Gate
from support.protocols import MakePool
from support.scripts import FORKING, SANITIZED, Running, environment, run_script

type Start = Callable[[str], Running]

HEAD = """
import asyncio, gc, logging, os, resource, sys, threading, warnings
from aiointerpreters import InterpreterThreadPoolExecutor, TaskInterrupted, interpreter
from support import coroutines, endless, work
from support import gate as gates
from support.gate import Gate

gate = Gate()
marks = sys.argv[0] + ".marks"
"""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a program that ends with the test."""
    with contextlib.ExitStack() as stack:
        yield lambda source: stack.enter_context(Running(tmp_path, HEAD + source))


def open_when_it_waits(gate: Gate, count: int = 1) -> None:
    """Open a gate as soon as this number of tasks has come to it, while this thread does something else."""

    def wait_and_open() -> None:
        gate.wait_for(count)
        gate.open_wide()

    threading.Thread(target=wait_and_open).start()


# ---- Callbacks


def test_callbacks_come_in_the_order_of_the_ends_and_hold_up_no_loop(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(1)
    gone_on = threading.Event()
    told: list[int] = []

    def note(future: Future[int]) -> None:
        told.append(future.result())
        gone_on.wait()

    for n in range(5):  # the callback of the first one blocks meanwhile
        future = submit(pool, coroutines.hold, gate.ends, n)
        gate.wait_for()
        future.add_done_callback(note)
        gate.open()
        assert future.result() == n
    gone_on.set()
    pool.shutdown()
    assert told == [0, 1, 2, 3, 4]


# ---- Shutdown


def test_a_callback_that_would_wait_for_itself_is_told_so(tmp_path: Path) -> None:
    """`threading` raises the same error in a thread that would join itself. The callback may wait for other executors."""
    source = """
pool, other = InterpreterThreadPoolExecutor(1), InterpreterThreadPoolExecutor(1)
print(other.submit(interpreter(coroutines.square), 3).result())
done = threading.Event()

def shut_down(future):
    other.shutdown()
    try:
        pool.shutdown()
    except RuntimeError as error:
        print(error)
    done.set()

future = pool.submit(interpreter(coroutines.hold), gate.ends, "held")
gate.wait_for()
future.add_done_callback(shut_down)
gate.open()
done.wait()
print(future.result())
"""
    run_script(tmp_path, HEAD + source).check("9", "cannot join current thread", "held")


def test_shutdown_waits_for_what_runs(gate: Gate) -> None:
    pool = InterpreterThreadPoolExecutor(1)
    futures = [submit(pool, coroutines.hold, gate.ends, n) for n in range(5)]
    open_when_it_waits(gate, 5)
    pool.shutdown()
    assert all(future.done() for future in futures)
    assert [future.result() for future in futures] == list(range(5))


def test_a_with_block_waits_for_what_runs(gate: Gate) -> None:
    with InterpreterThreadPoolExecutor(2) as pool:
        futures = [submit(pool, coroutines.hold, gate.ends, n) for n in range(5)]
        open_when_it_waits(gate, 5)
    assert [future.result(0) for future in futures] == list(range(5))


def test_shutdown_without_waiting_lets_it_finish(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(1)
    future = submit(pool, coroutines.hold, gate.ends, "held")
    gate.wait_for()
    pool.shutdown(wait=False)
    assert not future.done()
    with pytest.raises(RuntimeError, match="cannot schedule new futures after shutdown"):
        submit(pool, coroutines.square, 3)
    gate.open()
    assert future.result() == "held"


def test_what_was_submitted_right_before_shutdown_is_run() -> None:
    for _ in range(5):
        pool = InterpreterThreadPoolExecutor(2)
        futures = [submit(pool, coroutines.square, n) for n in range(20)]
        pool.shutdown()
        assert [future.result(0) for future in futures] == [n * n for n in range(20)]


def test_cancel_futures_cancels_what_waits_for_a_worker(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(1)
    busy = pool.submit(interpreter(gates.hold), gate.ends, "held")
    gate.wait_for()
    queued = [submit(pool, coroutines.square, n) for n in range(3)]
    pool.shutdown(wait=False, cancel_futures=True)
    assert all(future.cancelled() for future in queued)
    gate.open()
    assert busy.result() == "held"


def test_cancel_futures_cancels_what_waits_for_its_loop(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(1)
    busy = submit(pool, coroutines.hold_loop, gate.ends, "held")
    gate.wait_for()
    queued = [submit(pool, coroutines.square, n) for n in range(3)]
    pool.shutdown(wait=False, cancel_futures=True)
    gate.open()
    assert busy.result() == "held"
    for future in queued:
        with pytest.raises(CancelledError):
            future.result()


def test_cancel_futures_leaves_what_runs_alone(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(1)
    running = [submit(pool, coroutines.hold, gate.ends, n) for n in range(3)]
    gate.wait_for(3)
    pool.shutdown(wait=False, cancel_futures=True)
    gate.open_wide()
    assert [future.result() for future in running] == [0, 1, 2]


def test_a_dropped_executor_finishes_what_runs(gate: Gate) -> None:
    pool = InterpreterThreadPoolExecutor(1)
    futures = [submit(pool, coroutines.hold, gate.ends, n) for n in range(3)]
    threads = set(pool._threads)
    gate.wait_for(3)
    del pool
    gate.open_wide()
    assert [future.result() for future in futures] == [0, 1, 2]
    for thread in threads:
        thread.join()


def test_an_awaiting_loop_that_closes_leaves_the_pool_usable(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(1)

    async def main() -> None:
        pool.run(coroutines.hold, gate.ends)
        gate.wait_for()

    asyncio.run(main())
    gate.open()
    assert submit(pool, coroutines.square, 3).result() == 9


@pytest.mark.parametrize("fn", [coroutines.sleep, coroutines.loop, coroutines.loop_in_child], ids=lambda fn: fn.__name__)
def test_ctrl_c_in_a_with_block_interrupts_what_runs(gate: Gate, fn: Callable[..., None]) -> None:
    with pytest.raises(KeyboardInterrupt), InterpreterThreadPoolExecutor(1) as pool:
        future = submit(pool, fn, gate.ends)
        gate.wait_for()
        raise KeyboardInterrupt
    assert isinstance(future.exception(), TaskInterrupted)


def test_no_descriptor_is_left(gate: Gate) -> None:
    def use() -> object:
        with InterpreterThreadPoolExecutor(2) as pool:
            futures = [submit(pool, coroutines.square, n) for n in range(10)]
            submit(pool, coroutines.leave_socket_and_thread).result()
        return futures

    kept = [use()]
    before = len(os.listdir("/proc/self/fd"))
    kept += [use() for _ in range(3)]
    assert len(os.listdir("/proc/self/fd")) == before


# ---- What calls leave behind


def test_what_is_left_behind_ends_with_the_loop(tmp_path: Path) -> None:
    """Tasks are cancelled, asynchronous generators closed, and there is no warning."""
    run_script(
        tmp_path,
        HEAD
        + """
with InterpreterThreadPoolExecutor(1) as pool:
    print(pool.submit(interpreter(coroutines.leave_task), gate.ends, marks + ".task").result())
    print(pool.submit(interpreter(coroutines.leave_generator), marks + ".generator").result())
    print(os.path.exists(marks + ".task"), os.path.exists(marks + ".generator"))
for name in (".task", ".generator"):
    with open(marks + name) as file:
        print(file.read().strip())
""",
        options=["-X", "dev", "-W", "error"],
    ).check("returned", "1", "False False", "CancelledError", "closed")


def test_it_ends_at_exit_too(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        HEAD
        + """
pool = InterpreterThreadPoolExecutor(1)
print(pool.submit(interpreter(coroutines.leave_task), gate.ends, marks + ".task").result())
print(pool.submit(interpreter(coroutines.leave_generator), marks + ".generator").result())
""",
    ).check("returned", "1")
    assert (tmp_path / "script.py.marks.task").read_text().strip() == "CancelledError"
    assert (tmp_path / "script.py.marks.generator").read_text().strip() == "closed"


# ---- The end of the process


def test_at_exit_what_runs_finishes(tmp_path: Path) -> None:
    finished = run_script(
        tmp_path,
        HEAD
        + """
pool = InterpreterThreadPoolExecutor(2)
for n in range(4):
    pool.submit(interpreter(coroutines.hold), gate.ends, n).add_done_callback(lambda future: print(future.result()))
gate.wait_for(4)
threading._register_atexit(gate.open_wide)
""",
    )
    assert (finished.code, finished.stderr, sorted(finished.lines)) == (0, "", ["0", "1", "2", "3"])


@pytest.mark.parametrize("statement", ["sys.exit(3)", "os._exit(3)", "raise SystemExit(3)"])
def test_the_exit_code_stays(tmp_path: Path, statement: str) -> None:
    run_script(
        tmp_path,
        HEAD
        + f"""
pool = InterpreterThreadPoolExecutor(1)
future = pool.submit(interpreter(coroutines.hold), gate.ends)
gate.wait_for()
gate.open()
{statement}
""",
    ).check(code=3)


@pytest.mark.parametrize("debug", [False, True])
def test_the_end_of_main_cancels_nothing_and_loses_nothing(tmp_path: Path, debug: bool) -> None:
    run_script(
        tmp_path,
        HEAD
        + f"""
pool = InterpreterThreadPoolExecutor(1)

async def main():
    for n in range(3):
        pool.run(coroutines.hold, gate.ends, n)
    await asyncio.to_thread(gate.wait_for, 3)

asyncio.run(main(), debug={debug})
print("after")
gate.open_wide()
""",
        options=["-X", "dev", "-W", "error"],
    ).check("after")


def test_a_program_that_ends_by_an_exception(tmp_path: Path) -> None:
    finished = run_script(
        tmp_path,
        HEAD
        + """
pool = InterpreterThreadPoolExecutor(1)
async def main():
    async with asyncio.TaskGroup() as group:
        group.create_task(pool.run(coroutines.tell_end, gate.ends, marks))
        await asyncio.to_thread(gate.wait_for)
        raise LookupError("the end")
asyncio.run(main())
""",
    )
    assert finished.code == 1
    assert "LookupError: the end" in finished.stderr
    assert (tmp_path / "script.py.marks").read_text().strip() == "CancelledError"


CTRL_C = {
    "result": "pool.submit(interpreter({fn}), gate.ends).result()",
    "with": "with pool:\n    pool.submit(interpreter({fn}), gate.ends)",
    "many": "[pool.submit(interpreter({fn}), gate.ends) for _ in range(50)][-1].result()",
    "await": "async def main():\n    await pool.run({fn}, gate.ends)\nasyncio.run(main())",
    "group": """
async def main():
    async with asyncio.TaskGroup() as group:
        for _ in range(2):
            group.create_task(pool.run({fn}, gate.ends))
asyncio.run(main())
""",
    "at exit": "pool.submit(interpreter({fn}), gate.ends)\ngate.wait_for()\nthreading._register_atexit(print, 'waiting')",
}


@pytest.mark.parametrize("fn", ["coroutines.sleep", "coroutines.loop", "coroutines.loop_in_child"])
@pytest.mark.parametrize("source", CTRL_C.values(), ids=CTRL_C.keys())
def test_ctrl_c_once_is_enough(start: Start, source: str, fn: str) -> None:
    at_exit = "_register_atexit" in source
    say = "" if at_exit else "threading.Thread(target=lambda: (gate.wait_for(), print('waiting')), daemon=True).start()\n"
    program = start("pool = InterpreterThreadPoolExecutor(1)\n" + say + source.format(fn=fn))
    program.wait_for("waiting")
    program.interrupt()
    finished = program.finish()
    if at_exit:
        finished.check()
        return
    errors = [line for line in finished.stderr.splitlines() if not line.startswith((" ", "Traceback", "During"))]
    assert list(filter(None, errors))[-1] == "KeyboardInterrupt"
    assert "RuntimeError" not in finished.stderr
    assert "SystemExit" not in finished.stderr
    assert "Exception in thread" not in finished.stderr
    assert finished.code == -signal.SIGINT


def test_ctrl_c_has_what_runs_clean_up(start: Start, tmp_path: Path) -> None:
    program = start(
        """
pool = InterpreterThreadPoolExecutor(1)
threading.Thread(target=lambda: (gate.wait_for(), print("waiting")), daemon=True).start()
pool.submit(interpreter(coroutines.tell_end), gate.ends, marks).result()
"""
    )
    program.wait_for("waiting")
    program.interrupt()
    assert program.finish().code == -signal.SIGINT
    assert (tmp_path / "script.py.marks").read_text().strip() in {"CancelledError", "TaskInterrupted"}


def test_a_program_that_handles_ctrl_c_goes_on(start: Start) -> None:
    program = start(
        """
pool = InterpreterThreadPoolExecutor(1)
future = pool.submit(interpreter(coroutines.hold), gate.ends, "held")
try:
    gate.wait_for()
    print("waiting")
    future.result()
except KeyboardInterrupt:
    print("handled")
gate.open()
print(future.result(), pool.submit(coroutines.tagged_square, 3).result())
"""
    )
    program.wait_for("waiting")
    program.interrupt()
    program.finish().check("handled", "held 9")


IGNORE = """
async def ignore(ends):
    while True:
        try:
            await coroutines.sleep(ends)
        except asyncio.CancelledError:
            pass
"""


@pytest.mark.parametrize("fn", ["ignore", "coroutines.loop_when_cancelled"])
def test_one_that_goes_on_when_it_is_cancelled_takes_two(start: Start, fn: str) -> None:
    program = start(
        IGNORE
        + f"""
if __name__ == "__main__":
    pool = InterpreterThreadPoolExecutor(1)
    threading.Thread(target=lambda: [(gate.wait_for(), print("waiting")) for _ in range(2)], daemon=True).start()
    pool.submit(interpreter({fn}), gate.ends).result()
"""
    )
    program.wait_for("waiting")
    program.interrupt()
    program.wait_for("waiting")
    program.interrupt()
    assert program.finish().code == 130


# ---- Forks

FORK = (
    FORKING
    + """
def squares(pool):
    print([pool.submit(coroutines.tagged_square, n).result() for n in range(4)])
"""
)

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")


@forks
def test_idle_loops_end_before_a_fork_and_both_processes_go_on(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        HEAD
        + FORK
        + """
pool = InterpreterThreadPoolExecutor(2)
squares(pool)
print([fork(squares, pool) for _ in range(3)])
squares(pool)
""",
    ).check(*["[0, 1, 4, 9]"] * 4, "[7, 7, 7]", "[0, 1, 4, 9]")


@forks
def test_what_calls_left_behind_ends_before_a_fork(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        HEAD
        + FORK
        + """
pool = InterpreterThreadPoolExecutor(1)
print(pool.submit(interpreter(coroutines.leave_task), gate.ends, marks).result())
forked = fork(squares, pool)
with open(marks) as file:
    print(forked, file.read().strip())
squares(pool)
""",
    ).check("returned", "[0, 1, 4, 9]", "7 CancelledError", "[0, 1, 4, 9]")


@forks
def test_a_fork_waits_for_calls_that_are_about_to_end(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        HEAD
        + FORK
        + """
pool = InterpreterThreadPoolExecutor(1)
future = pool.submit(interpreter(coroutines.hold), gate.ends, "held")
gate.wait_for()
os.register_at_fork(before=gate.open_wide)  # called before the package's
print(fork(squares, pool))
print(future.result())
squares(pool)
""",
    ).check("[0, 1, 4, 9]", "7", "held", "[0, 1, 4, 9]")


@forks
def test_calls_that_wait_during_a_fork_are_run_after_it(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        HEAD
        + FORK
        + """
pool = InterpreterThreadPoolExecutor(2)
ending = threading.Event()
def use():
    n = 0
    while not ending.is_set():
        assert pool.submit(coroutines.tagged_square, n).result() == n * n
        n += 1
threads = [threading.Thread(target=use) for _ in range(2)]
for thread in threads:
    thread.start()
print({fork(lambda: None) for _ in range(10)})
ending.set()
for thread in threads:
    thread.join()
""",
    ).check("{7}")


@forks
@pytest.mark.skipif(SANITIZED, reason="AddressSanitizer reports CPython's fault in the child")
def test_a_busy_loop_is_warned_of(tmp_path: Path) -> None:
    finished = run_script(
        tmp_path,
        HEAD
        + FORK
        + """
logging.basicConfig(format="%(levelname)s %(name)s")
pool = InterpreterThreadPoolExecutor(1)
future = pool.submit(interpreter(coroutines.sleep), gate.ends)
gate.wait_for()
pid = os.fork()
if pid == 0:
    os._exit(7)
os.waitpid(pid, 0)
print(future.running(), future.interrupt(), type(future.exception()).__name__)
squares(pool)
""",
    )
    assert finished.code == 0
    assert finished.lines == ["True True TaskInterrupted", "[0, 1, 4, 9]"]
    assert "WARNING aiointerpreters" in finished.stderr


@forks
def test_calls_of_before_are_the_parent_s(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        HEAD
        + FORK
        + """
thread = Gate()
pool = InterpreterThreadPoolExecutor(1)
busy = pool.submit(gates.hold, thread.ends)
thread.wait_for()
queued = pool.submit(coroutines.tagged_square, 3)

def child():
    print(type(queued.exception()).__name__)
    squares(pool)

print(fork(child))
thread.open()
print(queued.result())
""",
    ).check("BrokenThreadPool", "[0, 1, 4, 9]", "7", "9")


# ---- No interpreter, no loop


def test_an_initializer_that_fails_breaks_the_pool(make_pool: MakePool) -> None:
    pool = make_pool(2, initializer=interpreter(failures.fail_below))
    error = submit(pool, coroutines.square, 3).exception()
    assert isinstance(error, BrokenThreadPool)
    assert isinstance(error.__cause__, ValueError)
    with pytest.raises(BrokenThreadPool):
        submit(pool, coroutines.square, 3)


def test_an_initializer_that_fails_breaks_what_waits_for_it(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(1, initializer=interpreter(gates.hold_then), initargs=(gate.ends, failures.fail_below))
    futures = [submit(pool, coroutines.square, n) for n in range(5)]
    futures.append(pool.submit(interpreter(work.square), 3))
    gate.wait_for()
    gate.open()
    assert {type(future.exception()) for future in futures} == {BrokenThreadPool}


LINUX = pytest.mark.skipif(
    sys.platform != "linux" or SANITIZED, reason="uses Linux's limits, which AddressSanitizer does not survive"
)


@LINUX
def test_no_memory_for_an_interpreter(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        HEAD
        + """
pool = InterpreterThreadPoolExecutor(1)
pool.submit(work.square, 3).result()
with open("/proc/self/statm") as file:
    pages = int(file.read().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + (4 << 20), resource.RLIM_INFINITY))
error = pool.submit(coroutines.tagged_square, 3).exception()
print(type(error).__name__, error)
print(pool.submit(work.square, 4).result())
pool.shutdown()
""",
        env=environment(MALLOC_ARENA_MAX="1"),
    ).check("BrokenThreadPool a worker's interpreter could not be created: not enough memory", "16")


@LINUX
def test_no_descriptor_for_a_loop(tmp_path: Path) -> None:
    """The calls that need the loop fail with the reason. Later calls get a loop, as soon as one can be created."""
    finished = run_script(
        tmp_path,
        HEAD
        + """
pool = InterpreterThreadPoolExecutor(1)
modules = ["asyncio", "support.coroutines", "aiointerpreters._event_loop"]
pool.submit(interpreter(work.import_modules), modules).result()
resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
taken = []
for left in range(3):
    try:
        while True:
            taken.append(os.dup(0))
    except OSError:
        pass
    for _ in range(left):
        os.close(taken.pop())
    error = pool.submit(coroutines.tagged_square, 3).exception()
    print(left, type(error).__name__, type(error.__cause__).__name__)
for fd in taken:
    os.close(fd)
print(pool.submit(coroutines.tagged_square, 3).result())
""",
    )
    assert finished.code == 0
    assert finished.lines == [*(f"{left} BrokenThreadPool OSError" for left in range(3)), "9"]
    assert "Exception in thread" not in finished.stderr  # a half-created loop reports its own error


# ---- Pools inside


def test_a_coroutine_function_may_await_a_pool_of_its_own(make_pool: MakePool) -> None:
    pool = make_pool(1)
    numbers = list(range(5))
    for _ in range(2):
        results, elsewhere = submit(pool, coroutines.run_in_own_pool, numbers).result()
        assert results == [n * n for n in numbers] * 2
        assert elsewhere


def test_cancellation_travels_into_a_pool_inside(make_pool: MakePool, gate: Gate, tmp_path: Path) -> None:
    path = tmp_path / "end"
    pool = make_pool(1)
    future = submit(pool, coroutines.sleep_in_own_pool, gate.ends, str(path))
    gate.wait_for()
    assert future.interrupt()
    gate.wait_for()
    assert path.read_text() == "CancelledError\n"
    assert isinstance(future.exception(), TaskInterrupted)
    assert submit(pool, coroutines.square, 3).result() == 9


def test_a_pool_inside_ends_with_the_process(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        HEAD
        + """
pool = InterpreterThreadPoolExecutor(1)
print(pool.submit(interpreter(coroutines.run_in_own_pool), [1, 2]).result())
""",
        options=["-X", "dev"],
    ).check("([1, 4, 1, 4], True)")
