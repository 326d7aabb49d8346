"""Ctrl-C ends a program immediately, whatever its workers do. The exit code is the one that a shell expects."""

import contextlib
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.scripts import Finished, Running, run_script

type Start = Callable[[str], Running]

HEAD = """
import concurrent.futures, os, sys, threading, time
from aiointerpreters import InterpreterThreadPoolExecutor, TaskInterrupted, _core, interpreter
from support import endless, work
from support.gate import Gate

gate = Gate()

def say_so():
    gate.wait_for()
    print("waiting")

def say_at_exit():
    threading._register_atexit(print, "at exit")  # called before the package's own: the last one is the first
"""

START = """
pool = InterpreterThreadPoolExecutor(2)
future = pool.submit(interpreter(endless.loop), gate.ends)
say_so()
"""

WAITS = {
    "result": START + "future.result()",
    "exception": START + "future.exception()",
    "wait": START + "concurrent.futures.wait([future])",
    "as_completed": START + "list(concurrent.futures.as_completed([future]))",
    "shutdown": START + "pool.shutdown()",
    "shutdown without waiting": START + "pool.shutdown(wait=False)\ntime.sleep(1000)",
    "elsewhere": START + "time.sleep(1000)",
    "with, inside": """
with InterpreterThreadPoolExecutor(2) as pool:
    future = pool.submit(interpreter(endless.loop), gate.ends)
    say_so()
    future.result()
""",
    "with, at its end": """
with InterpreterThreadPoolExecutor(2) as pool:
    future = pool.submit(interpreter(endless.loop), gate.ends)
    say_so()
""",
    "map": """
pool = InterpreterThreadPoolExecutor(2)
results = pool.map(interpreter(endless.loop_over_rows), range(2), [gate.ends] * 2)
gate.wait_for()
say_so()
list(results)
""",
    "map in chunks": """
pool = InterpreterThreadPoolExecutor(2)
results = pool.map(interpreter(endless.loop_over_rows), range(2), [gate.ends] * 2, chunksize=2)
say_so()
list(results)
""",
    "many queued": """
pool = InterpreterThreadPoolExecutor(1)
futures = [pool.submit(interpreter(endless.loop), gate.ends) for _ in range(1000)]
say_so()
futures[-1].result()
""",
    "an initializer": """
pool = InterpreterThreadPoolExecutor(1, initializer=interpreter(endless.loop), initargs=(gate.ends,))
future = pool.submit(interpreter(work.square), 3)
say_so()
future.result()
""",
    "a pool in a worker": """
pool = InterpreterThreadPoolExecutor(1)
future = pool.submit(interpreter(endless.waits_for_its_own_pool), gate.ends)
say_so()
future.result()
""",
    "a thread in a worker": """
pool = InterpreterThreadPoolExecutor(1)
future = pool.submit(interpreter(endless.leave_thread), gate.ends)
say_so()
assert future.result() == "returned"
time.sleep(1000)
""",
    "asyncio": """
import asyncio

async def main():
    asyncio.get_running_loop().set_default_executor(InterpreterThreadPoolExecutor(2))
    waiting = asyncio.ensure_future(asyncio.to_thread(interpreter(endless.loop), gate.ends))
    await asyncio.sleep(0)
    say_so()
    await waiting

runner = asyncio.Runner()
runner.run(main())
""",
}


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a program that ends with the test."""
    with contextlib.ExitStack() as stack:
        yield lambda source: stack.enter_context(Running(tmp_path, HEAD + source))


def check_ended_by_ctrl_c(finished: Finished) -> None:
    """There is one traceback, of KeyboardInterrupt, and a shell sees that a signal has ended the process."""
    assert finished.stderr.splitlines()[-1] == "KeyboardInterrupt"
    assert "TaskInterrupted" not in finished.stderr
    assert finished.code == -signal.SIGINT


@pytest.mark.parametrize("source", WAITS.values(), ids=WAITS.keys())
def test_once_is_enough(start: Start, source: str) -> None:
    program = start(source)
    program.wait_for("waiting")
    program.interrupt()
    check_ended_by_ctrl_c(program.finish())


KEPT = """
pool = InterpreterThreadPoolExecutor(1)
pool.submit(interpreter(endless.{}), gate.ends).result()
pool.shutdown(wait=False)
say_so()
"""

AT_EXIT = {
    "running": START,
    "queued": START + "for _ in range(10): pool.submit(interpreter(endless.loop), gate.ends)",
    "dropped": START + "del pool, future",
    "shut down": START + "pool.shutdown(wait=False)",
    "an initializer": WAITS["an initializer"].replace("future.result()", ""),
    "a pool in a worker": WAITS["a pool in a worker"].replace("future.result()", ""),
    "a thread in a worker": WAITS["a thread in a worker"].replace("time.sleep(1000)", ""),
    "what a function keeps": """
