"""Programs that await calls, and how they end: with running and queued calls, by Ctrl-C, by a fork."""

import signal
from pathlib import Path

import pytest

from support.scripts import Running, run_script

HEAD = """
import asyncio, gc, os, signal, sys, threading, warnings
from aiointerpreters import InterpreterThreadPoolExecutor, TaskInterrupted, interpreter
from support import endless, failures, work
from support import gate as gates
from support.gate import Gate

gate = Gate()
"""


LEFT = """
pool = InterpreterThreadPoolExecutor(1)

async def main():
    calls = [pool.run(endless.loop, gate.ends), pool.run(endless.loop), asyncio.create_task(pool.run(endless.loop))]
    gate.wait_for()
    await asyncio.sleep(0)
    {end}
"""


@pytest.fixture(params=["asyncio", "uvloop"])
def run_main(request: pytest.FixtureRequest) -> str:
    """The line that runs `main` in a loop of each kind."""
    pytest.importorskip(request.param)
    return f"import {request.param}\nresult = {request.param}.run(main())\n"


def test_main_returns_while_calls_are_under_way(tmp_path: Path, run_main: str) -> None:
    source = LEFT.format(end="return 'returned'") + run_main + "print(result)\n"
    run_script(tmp_path, HEAD + source, options=["-W", "error"]).check("returned")


def test_sys_exit_in_main(tmp_path: Path, run_main: str) -> None:
    run_script(tmp_path, HEAD + LEFT.format(end="sys.exit(7)") + run_main).check(code=7)


def test_sys_exit_in_a_task(tmp_path: Path, run_main: str) -> None:
    end = """async def leave():
        sys.exit(7)

    asyncio.create_task(leave())
    await calls[0]
"""
    finished = run_script(tmp_path, HEAD + LEFT.format(end=end) + run_main)
    assert (finished.code, finished.stdout) == (7, "")
    assert finished.stderr.count("Traceback") == 1  # asyncio's, of the task that was left


def test_sys_exit_in_a_call(tmp_path: Path, run_main: str) -> None:
    """As from any other future, it reaches the awaiting code and ends the program from there."""
    source = """
pool = InterpreterThreadPoolExecutor(1)

async def main():
    await pool.run(failures.leave, 7)

"""
    run_script(tmp_path, HEAD + source + run_main).check(code=7)


def test_an_exception_that_nobody_handles(tmp_path: Path, run_main: str) -> None:
    finished = run_script(tmp_path, HEAD + LEFT.format(end="raise LookupError('on purpose')") + run_main)
    assert (finished.code, finished.stdout) == (1, "")
    assert finished.stderr.splitlines()[-1] == "LookupError: on purpose"
    assert finished.stderr.count("Traceback") == 1


def test_an_exception_of_a_call_that_nobody_handles(tmp_path: Path) -> None:
    source = """
pool = InterpreterThreadPoolExecutor(1)

async def main():
    await pool.run(failures.fail_below)

asyncio.run(main())
"""
    finished = run_script(tmp_path, HEAD + source)
    assert finished.code == 1
    assert finished.stderr.splitlines()[-1] == "ValueError: no such row: 3"
    assert "in fail_in_the_third_line" in finished.stderr


@pytest.mark.parametrize("end", ["", "del loop\n", "gc.collect()\n", "os._exit(0)\n", "sys.exit(0)\n"])
def test_a_loop_that_nobody_closes(tmp_path: Path, end: str) -> None:
    """A running call finishes, as at the end of any program."""
    source = """
pool = InterpreterThreadPoolExecutor(1)
loop = asyncio.new_event_loop()

async def start():
    calls = [pool.run(gates.hold_then, gate.ends, print, "has run"), pool.run(print, "has run too")]
    gate.wait_for()
    return calls

calls = loop.run_until_complete(start())
threading._register_atexit(gate.open)
"""
    finished = run_script(tmp_path, HEAD + source + end, options=["-W", "ignore::ResourceWarning"])
    assert (finished.code, finished.stderr) == (0, "")
    assert finished.lines == ([] if "_exit" in end else ["has run", "has run too"])


@pytest.mark.parametrize("with_block", [False, True])
def test_ctrl_c_while_a_call_is_awaited(tmp_path: Path, with_block: bool) -> None:
    opening = "with InterpreterThreadPoolExecutor(1) as pool:" if with_block else "if True:"
    source = f"""
pool = InterpreterThreadPoolExecutor(1)

async def main():
    {opening}
        call = pool.run(endless.loop, gate.ends)
        gate.wait_for()
        print("waiting")
        await call

asyncio.run(main())
"""
    with Running(tmp_path, HEAD + source) as program:
        program.wait_for("waiting")
        program.interrupt()
        finished = program.finish()
    assert finished.code == -signal.SIGINT
    assert finished.stderr.splitlines()[-1] == "KeyboardInterrupt"
    assert "never retrieved" not in finished.stderr


def test_ctrl_c_that_a_program_handles(tmp_path: Path) -> None:
    source = """
pool = InterpreterThreadPoolExecutor(1)

async def main():
    try:
        call = pool.run(endless.loop, gate.ends)
        gate.wait_for()
        print("waiting")
        await call
    except asyncio.CancelledError:
        print(call.cancelled(), await pool.run(work.square, 3))

asyncio.run(main())
"""
    with Running(tmp_path, HEAD + source) as program:
        program.wait_for("waiting")
        program.interrupt()
        finished = program.finish()
    finished.check("True 9")


