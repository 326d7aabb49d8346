"""Programs that use `aiointerpreters.anyio`: how they end, with either backend, and without AnyIO."""

import os
from pathlib import Path

import pytest

from support.scripts import Running, environment, run_script

HEAD = """
import anyio, sys
from functools import partial
from aiointerpreters.anyio import run_sync
from support import endless, failures, work
from support.gate import Gate, hold
"""

LOOPS = pytest.mark.parametrize("backend", ["asyncio", "trio"])


@LOOPS
def test_a_program_ends(tmp_path: Path, backend: str) -> None:
    source = f"""
async def main():
    async with anyio.create_task_group() as group:
        for n in range(10):
            group.start_soon(run_sync, work.square, n)
    return await run_sync(work.square, 3)

if __name__ == "__main__":
    print(anyio.run(main, backend={backend!r}))
    print(anyio.run(main, backend={backend!r}))
    sys.exit(5)
"""
    run_script(tmp_path, HEAD + source, options=["-X", "dev", "-W", "error"]).check("9", "9", code=5)


@LOOPS
def test_a_program_ends_by_an_exception(tmp_path: Path, backend: str) -> None:
    finished = run_script(tmp_path, HEAD + f"anyio.run(run_sync, failures.fail_with_custom, backend={backend!r})\n")
    assert finished.code == 1
    assert finished.stderr.splitlines()[-1].startswith("support.failures.Custom")


@LOOPS
def test_functions_of_a_script(tmp_path: Path, backend: str) -> None:
    source = f"""
def local(n):
    return n + 1

if __name__ == "__main__":
    print(anyio.run(run_sync, local, 3, backend={backend!r}), anyio.run(run_sync, lambda: 5, backend={backend!r}))
"""
    run_script(tmp_path, HEAD + source).check("4 5")


@LOOPS
def test_a_program_that_leaves_an_abandoned_call_behind_ends(tmp_path: Path, backend: str) -> None:
    source = f"""
async def main():
    gate = Gate()
    async with anyio.create_task_group() as group:
        group.start_soon(partial(run_sync, endless.loop, gate.ends, abandon_on_cancel=True))
        await anyio.to_thread.run_sync(gate.wait_for)
        group.cancel_scope.cancel()
    print("left")

anyio.run(main, backend={backend!r})
"""
    run_script(tmp_path, HEAD + source, options=["-X", "dev", "-W", "error"]).check("left")


@LOOPS
def test_ctrl_c_ends_a_program_whose_call_is_abandoned(tmp_path: Path, backend: str) -> None:
    source = f"""
import sys
sys.path[:0] = {environment()["PYTHONPATH"].split(os.pathsep)!r}
{HEAD}
async def main():
    gate = Gate()
    async with anyio.create_task_group() as group:
        group.start_soon(partial(run_sync, endless.loop, gate.ends, abandon_on_cancel=True))
        await anyio.to_thread.run_sync(gate.wait_for)
        print("runs")

anyio.run(main, backend={backend!r})
"""
    with Running(tmp_path, source) as running:
        running.wait_for("runs")
        running.interrupt()
        finished = running.finish()
    assert finished.code != 0
    assert "KeyboardInterrupt" in finished.stderr


def test_without_anyio_it_says_what_to_install(tmp_path: Path) -> None:
    source = """
        import sys
        sys.modules["anyio"] = None
        from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
        with InterpreterThreadPoolExecutor(1) as pool:
            print(pool.submit(interpreter(abs), -1).result())
        try:
            import aiointerpreters.anyio
        except ImportError as error:
            print('pip install "anyio>=4.11"' in str(error), error)
    """
    finished = run_script(tmp_path, source)
    assert (finished.code, finished.stderr, finished.lines[0]) == (0, "", "1")
    assert finished.lines[1].startswith("True"), finished.lines


def test_the_package_does_not_import_anyio(tmp_path: Path) -> None:
    source = """
        import sys
        from aiointerpreters import InterpreterThreadPoolExecutor, Runner, interpreter
        print("anyio" in sys.modules)
    """
    run_script(tmp_path, source).check("False")
