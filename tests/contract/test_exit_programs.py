"""The ways in which programs run and end: interactive, with -m, as a zip file, at exit handlers, with an event loop."""

import zipfile
from pathlib import Path

import pytest

from support.scripts import Finished, run_python, run_script

HEAD = """
import asyncio, atexit, os, sys, threading
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import failures, invasive, work
from support import gate as gates
from support.gate import Gate
"""

USED = "pool = InterpreterThreadPoolExecutor(2)\nprint(pool.submit(interpreter(work.square), 3).result(), flush=True)\n"

TAGS = pytest.mark.parametrize("tag", ["interpreter", "work.echo"], ids=["tagged", "untagged"])

# ---- Interactive


def check_session(finished: Finished, *lines: str, code: int = 0) -> None:
    """It printed these lines. On stderr there are prompts and perhaps a banner, but no error."""
    assert (finished.code, finished.lines) == (code, list(lines))
    assert "Error" not in finished.stderr
    assert "Warning" not in finished.stderr


@pytest.mark.parametrize("end", ["", "exit(5)\n", "pool.shutdown()\n", "del pool\n"], ids=["eof", "exit", "shutdown", "del"])
def test_a_script_and_then_a_prompt(tmp_path: Path, end: str) -> None:
    (tmp_path / "script.py").write_text(HEAD + USED + "def local(x): return x + 1\n", encoding="utf-8")
    typed = "print(pool.submit(interpreter(lambda: 5)).result())\nprint(pool.submit(local, 3).result())\n" + end
    finished = run_python("-q", "-i", "script.py", stdin=typed, cwd=tmp_path)
    check_session(finished, "9", "5", "4", code=5 if "exit" in end else 0)


