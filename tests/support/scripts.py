"""Runs Python programs in processes of their own, and says what they did."""

import os
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).parents[1]
TIMEOUT = 100


@dataclass(frozen=True)
class Finished:
    """How a process ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def lines(self) -> list[str]:
        """What it printed, line by line."""
        return self.stdout.splitlines()

    def check(self, *lines: str, code: int = 0) -> None:
        """It printed these lines, nothing on stderr, and ended with this exit code."""
        assert (self.code, self.stderr, self.lines) == (code, "", list(lines))


def environment(**changes: str) -> dict[str, str]:
    """The environment of a child: as here, with the tests' modules to import, without settings that change its output."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    path = [str(TESTS), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return kept | {"PYTHONPATH": os.pathsep.join(path)} | changes


def run_python(*args: str, stdin: str = "", cwd: Path | None = None, env: dict[str, str] | None = None) -> Finished:
    """Run this Python with these arguments."""
    process = subprocess.run(
        [sys.executable, *args],
        input=stdin,
        capture_output=True,
        text=True,
        cwd=cwd,
        env=env or environment(),
        timeout=TIMEOUT,
        check=False,
    )
    return Finished(process.returncode, process.stdout, process.stderr)


def run_script(folder: Path, source: str, *, options: Sequence[str] = (), args: Sequence[str] = ()) -> Finished:
    """Write a script to a file, run it. `options` are Python's, `args` the script's."""
    path = folder / "script.py"
    path.write_text(textwrap.dedent(source), encoding="utf-8")
    return run_python(*options, str(path), *args)