def test_ctrl_c_without_asyncio_s_handler(tmp_path: Path) -> None:
    """It strikes at any place in the loop. The loop can go on."""
    source = """
pool = InterpreterThreadPoolExecutor(1)
loop = asyncio.new_event_loop()

async def main():
    call = pool.run(endless.loop, gate.ends)
    gate.wait_for()
    print("waiting")
    await call

task = loop.create_task(main())
try:
    loop.run_until_complete(task)
except KeyboardInterrupt:
    print("interrupted", task.done())
task.cancel()
try:
    loop.run_until_complete(task)
except asyncio.CancelledError:
    print("cancelled")
loop.close()
print(pool.submit(interpreter(work.square), 3).result())
"""
    with Running(tmp_path, HEAD + source) as program:
        program.wait_for("waiting")
        program.interrupt()
        finished = program.finish()
    finished.check("interrupted False", "cancelled", "9")


def test_the_executor_is_dropped_while_calls_are_awaited(tmp_path: Path) -> None:
    source = """
async def main():
    pool = InterpreterThreadPoolExecutor(1)
    calls = [pool.run(gates.hold, gate.ends, "held"), pool.run(work.square, 3)]
    gate.wait_for()
    del pool
    gate.open()
    print(await asyncio.gather(*calls))

asyncio.run(main())
"""
    run_script(tmp_path, HEAD + source).check("['held', 9]")


def test_no_descriptor_is_left_for_a_loop(tmp_path: Path) -> None:
    """The loop is woken in another way."""
    source = """
import resource
pool = InterpreterThreadPoolExecutor(1)
print(pool.submit(interpreter(work.square), 3).result())

async def main():
    taken = []
    limit = len(os.listdir("/proc/self/fd")) + 10
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    try:
        while True:
            taken.append(os.dup(0))
    except OSError:
        pass
    first = pool.run(work.square, 4)
    for fd in taken:
        os.close(fd)
    print(await first, await asyncio.gather(*(pool.run(work.square, n) for n in range(5))))
    call = pool.run(endless.loop, gate.ends)
    gate.wait_for()
    call.cancel()
    print(await pool.run(work.square, 5))

asyncio.run(main())
"""
    run_script(tmp_path, HEAD + source).check("9", "16 [0, 1, 4, 9, 16]", "25")


FORK = """
warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)

async def squares(pool):
    return await asyncio.gather(*(pool.run(work.square, n) for n in range(4)))

def fork(child):
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        try:
            child()
        except Exception as error:
            print(f"{type(error).__name__}: {error}")
        sys.stdout.flush()
        sys.exit(7)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
"""


def test_a_fork_in_a_loop_that_has_nothing_to_await(tmp_path: Path) -> None:
    source = """
pool = InterpreterThreadPoolExecutor(2)

def child():
    print(asyncio.run(squares(pool)), flush=True)
    os._exit(7)  # an exception would leave by way of the parent's loop

async def main():
    print(await squares(pool))
    print(fork(child))
    print(await squares(pool))

asyncio.run(main())
"""
    squares = "[0, 1, 4, 9]"
    run_script(tmp_path, HEAD + FORK + source).check(squares, squares, "7", squares)


def test_a_fork_between_two_runs_of_a_loop(tmp_path: Path) -> None:
    """The child closes its copy of the loop. This does not affect the parent."""
    source = """
pool = InterpreterThreadPoolExecutor(2)
loop = asyncio.new_event_loop()
print(loop.run_until_complete(squares(pool)))

def child():
    loop.close()
    print(asyncio.run(squares(pool)))

print(fork(child))
print(loop.run_until_complete(squares(pool)))
loop.close()
"""
    squares = "[0, 1, 4, 9]"
    run_script(tmp_path, HEAD + FORK + source).check(squares, squares, "7", squares)


def test_a_fork_beside_calls_that_are_queued(tmp_path: Path) -> None:
    """The calls are the parent's. The child's copies of their futures cancel nothing."""
    source = """
pool = InterpreterThreadPoolExecutor(1)
loop = asyncio.new_event_loop()

async def start():
    held = pool.submit(gates.hold, gate.ends)  # in a thread: the interpreter is idle
    gate.wait_for()
    return held, [pool.run(work.square, n) for n in range(3)]

held, calls = loop.run_until_complete(start())

def child():
    print(calls[0].cancel(), calls[0].cancelled(), calls[1].done())
    loop.close()
    print(asyncio.run(squares(pool)))

async def finish():
    gate.open()
    return await asyncio.gather(*calls)

print(fork(child))
print(loop.run_until_complete(finish()))
loop.close()
"""
    run_script(tmp_path, HEAD + FORK + source).check("True True False", "[0, 1, 4, 9]", "7", "[0, 1, 4]")


def test_a_thread_awaits_when_the_program_ends(tmp_path: Path) -> None:
    source = """
pool = InterpreterThreadPoolExecutor(1)

async def main():
    call = pool.run(gates.hold_then, gate.ends, work.write, 1, b"has run\\n")
    gate.wait_for()
    started.set()
    await call
    print("told")

started = threading.Event()
threading.Thread(target=asyncio.run, args=(main(),)).start()
started.wait()
gate.open()
"""
    run_script(tmp_path, HEAD + source).check("has run", "told")
