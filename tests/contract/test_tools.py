"""Tools that show the stacks of a running program also show those of its workers and of everything beside them."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.scripts import TIMEOUT, environment, run_script

PROGRAM = """
import faulthandler, os, sys
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import coroutines, endless, work

arrived, *ends = *os.pipe(), 0

def stand_here():
    print("ready", flush=True)
    sys.stdin.read()

if __name__ == "__main__":
    pool = InterpreterThreadPoolExecutor(2)
    assert pool.submit(interpreter(work.square), 3).result() == 9
    assert pool.submit(work.square, 3).result() == 9
    {before}
    stand_here()
"""

IDLE = ""
WITH_LOOP = "assert pool.submit(interpreter(coroutines.square), 3).result() == 9"
BUSY = "future = pool.submit(interpreter(endless.loop), tuple(ends)); os.read(arrived, 1)"


@contextmanager
def running(folder: Path, before: str) -> Iterator[subprocess.Popen[str]]:
    """The running program. At the start of the block its main thread has reached its final place."""
    script = folder / "script.py"
    script.write_text(PROGRAM.format(before=before), encoding="utf-8")
    command = [sys.executable, str(script)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment()) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def sample(process: subprocess.Popen[str], folder: Path, *options: str) -> list[str]:
    """Profile the process for a moment. Return the stacks as lines. Skip the test if profiling is forbidden."""
    file = folder / "stacks.txt"
    command = [sys.executable, "-m", "profiling.sampling", "attach", "-d", "1", "--collapsed", "-o", str(file), *options]
    finished = subprocess.run(
        [*command, str(process.pid)], capture_output=True, text=True, timeout=TIMEOUT, env=environment(), check=False
    )
    said = finished.stdout + finished.stderr
    if "PermissionError" in said or "Permission denied" in said or "Operation not permitted" in said:
        pytest.skip("processes may not look into each other here")
    assert finished.returncode == 0, said
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


@pytest.mark.skipif(sys.version_info < (3, 15), reason="the sampling profiler is new in 3.15")
@pytest.mark.parametrize("before", [IDLE, WITH_LOOP, BUSY], ids=["idle", "idle with a loop", "busy"])
def test_the_sampling_profiler_sees_the_program(tmp_path: Path, before: str) -> None:
    with running(tmp_path, before) as process:
        assert any("stand_here" in stack for stack in sample(process, tmp_path))
        stacks = sample(process, tmp_path, "--all-threads")
    assert any("stand_here" in stack for stack in stacks)
    assert any("wait_for_calls" in stack for stack in stacks)
    assert any("endless.py:loop" in stack for stack in stacks) == (before == BUSY)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="faulthandler.register needs POSIX")
def test_faulthandler_shows_home(tmp_path: Path) -> None:
    """Its dump names home's threads. It ignores the code in other interpreters and does it no harm."""
    script = """
import faulthandler, os, sys
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import endless, work

arrived, *ends = *os.pipe(), 0
with InterpreterThreadPoolExecutor(2) as pool:
    assert pool.submit(interpreter(work.square), 3).result() == 9
    faulthandler.dump_traceback(sys.stdout, all_threads=True)
    future = pool.submit(interpreter(endless.loop), tuple(ends))
    os.read(arrived, 1)
    faulthandler.dump_traceback(sys.stdout, all_threads=True)
    future.interrupt()
    future.exception()
print("done")
"""
    finished = run_script(tmp_path, script)
    assert (finished.code, finished.stderr, finished.lines[-1]) == (0, "", "done")
    assert finished.stdout.count("<module>") == 2
    assert finished.stdout.count("_worker_thread.py") >= 2
