"""The tests of CPython that run, and the executor that each runs with. Each module runs in a process of its own."""

import json
import os
import re
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from unittest import TestCase

from cpython.swap import VARIABLE

AT_ONCE: Final = 2
"""Suites that run at a time."""

TIME_LIMIT: Final = 400
"""Seconds for one suite: several times what the slowest one takes."""

FIGURES: Final = ("run", "passed", "skipped", "listed", "failed")


@dataclass(frozen=True)
class Suite:
    """A module of CPython's tests in one role (see swap.py), or only the classes in it whose names match."""

    role: str
    module: str
    classes: str = ".*"
    since: tuple[int, int] = (3, 13)

    def __str__(self) -> str:
        return f"{self.role}-{self.module.rpartition('.')[2]}"

    def takes(self, test: TestCase) -> bool:
        """Return whether a test belongs to this suite. A module that cannot be imported is a failing test of each suite."""
        return re.fullmatch(f"{self.classes}|_FailedTest", type(test).__name__) is not None


@dataclass(frozen=True)
class Verdict:
    """The result of a suite.

    listed: the tests of deviations.py that failed, with their reasons.
    problems: the other failures, as text, and anything else that is wrong.
    """

    run: int
    passed: int
    skipped: int
    listed: dict[str, str]
    problems: list[str]
    seconds: float

    @property
    def figures(self) -> tuple[int, ...]:
        """The numbers for FIGURES."""
        return (self.run, self.passed, self.skipped, len(self.listed), len(self.problems))

    def __str__(self) -> str:
        return ", ".join(f"{number} {what}" for number, what in zip(self.figures, FIGURES, strict=True))


_futures = "test.test_concurrent_futures.test_{}".format
_asyncio = "test.test_asyncio.test_{}".format
_threads = partial(Suite, "threads")
_tagged = partial(Suite, "tagged", classes="ThreadPool.*")
_interpreters = partial(Suite, "interpreters", since=(3, 14))

# Long suites come first, so the last ones to run are short.
_ALL = (
    _interpreters(_futures("interpreter_pool")),
    _threads(_asyncio("events")),
    _threads(_futures("thread_pool")),
    _threads(_futures("wait"), "ThreadPool.*"),
    _tagged(_futures("wait")),
    _tagged(_futures("thread_pool")),
    _tagged(_futures("shutdown")),
    _threads(_futures("shutdown"), "ThreadPool.*"),
    _interpreters(_futures("as_completed"), "InterpreterPool.*"),
    _tagged(_futures("as_completed")),
    _threads(_futures("as_completed"), "ThreadPool.*"),
    _threads(_futures("future")),
    _interpreters(_futures("init"), "InterpreterPool.*"),
    _tagged(_futures("init")),
    _threads(_futures("init"), "ThreadPool.*"),
    # The modules of asyncio's tests in which a loop or a test creates an executor.
    _threads(_asyncio("sendfile")),
    _threads(_asyncio("sock_lowlevel")),
    _threads(_asyncio("base_events")),
    _threads(_asyncio("free_threading"), since=(3, 14)),
    _threads(_asyncio("futures")),
    _threads(_asyncio("selector_events")),
    _threads(_asyncio("streams")),
    _threads(_asyncio("tasks"), "RunCoroutineThreadsafeTests"),
    _threads(_asyncio("threads")),
    _threads(_asyncio("unix_events")),
    # Two other modules that create a ThreadPoolExecutor.
    _threads("test.test_context"),
    _threads("test.test_unittest.testmock.testthreadingmock"),
)


SUITES = tuple(suite for suite in _ALL if suite.since <= sys.version_info)
"""Those of this version."""


def have_tests() -> bool:
    """Return whether this CPython contains its tests. This looks for them without importing them."""
    spec = find_spec("test")
    return spec is not None and spec.origin is not None and Path(spec.origin).with_name("test_concurrent_futures").is_dir()


def make_environment(folder: Path) -> Path:
    """Make a virtual environment that has the same packages and replaces the executor at start-up. Return its Python.

    CPython's tests start processes with -I. These processes read nothing but site-packages.
    """
    venv.EnvBuilder(symlinks=os.name != "nt").create(folder)
    path = partial(sysconfig.get_path, scheme="venv", vars={"base": str(folder), "platbase": str(folder)})
    start_up = f"""\
import site; site.addsitedir({sysconfig.get_path("purelib")!r})
{Path(__file__).parents[1]}
import cpython.swap
"""
    Path(path("purelib"), "swap.pth").write_text(start_up, encoding="utf-8")
    return Path(path("scripts"), Path(sys.executable).name)


def run(suite: Suite, python: Path, folder: Path) -> Verdict:
    """Run a suite with the Python of such an environment. Its output goes to a file in the folder."""
    output, verdict = folder / f"{suite}.txt", folder / f"{suite}.json"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    with (
        output.open("wb") as stream,
        subprocess.Popen(
            [python, "-X", "faulthandler", "-m", "cpython.judge", str(suite), verdict],
            env=kept | {VARIABLE: suite.role},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            code = process.wait(TIME_LIMIT + 10)  # in case its own time limit fails
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
    text = output.read_text(encoding="utf-8", errors="replace")
    if not verdict.exists():
        return Verdict(0, 0, 0, {}, [f"the process ended with {code}:\n{text}"], TIME_LIMIT)
    judged = Verdict(**json.loads(verdict.read_text(encoding="utf-8")))
    if code != 0:
        judged.problems.append(f"the process ended with {code} after the tests")
    if judged.problems and text:
        judged.problems.append(f"what it printed:\n{text}")
    return judged
