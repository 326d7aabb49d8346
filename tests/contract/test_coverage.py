"""coverage.py measures code in workers, with one setting."""

import json
import sys
from pathlib import Path

import pytest

from support.scripts import run_python

pytestmark = pytest.mark.programs

LIBRARY = """
from aiointerpreters import interpreter


def larger(number: int) -> str:
    if number > 3:
        return "large"
    return "small"


@interpreter
def in_interpreter(number: int) -> str:
    return larger(number)


@interpreter
async def in_loop(number: int) -> int:
    return number + 1
"""
PROGRAM = """
import asyncio
from aiointerpreters import InterpreterThreadPoolExecutor
from library import in_interpreter, in_loop

if __name__ == "__main__":
    with InterpreterThreadPoolExecutor(1) as executor:
        print(executor.submit(in_interpreter, 4).result())

        async def main() -> int:
            return await executor.run(in_loop, 1)

        print(asyncio.run(main()))
"""


@pytest.mark.parametrize("core", ["", "core = pytrace", "core = sysmon"])
def test_lines_and_branches_in_workers_are_measured(tmp_path: Path, core: str) -> None:
    (tmp_path / "library.py").write_text(LIBRARY, encoding="utf-8")
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    settings = ["[run]", "patch = subprocess", "include = library.py", "branch = true", core]
    if sys.version_info < (3, 14):  # where sysmon cannot measure branches, and ctrace is the default
        settings += ["disable_warnings = no-ctracer, no-sysmon"]
    (tmp_path / ".coveragerc").write_text("\n".join(settings), encoding="utf-8")
    run_python("-m", "coverage", "run", "program.py", cwd=tmp_path).check("large", "2")
    for command in ("combine", "json"):
        run_python("-m", "coverage", command, "-q", cwd=tmp_path).check()
    (measured,) = json.loads((tmp_path / "coverage.json").read_text(encoding="utf-8"))["files"].values()
    lines = LIBRARY.splitlines()
    missing = [lines[number - 1].strip() for number in measured["missing_lines"]]
    assert missing == ['return "small"']
    assert [[lines[number - 1].strip() for number in arc] for arc in measured["missing_branches"]] == [
        ["if number > 3:", 'return "small"']
    ]
