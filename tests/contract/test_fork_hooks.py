"""At-fork hooks of other code that use an executor. If registered before ours, they run between ours and the fork."""

import os
from pathlib import Path

import pytest

from support.scripts import FORKING, run_script

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")

HEAD = """
import os, threading

pool = None

def hook():
    if pool is not None:
        use()

os.register_at_fork({when}=hook)
"""

BODY = (
    FORKING
    + """
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import coroutines, work

pool = InterpreterThreadPoolExecutor(1)
pool.submit(interpreter(work.square), 2).result()

def child():
    with InterpreterThreadPoolExecutor(1) as new:
        print("child", new.submit(interpreter(work.square), 4).result())

print(fork(child))
"""
)

PHASES = pytest.mark.parametrize("when", ["before", "after_in_parent", "after_in_child"])


def fork_with(tmp_path: Path, when: str, use: str) -> list[str]:
    """Run a program with such a hook. Return its output sorted, because parent and child may print at the same time."""
    finished = run_script(tmp_path, HEAD.format(when=when) + f"\ndef use():\n    {use}\n" + BODY)
    assert (finished.code, finished.stderr) == (0, "")
    return sorted(finished.lines)


@PHASES
@pytest.mark.parametrize("function", ["work.square", "coroutines.square"])
def test_a_hook_may_call_and_wait(tmp_path: Path, when: str, function: str) -> None:
    lines = fork_with(tmp_path, when, f"print('hook', pool.submit(interpreter({function}), 3).result(), flush=True)")
    assert lines == sorted(["hook 9", "child 16", "7"])


@PHASES
def test_a_hook_may_use_an_executor_of_its_own(tmp_path: Path, when: str) -> None:
    use = "with InterpreterThreadPoolExecutor(1) as own: "
    use += "print('hook', own.submit(interpreter(work.square), 3).result(), flush=True)"
    assert fork_with(tmp_path, when, use) == sorted(["hook 9", "child 16", "7"])


@PHASES
@pytest.mark.parametrize("function", ["work.square", "coroutines.square"])
def test_a_hook_may_shut_down_what_has_work_left(tmp_path: Path, when: str, function: str) -> None:
    """Other threads can submit at any moment of a fork. Here the hook itself submits. The child has none of these calls."""
    use = f"queued = [pool.submit(interpreter({function}), n) for n in range(4)]; pool.shutdown(); "
    use += "print('hook', [future.result() for future in queued], flush=True)"
    assert fork_with(tmp_path, when, use) == sorted(["hook [0, 1, 4, 9]", "child 16", "7"])


def test_a_hook_may_shut_down_what_had_work_left_before(tmp_path: Path) -> None:
    source = HEAD.format(when="before") + "\ndef use():\n    pool.shutdown()\n" + BODY
    source = source.replace(
        "print(fork(child))",
        """
queued = [pool.submit(interpreter(work.square), n) for n in range(20)]
print(fork(child))
print([future.result() for future in queued] == [n * n for n in range(20)])
""",
    )
    run_script(tmp_path, source).check("child 16", "7", "True")
