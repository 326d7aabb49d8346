"""Programs that use executors in interpreters of their own end well, whether they close these interpreters or not."""

import sys
from pathlib import Path

import pytest

from support.scripts import Finished, Running, run_script

pytestmark = pytest.mark.skipif(sys.version_info < (3, 14), reason="no concurrent.interpreters")

CODE = """
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import endless, work

def say(word):
    print(word, flush=True)

def say_and_loop():
    say("looping")
    endless.loop()

pool = InterpreterThreadPoolExecutor(2)
"""

HEAD = f"""
import concurrent.interpreters, threading, time
guest = concurrent.interpreters.create()
CODE = '''{CODE}'''
"""


def check(finished: Finished, *lines: str, code: int = 0, closed: bool = False) -> None:
    """It printed these lines, in any order, and no errors. CPython warns if an interpreter is not closed."""
    assert (finished.code, sorted(finished.lines)) == (code, sorted(lines))
    warnings = [line for line in finished.stderr.splitlines() if "remaining subinterpreters" in line]
    assert finished.stderr.splitlines() == warnings
    assert len(warnings) == (0 if closed else 1)


@pytest.mark.parametrize("home", ["", "import aiointerpreters.executors\n"], ids=["alone", "beside home"])
@pytest.mark.parametrize(
    "use",
    [
        "",
        "say(pool.submit(interpreter(work.square), 3).result())",
        "pool.submit(interpreter(work.square), 3).add_done_callback(lambda future: say(future.result()))",
        "for _ in range(9): pool.submit(interpreter(say), 9)",
        "for _ in range(9): pool.submit(interpreter(lambda: (__import__('time').sleep(0.1), say(9))))",
        "pool.submit(interpreter(work.square), 3); say(pool.submit(work.square, 3).result())",
        "pool.submit(interpreter(work.square), 3).result(); del pool; say(9)",
        "with pool: say(pool.submit(interpreter(work.square), 3).result())",
    ],
    ids=["unused", "idle", "callback", "queued", "busy", "both sides", "dropped", "shut down"],
)
def test_it_is_not_closed(tmp_path: Path, home: str, use: str) -> None:
    finished = run_script(tmp_path, home + HEAD + f'guest.exec(CODE + """{use}""")')
    check(finished, *["9"] * (0 if not use else 9 if "range(9)" in use else 1))


def test_it_is_closed(tmp_path: Path) -> None:
    finished = run_script(
        tmp_path, HEAD + 'guest.exec(CODE + "for _ in range(9): pool.submit(interpreter(say), 9)")\nguest.close()'
    )
    check(finished, *["9"] * 9, closed=True)


def test_a_thread_still_uses_it_when_main_ends(tmp_path: Path) -> None:
    finished = run_script(
        tmp_path,
        HEAD
        + """
code = CODE + '''
import time
for _ in range(5):
    time.sleep(0.1)
    say(pool.submit(interpreter(work.square), 3).result())
'''
threading.Thread(target=guest.exec, args=(code,)).start()
""",
    )
    check(finished, *["9"] * 5)


def test_several_and_home_s_own(tmp_path: Path) -> None:
    finished = run_script(
        tmp_path,
        HEAD
        + """
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import work
pool = InterpreterThreadPoolExecutor(2)
for each in [guest, concurrent.interpreters.create(), concurrent.interpreters.create()]:
    each.exec(CODE + 'say(pool.submit(interpreter(work.square), 3).result())')
print(pool.submit(interpreter(work.square), 4).result(), flush=True)
""",
    )
    check(finished, *["9"] * 3, "16")


def test_the_exit_code_is_kept(tmp_path: Path) -> None:
    check(run_script(tmp_path, HEAD + 'guest.exec(CODE + "pool.submit(interpreter(say), 1)")\nexit(3)'), "1", code=3)


def test_ctrl_c_at_exit_stops_what_runs(tmp_path: Path) -> None:
    source = HEAD + 'guest.exec(CODE + "pool.submit(interpreter(say_and_loop))")\n'
    with Running(tmp_path, source) as running:
        running.wait_for("looping")
        running.interrupt()
        check(running.finish())
