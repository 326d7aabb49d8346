"""Warnings of the engine: handlers of the log may use the executor, and no warning is lost when the program ends."""

import sys
from pathlib import Path

import pytest

from support.scripts import run_script

HEAD = """
import logging, sys, threading, tracemalloc
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import coroutines, endless, work
from support.gate import Gate

gate = Gate()
pool = InterpreterThreadPoolExecutor(1)

class ShutsDown(logging.Handler):
    "Gives up when the engine warns, as a supervisor may do, and waits for the end."

    def emit(self, record):
        print(record.getMessage().split(" in ")[0])
        gate.open_wide()
        pool.shutdown()
        print("shut down", threading.current_thread() in pool._threads)
        done.set()

done = threading.Event()
logging.getLogger("aiointerpreters").addHandler(ShutsDown())
"""

GOES_ON = """
future = pool.submit(interpreter({fn}), gate.ends)
gate.wait_for()
future.interrupt()
"""


@pytest.mark.slow
@pytest.mark.parametrize("then", ["done.wait()", "pool.shutdown()", "pass"], ids=["waits", "shuts down", "ends"])
@pytest.mark.parametrize("fn", ["coroutines.ignore", "endless.ignores"])
def test_a_handler_shuts_down_when_a_call_goes_on(tmp_path: Path, fn: str, then: str) -> None:
    name = f"support.{fn} still runs"
    run_script(tmp_path, HEAD + GOES_ON.format(fn=fn) + then).check(name, "shut down False")


@pytest.mark.slow
def test_a_handler_shuts_down_when_threads_are_left(tmp_path: Path) -> None:
    source = HEAD + "pool.submit(interpreter(endless.leave_waiting_thread), gate.ends).result()\npool.shutdown(wait=False)\n"
    message = "a worker's interpreter waits for threads that tasks have started and not joined: left behind"
    run_script(tmp_path, source + "done.wait()").check(message, "shut down False")


@pytest.mark.skipif(sys.version_info >= (3, 15), reason="interpreters may end while tracemalloc traces")
@pytest.mark.parametrize("then", ["pool.shutdown(wait=False)\ndone.wait()", "pool.shutdown()", "pass"])
def test_a_handler_shuts_down_when_tracing_has_been_stopped(tmp_path: Path, then: str) -> None:
    source = HEAD + "tracemalloc.start()\nprint(pool.submit(interpreter(work.square), 3).result())\n" + then
    finished = run_script(tmp_path, source)
    assert (finished.code, finished.stderr) == (0, "")
    assert finished.lines[0] == "9"
    assert finished.lines[1].startswith("tracemalloc has been stopped")
    assert finished.lines[2:] == ["shut down False"]
