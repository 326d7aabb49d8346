"""Threads, exit handlers and hooks that tasks leave in a worker's interpreter, and those of home."""

import re
from pathlib import Path

import pytest

from support.scripts import run_script

HEAD = """
import atexit, gc, logging, os, sys, threading
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import failures, invasive, work
from support import gate as gates
from support.gate import Gate

gate = Gate()
"""

ENDS = {
    "with": "with InterpreterThreadPoolExecutor(1) as pool:\n    use()\n",
    "dropped": "pool = InterpreterThreadPoolExecutor(1)\nuse()\ndel pool\n",
    "exit": "pool = InterpreterThreadPoolExecutor(1)\nuse()\n",
}


def ending(how: str, fn: str, *args: str, then: str = "pass") -> str:
    """A program whose tagged task does this. The program does `then`, ends its pool in one of several ways, and exits."""
    call = ", ".join([f"interpreter({fn})", *args])
    return f"{HEAD}\ndef use():\n    pool.submit({call}).result()\n    {then}\n\n{ENDS[how]}"


HOW = pytest.mark.parametrize("how", ENDS)


@HOW
def test_threads_that_end_a_little_later(tmp_path: Path, how: str) -> None:
    marks = tmp_path / "marks"
    then = "gate.wait_for(); threading.Timer(0.02, gate.open).start()"
    run_script(tmp_path, ending(how, "invasive.start_thread", "gate.ends", repr(str(marks)), then=then)).check()
    assert marks.read_text() == "the thread\n"


@HOW
def test_threads_that_log(tmp_path: Path, how: str) -> None:
    source = ending(how, "invasive.start_thread_that_logs", "gate.ends", then="gate.wait_for(); gate.open()")
    finished = run_script(tmp_path, source)
    assert (finished.code, finished.stdout, finished.stderr) == (0, "", "WARNING:root:from a thread of a task\n")


@HOW
def test_threads_that_fail(tmp_path: Path, how: str) -> None:
    source = ending(how, "invasive.start_thread_that_fails", "gate.ends", then="gate.wait_for(); gate.open()")
    check_failed_thread(run_script(tmp_path, source).stderr)


def check_failed_thread(stderr: str) -> None:
    """The end of one thread is reported."""
    lines = [line for line in stderr.splitlines() if not line.startswith(" ")]
    assert lines == ["Exception in thread failing:", "Traceback (most recent call last):", "LookupError: in a thread"]


@pytest.mark.parametrize("tag", ["interpreter", "work.echo"], ids=["tagged", "untagged"])
def test_threads_that_fail_while_the_task_runs(tmp_path: Path, tag: str) -> None:
    finished = run_script(
        tmp_path,
        HEAD
        + f"""
pool = InterpreterThreadPoolExecutor(1)
pool.submit({tag}(invasive.start_thread_that_fails)).result()
pool.submit({tag}(invasive.start_thread_that_exits), 5).result()
print(pool.submit({tag}(work.square), 3).result())
""",
    )
    assert (finished.code, finished.lines) == (0, ["9"])
    check_failed_thread(finished.stderr)


@HOW
def test_an_idle_executor_of_the_standard_library(tmp_path: Path, how: str) -> None:
    run_script(tmp_path, ending(how, "invasive.square_in_standard_pool", "3")).check()


@HOW
def test_threads_that_an_exit_handler_starts(tmp_path: Path, how: str) -> None:
    marks = tmp_path / "marks"
    run_script(tmp_path, ending(how, "invasive.start_thread_at_exit", repr(str(marks)))).check()
    assert marks.read_text() == "the thread\n"


@HOW
def test_exit_handlers_print(tmp_path: Path, how: str) -> None:
    run_script(tmp_path, ending(how, "invasive.at_exit", "print", "'from a handler'")).check("from a handler")


@HOW
def test_exit_handlers_raise(tmp_path: Path, how: str) -> None:
    finished = run_script(tmp_path, ending(how, "invasive.at_exit", "invasive.fail_loudly", "'in a handler'"))
    assert (finished.code, finished.stdout) == (0, "")
    lines = [line for line in finished.stderr.splitlines() if not line.startswith(" ")]
    assert len(lines) == 3
    assert re.match(r"Exception ignored in atexit callback:? <function fail_loudly at 0x\w+>:?$", lines[0])
    assert lines[1:] == ["Traceback (most recent call last):", "LookupError: in a handler"]


@HOW
def test_exit_handlers_call_sys_exit(tmp_path: Path, how: str) -> None:
    finished = run_script(tmp_path, ending(how, "invasive.at_exit", "sys.exit", "5"))
    assert (finished.code, finished.stdout) == (0, "")