pool = InterpreterThreadPoolExecutor(1)
assert pool.submit(interpreter(endless.with_closure(gate.ends))).result()
pool.shutdown(wait=False)
say_so()
""",
    "what a coroutine function keeps": """
pool = InterpreterThreadPoolExecutor(1)
assert pool.submit(interpreter(endless.with_closure_in_loop(gate.ends))).result()
pool.shutdown(wait=False)
say_so()
""",
    "what a module keeps": KEPT.format("keep_in_module"),
    "what modules of others keep": KEPT.format("keep_in_several_places"),
    "what __main__ keeps": KEPT.format("keep_in_main"),
    "what a result leaves": """
pool = InterpreterThreadPoolExecutor(1)
assert pool.submit(interpreter(endless.endless_end), gate.ends).result() == 5
say_so()
""",
}


@pytest.mark.parametrize("source", AT_EXIT.values(), ids=AT_EXIT.keys())
@pytest.mark.parametrize("code", [0, 3])
def test_at_exit_it_stops_what_runs_and_leaves_the_exit_code_alone(start: Start, source: str, code: int) -> None:
    program = start(source + f"\nsay_at_exit()\nsys.exit({code})")
    program.wait_for("waiting")
    program.wait_for("at exit")
    program.interrupt()
    program.finish().check(code=code)


def test_a_program_that_handles_it_ends_as_usual(start: Start, tmp_path: Path) -> None:
    program = start(
        START.replace("say_so()", "")
        + """
try:
    say_so()
    future.result()
except KeyboardInterrupt:
    print("handled")
print(future.interrupt(), type(future.exception()).__name__, pool.submit(interpreter(work.square), 3).result())
""",
    )
    program.wait_for("waiting")
    program.interrupt()
    program.finish().check("handled", "True TaskInterrupted 9")


def test_tasks_clean_up(start: Start, tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    program = start(
        f"""
pool = InterpreterThreadPoolExecutor(1)
future = pool.submit(interpreter(endless.cleans_up), gate.ends, {str(marks)!r})
say_so()
future.result()
""",
    )
    program.wait_for("waiting")
    program.interrupt()
    check_ended_by_ctrl_c(program.finish())
    assert marks.read_text() == "cleaned up"


IN_A_THREAD = """
pool = InterpreterThreadPoolExecutor(1)
future = pool.submit(endless.sleep, gate.ends)  # a loop would keep the main thread waiting for the GIL
say_so()
"""


def test_a_thread_s_endless_function_takes_two(start: Start, tmp_path: Path) -> None:
    program = start("say_at_exit()" + IN_A_THREAD + "future.result()")
    program.wait_for("waiting")
    program.interrupt()
    program.wait_for("at exit")
    program.interrupt()
    finished = program.finish()
    assert finished.code == 130
    assert finished.stderr.splitlines()[-1] == "KeyboardInterrupt"


def test_a_thread_s_endless_function_at_exit_takes_two(start: Start, tmp_path: Path) -> None:
    source = IN_A_THREAD + "pool.submit(interpreter(endless.cleans_up), gate.ends, sys.argv[0] + '.marks')\nsay_so()\n"
    source = source.replace("Executor(1)", "Executor(2)")
    program = start(source + "say_at_exit()")
    program.wait_for("waiting")
    program.wait_for("waiting")
    program.wait_for("at exit")
    program.interrupt()
    marks = tmp_path / "script.py.marks"
    while not marks.exists():  # the first Ctrl-C has stopped everything that can be stopped
        pass
    program.interrupt()
    program.finish().check(code=130)


def test_another_signal_whose_handler_exits_takes_two(start: Start) -> None:
    program = start(
        """