def test_a_prompt_after_an_error(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(HEAD + USED + "raise LookupError('on purpose')\n", encoding="utf-8")
    typed = "print(pool.submit(interpreter(work.square), 4).result())\nprint(pool.submit(work.square, 5).result())\n"
    finished = run_python("-q", "-i", "script.py", stdin=typed, cwd=tmp_path)
    assert (finished.code, finished.lines) == (0, ["9", "16", "25"])
    assert [line for line in finished.stderr.splitlines() if line.startswith(("Look", "Exc", "Runt"))] == [
        "LookupError: on purpose"
    ]


def test_code_interact(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(HEAD + USED + "import code\ncode.interact(local=globals())\nprint('after')\n")
    typed = "print(pool.submit(interpreter(work.square), 4).result())\nprint(pool.submit(interpreter(lambda: 5)).result())\n"
    check_session(run_python("script.py", stdin=typed, cwd=tmp_path), *["9", ">>> 16", ">>> 5", ">>> after"])


# ---- Run in other ways

MODULE = (
    HEAD
    + """
def local(x):
    return x + 1

if __name__ == "__main__":
    pool = InterpreterThreadPoolExecutor(2)
    futures = [pool.submit(interpreter(work.square), 3), pool.submit(work.square, 4), pool.submit(local, 5)]
    futures += [pool.submit(interpreter(local), 6), pool.submit(interpreter(lambda: 7))]
    print([future.result() for future in futures], flush=True)
    sys.exit(5)
"""
)


@pytest.mark.parametrize("how", ["module", "package", "folder", "zip", "run_path", "run_module"])
def test_a_program(tmp_path: Path, how: str) -> None:
    name = "__main__.py" if how in {"package", "folder"} else "program.py"
    folder = tmp_path / "package" if how in {"package", "folder"} else tmp_path
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(MODULE, encoding="utf-8")
    if how == "package":
        (folder / "__init__.py").touch()
    with zipfile.ZipFile(tmp_path / "program.pyz", "w") as archive:
        archive.writestr("__main__.py", MODULE)
    command = {
        "module": ["-m", "program"],
        "package": ["-m", "package"],
        "folder": ["package"],
        "zip": ["program.pyz"],
        "run_path": ["-c", "import runpy; runpy.run_path('program.py', run_name='__main__')"],
        "run_module": ["-c", "import runpy; runpy.run_module('program', run_name='__main__', alter_sys=True)"],
    }[how]
    finished = run_python(*command, cwd=tmp_path)
    finished.check("[9, 16, 6, 7, 7]", code=5)


# ---- Ends


def test_a_thread_ends_the_process_while_workers_run(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        HEAD
        + """
gate = Gate()
pool = InterpreterThreadPoolExecutor(2)
held = [pool.submit(tag(gates.hold), gate.ends) for tag in (interpreter, work.echo)]
gate.wait_for(2)
threading.Thread(target=os._exit, args=(5,)).start()
held[0].result()
""",
    ).check(code=5)


@pytest.mark.parametrize("statement", ["sys.exit(3)", "sys.exit()", "raise KeyboardInterrupt", "1 / 0"])
@pytest.mark.parametrize("early", [True, False], ids=["before", "after"])
def test_exit_handlers_that_raise_beside_a_pool(tmp_path: Path, statement: str, early: bool) -> None:
    """The end is the same as without a pool, whether the handler is registered before or after the package is imported."""
    handler = f"import atexit, sys\n@atexit.register\ndef handle():\n    {statement}\n"
    pool = HEAD + USED + "pool.submit(interpreter(work.square), 4)\n"
    finished = run_script(tmp_path, handler + pool if early else pool + handler)
    lines = HEAD + "\n" * (len(USED.splitlines()) - 1) + "print(9)\n"
    expected = run_script(tmp_path, handler + lines if early else lines + handler)
    assert without_addresses(finished) == without_addresses(expected)
    assert finished.lines == ["9"]


def without_addresses(finished: Finished) -> tuple[int, str, list[str]]:
    """The parts that can be compared. The line number of a handler differs."""
    lines = [line.partition(" at 0x")[0] for line in finished.stderr.splitlines() if not line.startswith("  File")]
    return finished.code, finished.stdout, lines


@TAGS
@pytest.mark.parametrize("early", [True, False], ids=["before", "after"])
def test_exit_handlers_that_make_or_use_pools(tmp_path: Path, tag: str, early: bool) -> None:
    handler = f"""
import atexit
@atexit.register
def handle():
    made = InterpreterThreadPoolExecutor(1)
    for use in (pool.submit, made.submit, pool.map, made.map):
        try:
            use({tag}(work.square), [3])
        except RuntimeError as error:
            print(error)
    pool.shutdown()
    made.shutdown()
"""
    refusal = "cannot schedule new futures after interpreter shutdown"
    run_script(tmp_path, handler + HEAD + USED if early else HEAD + USED + handler).check("9", *[refusal] * 4)


@TAGS
@pytest.mark.parametrize("place", ["owner = Owner()", "work.owner = Owner()", "Owner()", "sys.owner = Owner()"])
def test_finalizers_that_use_a_pool(tmp_path: Path, tag: str, place: str) -> None:
    finished = run_script(
        tmp_path,
        HEAD
        + f"""
class Owner:
    def __init__(self):
        self.me = self
        self.pool = InterpreterThreadPoolExecutor(1)
        self.fn, self.write, self.error, self.text = {tag}(work.square), os.write, RuntimeError, str
        print(self.pool.submit(self.fn, 3).result(), flush=True)

    def __del__(self):
        try:
            self.pool.submit(self.fn, 4)
        except self.error as error:
            self.write(1, self.text(error).encode())

{place}
""",
    )
    finished.check("9", "cannot schedule new futures after interpreter shutdown")


@pytest.mark.parametrize("held", [True, False], ids=["held", "not held"])
def test_a_program_s_names_are_there_when_its_objects_are_finalized(tmp_path: Path, held: bool) -> None:
    """It is the same without a pool, and with one of the standard library."""
    run_script(
        tmp_path,
        HEAD
        + f"""
class Owner:
    def __init__(self):
        self.me = self
        self.write = os.write
        self.pool = InterpreterThreadPoolExecutor(1)
        print(self.pool.submit(work.square, 3).result(), flush=True)

    def __del__(self):
        self.write(1, b"gone" if os is None else b"there")

owner = Owner()
if not {held}:
    owner.pool = None
""",
    ).check("9", "there")


# ---- Event loops


@TAGS
@pytest.mark.parametrize("debug", [False, True])
def test_a_loop_ends_while_its_executor_s_tasks_run(tmp_path: Path, tag: str, debug: bool) -> None:
    """`asyncio.run` waits for the default executor, as it does with the standard library's."""
    run_script(
        tmp_path,
        HEAD
        + f"""
from concurrent.futures import ThreadPoolExecutor
gate = Gate()

async def main():
    loop = asyncio.get_running_loop()
    loop.set_default_executor(InterpreterThreadPoolExecutor(1))
    waiting = [asyncio.ensure_future(asyncio.to_thread({tag}(gates.hold), gate.ends)) for _ in range(3)]
    with ThreadPoolExecutor(1) as other:
        await loop.run_in_executor(other, gate.wait_for)
    for task in waiting:
        task.cancel()
    print([type(error).__name__ for error in await asyncio.gather(*waiting, return_exceptions=True)])
    threading.Timer(0.01, gate.open).start()

asyncio.run(main(), debug={debug})
print("after")
""",
        options=["-X", "dev", "-W", "error"],
    ).check("['CancelledError', 'CancelledError', 'CancelledError']", "after")


@TAGS
@pytest.mark.parametrize("end", ["raise LookupError('the end')", "sys.exit(5)", "raise asyncio.CancelledError", "pass"])
def test_a_loop_ends_by_an_exception_while_tasks_run(tmp_path: Path, tag: str, end: str) -> None:
    finished = run_script(
        tmp_path,
        HEAD
        + f"""
from concurrent.futures import ThreadPoolExecutor
gate = Gate()

async def main():
    loop = asyncio.get_running_loop()
    loop.set_default_executor(InterpreterThreadPoolExecutor(1))
    waiting = [asyncio.ensure_future(asyncio.to_thread({tag}(gates.hold_then), gate.ends, print, n)) for n in range(2)]
    with ThreadPoolExecutor(1) as other:
        await loop.run_in_executor(other, gate.wait_for)
    waiting[1].add_done_callback(lambda _: gate.open_wide())  # it is cancelled in the queue
    {end}

asyncio.run(main())
print("after")
""",
    )
    code = {"pass": 0, "sys.exit(5)": 5}.get(end, 1)
    assert finished.code == code
    assert sorted(finished.lines) == ["0"] + ["after"] * (end == "pass")
    if code != 1:
        assert finished.stderr == ""
    else:
        errors = [line for line in finished.stderr.splitlines() if not line.startswith((" ", "Traceback"))]
        assert len(errors) == 1


@TAGS
def test_a_loop_that_is_closed_without_waiting(tmp_path: Path, tag: str) -> None:
    run_script(
        tmp_path,
        HEAD
        + f"""
gate = Gate()
loop = asyncio.new_event_loop()
loop.set_default_executor(InterpreterThreadPoolExecutor(1))
future = loop.run_in_executor(None, {tag}(gates.hold), gate.ends)
gate.wait_for()
loop.stop()
loop.run_forever()
loop.close()
gate.open()
print("after")
""",
    ).check("after")


@TAGS
def test_a_timeout_that_ends_the_program(tmp_path: Path, tag: str) -> None:
    finished = run_script(
        tmp_path,
        HEAD
        + f"""
gate = Gate()

async def main():
    asyncio.get_running_loop().set_default_executor(InterpreterThreadPoolExecutor(1))
    try:
        async with asyncio.timeout(0.01):
            await asyncio.to_thread({tag}(gates.hold), gate.ends)
    finally:
        gate.open()

asyncio.run(main())
""",
    )
    assert (finished.code, finished.stdout, finished.stderr.splitlines()[-1]) == (1, "", "TimeoutError")