@HOW
def test_exit_handlers_take_their_time(tmp_path: Path, how: str) -> None:
    marks = tmp_path / "marks"
    args = ["gates.hold_then", "gate.ends", "work.append_line", repr(str(marks)), "'the handler'"]
    then = "threading.Thread(target=lambda: (gate.wait_for(), gate.open())).start()"
    run_script(tmp_path, ending(how, "invasive.at_exit", *args, then=then)).check()
    assert marks.read_text() == "the handler\n"


@HOW
def test_exit_handlers_make_pools(tmp_path: Path, how: str) -> None:
    finished = run_script(tmp_path, ending(how, "invasive.make_pool_at_exit"))
    assert (finished.code, finished.stderr) == (0, "")
    assert finished.lines == ["cannot schedule new futures after interpreter shutdown"]


HOOKS = """
threading.excepthook = lambda args: print("home's threading:", args.exc_value)
sys.unraisablehook = lambda args: print("home's unraisable:", args.exc_value)
sys.excepthook = lambda _type, error, _trace: print("home's excepthook:", error)
"""


def test_home_s_hooks_hear_of_home_s_threads_alone(tmp_path: Path) -> None:
    finished = run_script(
        tmp_path,
        HEAD
        + HOOKS
        + """
pool = InterpreterThreadPoolExecutor(1)
for tag in (work.echo, interpreter):
    pool.submit(tag(invasive.start_thread_that_fails)).result()
    pool.submit(tag(invasive.drop_what_fails)).result()
    print(type(pool.submit(tag(failures.fail_below)).exception()).__name__)
raise LookupError("the end")
""",
    )
    assert finished.lines == [
        "home's threading: in a thread",
        "home's unraisable: in a finalizer",
        "ValueError",
        "ValueError",
        "home's excepthook: the end",
    ]
    assert finished.code == 1
    lines = [line for line in finished.stderr.splitlines() if not line.startswith(" ")]
    assert len(lines) == 6
    assert lines[:3] == ["Exception in thread failing:", "Traceback (most recent call last):", "LookupError: in a thread"]
    assert re.match(r"Exception ignored (in|while calling deallocator):? <function FailsWhenDropped.__del__ at", lines[3])
    assert lines[5] == "LookupError: in a finalizer"


def test_a_worker_s_hooks_hear_of_its_interpreter_alone(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        HEAD
        + HOOKS
        + """
pool = InterpreterThreadPoolExecutor(1)
pool.submit(interpreter(invasive.use_hooks_that_print)).result()
for tag in (work.echo, interpreter):
    pool.submit(tag(invasive.start_thread_that_fails)).result()
    pool.submit(tag(invasive.drop_what_fails)).result()
    sys.stdout.flush()
print(type(pool.submit(interpreter(failures.fail_below)).exception()).__name__)
""",
    ).check(
        "home's threading: in a thread",
        "home's unraisable: in a finalizer",
        "threading: in a thread",
        "unraisable: in a finalizer",
        "ValueError",
    )


@HOW
def test_finalizers_that_fail_when_the_interpreter_ends(tmp_path: Path, how: str) -> None:
    finished = run_script(tmp_path, ending(how, "invasive.keep_what_fails"))
    assert (finished.code, finished.stdout) == (0, "")
    lines = [line for line in finished.stderr.splitlines() if not line.startswith(" ")]
    assert len(lines) == 3
    assert re.match(r"Exception ignored (in|while calling deallocator):? <function FailsWhenDropped.__del__ at", lines[0])
    assert lines[2] == "LookupError: in a finalizer"


@pytest.mark.parametrize("hook", ["lambda *_: 1 / 0", "None", "sys.exit"])
def test_hooks_of_home_that_fail(tmp_path: Path, hook: str) -> None:
    """The end is the same as without a pool."""
    source = f"threading.excepthook = sys.unraisablehook = sys.excepthook = {hook}\nraise LookupError('the end')\n"
    pool = "pool = InterpreterThreadPoolExecutor(1)\npool.submit(interpreter(work.square), 3).result()\n"
    finished = run_script(tmp_path, HEAD + pool + source)
    expected = run_script(tmp_path, HEAD + "\n\n" + source)
    assert finished == expected
    assert finished.code == 1


def test_a_thread_that_starts_while_the_process_ends(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        """
import threading
ended, arrived = threading.Event(), threading.Event()
threading._register_atexit(ended.set)  # called after what was registered later
from aiointerpreters import InterpreterThreadPoolExecutor, executors, interpreter

def describe(*args, describe_thread=executors.describe_thread):
    arrived.set()
    ended.wait()
    return describe_thread(*args)

executors.describe_thread = describe
pool = InterpreterThreadPoolExecutor(2)
threading.Thread(target=lambda: print(pool.submit(interpreter(abs), -3).result())).start()
arrived.wait()
""",
    ).check("3")
