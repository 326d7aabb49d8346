"""Daemon threads that tasks start in a worker's interpreter: they end with it, and hold up nothing for ever."""

import re
from pathlib import Path

import pytest

from aiointerpreters import _core, interpreter
from support import daemons
from support.protocols import MakePool
from support.scripts import FORKING, SANITIZED, Running, run_script

HEAD = """
import atexit, logging, os, sys, threading, time
from aiointerpreters import InterpreterThreadPoolExecutor, TaskInterrupted, interpreter
from support import daemons, endless, work
from support.gate import Gate

def interpreters():
    "How many there are in this process."
    import _interpreters
    return len(_interpreters.list_all())
"""

ENDS = {
    "with": "with InterpreterThreadPoolExecutor(1) as pool:\n    use()\n",
    "dropped": "pool = InterpreterThreadPoolExecutor(1)\nuse()\ndel pool\n",
    "exit": "pool = InterpreterThreadPoolExecutor(1)\nuse()\n",
}
HOW = pytest.mark.parametrize("how", ENDS)

LEFT = "a worker's interpreter stays in memory, because threads that tasks have left there do not end: "


def ending(how: str, *call: str, then: str = "") -> str:
    """A program whose tagged task does this. The program ends its pool in one of several ways and exits with code 3."""
    use = f"def use():\n    pool.submit(interpreter({call[0]}), {', '.join(call[1:])}).result()\n"
    return f"{HEAD}\natexit.register(print, 'at exit')\n{use}\n{ENDS[how]}\n{then}\nsys.exit(3)\n"


@pytest.mark.parametrize("kind", [each.__name__ for each in [*daemons.PROMPT, daemons.handles_once, daemons.handles_all]])
def test_they_end_with_their_interpreter(tmp_path: Path, kind: str) -> None:
    then = "print(interpreters(), threading.active_count())"
    run_script(tmp_path, ending("with", f"daemons.{kind}", then=then)).check("1 1", "at exit", code=3)


@pytest.mark.skipif(_core.why_no_copies() is not None, reason=str(_core.why_no_copies()))
def test_event_loops_in_c_end_with_it_too(tmp_path: Path) -> None:
    program = """
    from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
    from support import daemons

    if __name__ == "__main__":
        with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
            pool.submit(interpreter(daemons.event_loop_in_c)).result()
    """
    run_script(tmp_path, program).check()


@HOW
def test_many_of_them_end_together(tmp_path: Path, how: str) -> None:
    run_script(tmp_path, ending(how, "daemons.prompt")).check("at exit", code=3)


@HOW
def test_they_may_clean_up(tmp_path: Path, how: str) -> None:
    marks = tmp_path / "marks"
    run_script(tmp_path, ending(how, "daemons.cleans_up", repr(str(marks)))).check("at exit", code=3)
    assert marks.read_text() == "cleaned up\n"


@HOW
def test_those_that_sleep_in_c_are_named_and_left_behind(tmp_path: Path, how: str) -> None:
    """The process ends as it would without these threads."""
    finished = run_script(tmp_path, ending(how, "daemons.asleep"))
    assert (finished.code, finished.lines) == (3, ["at exit"])
    line = finished.stderr.removeprefix(LEFT).rstrip("\n")
    assert line != finished.stderr
    assert sorted(line.split(", ")) == ["locked out", "receives", "selects", "sleeps"]


def test_one_that_threading_does_not_know_is_named_by_its_number(tmp_path: Path) -> None:
    finished = run_script(tmp_path, ending("with", "daemons.sleeps_without_threading"))
    assert (finished.code, finished.lines) == (3, ["at exit"])
    assert re.fullmatch(re.escape(LEFT) + r"thread \d+\n", finished.stderr)


def test_an_interpreter_that_its_last_thread_has_left_is_ended_later(tmp_path: Path) -> None:
    finished = run_script(
        tmp_path,
        HEAD
        + """
gate = Gate()
with InterpreterThreadPoolExecutor(1) as pool:
    pool.submit(interpreter(daemons.reads), gate.ends).result()
print(interpreters())
gate.open()
while interpreters() > 1:  # the thread may need a moment
    with InterpreterThreadPoolExecutor(1) as pool:
        pool.submit(interpreter(work.nothing)).result()
print(interpreters())
""",
    )
    assert (finished.code, finished.lines, finished.stderr) == (0, ["2", "1"], LEFT + "reads\n")


def test_several_interpreters_are_left_behind(tmp_path: Path) -> None:
    finished = run_script(
        tmp_path,
        HEAD
        + """
gate = Gate()
pool = InterpreterThreadPoolExecutor(3)
futures = [pool.submit(interpreter(daemons.sleeps_at_gate), gate.ends) for _ in range(3)]
gate.wait_for(3)
gate.open(3)
for future in futures:
    future.result()
""",
    )
    assert (finished.code, finished.lines) == (0, [])
    assert finished.stderr == 3 * (LEFT + "sleeps\n")