import signal
signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))
pool = InterpreterThreadPoolExecutor(1)
future = pool.submit(interpreter(endless.ignores), gate.ends)
say_at_exit()
threading.Thread(target=lambda: (say_so(), say_so()), daemon=True).start()
""",
    )
    for _ in range(2):
        program.wait_for("waiting", "at exit")
    program.send(signal.SIGTERM)
    program.wait_for("waiting")
    program.send(signal.SIGTERM)
    program.finish().check(code=5)


def test_an_interrupt_that_a_task_ignores_takes_two(start: Start) -> None:
    program = start(
        """
pool = InterpreterThreadPoolExecutor(1)
future = pool.submit(interpreter(endless.ignores), gate.ends)
threading.Thread(target=lambda: (say_so(), say_so()), daemon=True).start()
future.result()
""",
    )
    program.wait_for("waiting")
    program.interrupt()
    program.wait_for("waiting")
    program.interrupt()
    assert program.finish().code == 130


STARTING = """
import signal

def strike(cls, name):
    "Have Ctrl-C come when this method is called next."
    original = getattr(cls, name)

    def struck(*args, **kwargs):
        setattr(cls, name, original)
        signal.raise_signal(signal.SIGINT)
        return original(*args, **kwargs)

    setattr(cls, name, struck)

pool = InterpreterThreadPoolExecutor(1)
"""


@pytest.mark.parametrize("tag", ["interpreter", "work.echo"], ids=["tagged", "untagged"])
@pytest.mark.parametrize(
    "place", ["threading.Thread, '__init__'", "threading.Thread, '_set_ident'", "threading.Event, 'set'"]
)
@pytest.mark.parametrize(
    "then", ["print(pool.submit(tag(work.square), 3).result())", "pool.shutdown(); print(9)", "print(9)"]
)
def test_while_a_thread_starts(tmp_path: Path, tag: str, place: str, then: str) -> None:
    run_script(
        tmp_path,
        HEAD
        + STARTING
        + f"""
tag = {tag}
strike({place})
try:
    pool.submit(tag(work.square), 3)
except KeyboardInterrupt:
    print("interrupted")
{then}
""",
    ).check("interrupted", "9")


@pytest.mark.parametrize("when", ["before", "after_in_parent", "after_in_child"])
def test_while_the_process_forks(tmp_path: Path, when: str) -> None:
    """CPython drops the exception of a function that it calls at a fork. Afterwards the pools must be as after any fork."""
    finished = run_script(
        tmp_path,
        """
import ctypes, functools, os, signal, sys, warnings
warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
# A function in C, so that the signal is still to be handled when the next one is called.
strike = functools.partial(getattr(ctypes.CDLL(None), "raise"), signal.SIGINT)
if WHEN != "before":
    os.register_at_fork(**{WHEN: strike})
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import work
if WHEN == "before":
    os.register_at_fork(before=strike)  # called before the package's
parent = os.getpid()
pool = InterpreterThreadPoolExecutor(1)
print(pool.submit(interpreter(work.square), 3).result())
try:
    os.fork()
except KeyboardInterrupt:
    pass
if os.getpid() != parent:
    os._exit(0 if pool.submit(interpreter(work.square), 4).result() == 16 else 1)
print(os.waitstatus_to_exitcode(os.wait()[1]), pool.submit(interpreter(work.square), 5).result())
""".replace("WHEN", repr(when)),
    )
    assert (finished.code, finished.lines) == (0, ["9", "0 25"])
