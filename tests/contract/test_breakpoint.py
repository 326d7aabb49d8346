"""`breakpoint()` works in a worker."""

from pathlib import Path

import pytest

from support.scripts import environment, run_python

pytestmark = pytest.mark.programs

PROGRAM = """
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter


@interpreter
def double(number):
    result = number * 2
    breakpoint()
    return result


if __name__ == "__main__":
    with InterpreterThreadPoolExecutor(1) as executor:
        print("result:", executor.submit(double, 5).result())
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM, encoding="utf-8")
    return path


def test_pdb_reads_and_changes_variables_of_the_worker(program: Path) -> None:
    finished = run_python(str(program), stdin="p result + 1\nresult = 40\nc\n")
    assert finished.code == 0
    assert "(Pdb) 11\n" in finished.stdout
    assert "result: 40" in finished.stdout


def test_breakpoints_can_be_switched_off(program: Path) -> None:
    run_python(str(program), env=environment(PYTHONBREAKPOINT="0")).check("result: 10")