def test_a_pool_in_a_task_leaves_one_behind(tmp_path: Path) -> None:
    finished = run_script(tmp_path, ending("with", "daemons.asleep_in_own_pool"))
    assert (finished.code, finished.lines) == (3, ["at exit"])
    assert finished.stderr == LEFT + "sleeps\n"


@pytest.mark.parametrize("kind", ["handles_all", "sleeps"])
def test_ctrl_c_while_they_are_waited_for(tmp_path: Path, kind: str) -> None:
    source = f"""
gate = Gate()
pool = InterpreterThreadPoolExecutor(1)
pool.submit(interpreter(daemons.{kind})).result()
pool.submit(interpreter(daemons.tells_of_its_end), gate.ends).result()
threading.Thread(target=lambda: (gate.wait_for(), print("waiting", flush=True)), daemon=True).start()
"""
    with Running(tmp_path, HEAD + source) as program:
        program.wait_for("waiting")
        program.interrupt()
        finished = program.finish()
    assert finished.code in (0, 130)
    assert finished.stderr in ("", LEFT + "sleeps\n")


@pytest.mark.parametrize("kind", ["prompt", "notify_at_their_end"])
def test_ctrl_c_ends_a_program_with_them(tmp_path: Path, kind: str) -> None:
    """A wait that was woken is not notified again. That would abort the debug build of CPython."""
    source = f"""
gate = Gate()
pool = InterpreterThreadPoolExecutor(1)
pool.submit(interpreter(daemons.{kind})).result()
future = pool.submit(interpreter(endless.loop), gate.ends)
gate.wait_for()
print("waiting", flush=True)
future.result()
"""
    with Running(tmp_path, HEAD + source) as program:
        program.wait_for("waiting")
        program.interrupt()
        finished = program.finish()
    assert finished.code == -2
    assert [line for line in finished.stderr.splitlines() if not line.startswith(" ")] == [
        "Traceback (most recent call last):",
        "KeyboardInterrupt",
    ]


def test_they_go_on_when_a_task_is_interrupted(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        HEAD
        + """
gate = Gate()
with InterpreterThreadPoolExecutor(1) as pool:
    future = pool.submit(interpreter(daemons.counts_while_looping), gate.ends)
    gate.wait_for()
    future.interrupt()
    print(type(future.exception()).__name__)
    print(pool.submit(interpreter(daemons.goes_on)).result())
print(interpreters(), threading.active_count())
""",
    ).check("TaskInterrupted", "True", "1 1")


def test_a_fork_ends_them(tmp_path: Path) -> None:
    """Their interpreters are idle, so they are ended before the fork."""
    run_script(
        tmp_path,
        HEAD
        + FORKING
        + """
def child():
    with InterpreterThreadPoolExecutor(1) as own:
        print(own.submit(interpreter(work.square), 3).result())

pool = InterpreterThreadPoolExecutor(2)
for _ in range(3):
    pool.submit(interpreter(daemons.prompt)).result()
    print(fork(child))
print(pool.submit(interpreter(work.square), 4).result())
""",
    ).check(*["9", "7"] * 3, "16")


def test_a_fork_waits_for_those_that_end_late(tmp_path: Path) -> None:
    """They handle the requests to end for four seconds. That is longer than a fork waits for running tasks."""
    run_script(
        tmp_path,
        HEAD
        + FORKING
        + """
with InterpreterThreadPoolExecutor(2) as pool:
    for _ in range(2):
        pool.submit(interpreter(daemons.handles_all)).result()
    print(fork(print, "child"))
""",
    ).check("child", "7")


@pytest.mark.skipif(SANITIZED, reason="AddressSanitizer reports CPython's fault in the child")
def test_a_fork_beside_an_interpreter_that_was_left_behind_is_warned_of(tmp_path: Path) -> None:
    finished = run_script(
        tmp_path,
        HEAD
        + FORKING
        + """
with InterpreterThreadPoolExecutor(1) as pool:
    pool.submit(interpreter(daemons.sleeps)).result()
fork(os._exit, 0)
""",
    )
    assert finished.code == 0
    assert "the process forks while 1 interpreters have threads that do not end: " in finished.stderr


def test_threads_are_no_daemons_that_do_not_say_so(make_pool: MakePool) -> None:
    """Threads of executors at home are not daemons, so the threads that they start are not either. Same in workers."""
    pool = make_pool(1)
    assert pool.submit(daemons.has_daemon_threads).result() == (False, False)
    assert pool.submit(interpreter(daemons.has_daemon_threads)).result() == (False, False)


@pytest.mark.once
def test_a_hundred_interpreters_with_them_leave_nothing_behind(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        HEAD
        + """
for _ in range(50):
    with InterpreterThreadPoolExecutor(2) as pool:
        futures = [pool.submit(interpreter(each)) for each in (daemons.monitor, daemons.without_threading)]
        for future in futures:
            future.result()
print(interpreters())
while len(os.listdir("/proc/self/task")) > 1:  # Linux lists a thread until a moment after others have joined it
    time.sleep(0.001)
""",
    ).check("1")
