"""Runs Python programs in processes of their own, and reports their results."""

import os
import re
import signal
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

TESTS = Path(__file__).parents[1]
TIMEOUT = 240  # seconds after which a program counts as hanging; below pytest's limit, so the program is ended first
SANITIZED = "libasan" in os.environ.get("LD_PRELOAD", "")  # set by tools/with-asan, also for child processes


@dataclass(frozen=True)
class Finished:
    """How a process ended."""

    code: int
    stdout: str
    stderr: str

    @classmethod
    def of(cls, code: int, stdout: str, stderr: str) -> Self:
        """Remove lines that only show how busy the machine is: asyncio's debug mode logs each step that took over 100 ms."""
        return cls(code, stdout, re.sub(r"^Executing <.*> took \d+\.\d{3} seconds\n", "", stderr, flags=re.MULTILINE))

    @property
    def lines(self) -> list[str]:
        """The lines of its output."""
        return self.stdout.splitlines()

    @property
    def lines_of_errors(self) -> list[str]:
        """The lines of its output on stderr."""
        return self.stderr.splitlines()

    def check(self, *lines: str, code: int = 0) -> None:
        """Check that it printed these lines, printed nothing on stderr, and ended with this exit code."""
        assert (self.code, self.stderr, self.lines) == (code, "", list(lines))


def environment(**changes: str) -> dict[str, str]:
    """The environment of a child: as here, with the tests' modules on the path, without settings that change output."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    path = [str(TESTS), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return kept | {"PYTHONPATH": os.pathsep.join(path)} | changes


class Running:
    """A script that runs while the test continues. The test reads its output line by line and sends it signals."""

    def __init__(self, folder: Path, source: str, *, options: Sequence[str] = ()) -> None:
        path = folder / "script.py"
        path.write_text(textwrap.dedent(source), encoding="utf-8")
        command = [sys.executable, "-u", *options, str(path)]
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._process:
            self._process.kill()

    def wait_for(self, *lines: str) -> None:
        """Wait until it prints this as its next line, or one of these."""
        assert self._process.stdout is not None
        assert self._process.stdout.readline().rstrip() in lines

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self.send(signal.SIGINT)

    def send(self, number: int) -> None:
        """Send a signal while the main thread waits in the kernel.

        If a signal comes just before such a wait, in a lock or in sleep, CPython handles it only after the wait.
        """
        state, seen = "", 0
        while seen < 100:
            now = Path(f"/proc/{self._process.pid}/syscall").read_text(encoding="ascii")
            seen = seen + 1 if now == state and now.rstrip() != "running" else 0
            state = now
        self._process.send_signal(number)

    def finish(self) -> Finished:
        """Wait for its end."""
        stdout, stderr = self._process.communicate(timeout=TIMEOUT)
        return Finished.of(self._process.returncode, stdout, stderr)


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
    return Finished.of(process.returncode, process.stdout, process.stderr)


def run_script(
    folder: Path, source: str, *, options: Sequence[str] = (), args: Sequence[str] = (), env: dict[str, str] | None = None
) -> Finished:
    """Write a script to a file and run it. `options` are those of Python, `args` those of the script."""
    path = folder / "script.py"
    path.write_text(textwrap.dedent(source), encoding="utf-8")
    return run_python(*options, str(path), *args, env=env)


FORKING = """
import os, sys, warnings

# CPython 3.12 warns of every fork beside a thread.
warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)

def fork(child, *args):
    "Call child in a forked process; return its exit code."
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        try:
            child(*args)
        except Exception as error:
            print(f"{type(error).__name__}: {error}")
        sys.stdout.flush()
        sys.exit(7)  # with all that an ordinary end does
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
"""
