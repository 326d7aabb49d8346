"""`python -m aiointerpreters info`: the facts that a bug report should contain."""

import os
import platform
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, _core, interpreter
from support.scripts import environment


def facts(**changes: str) -> dict[str, str]:
    """The output of the command, by names."""
    finished = subprocess.run(
        [sys.executable, "-m", "aiointerpreters", "info"],
        capture_output=True,
        text=True,
        check=True,
        env=environment(**changes),
    )
    assert finished.stderr == ""
    return dict(line.split(": ", 1) for line in finished.stdout.splitlines())


def test_it_tells_versions_and_the_machine() -> None:
    told = facts()
    assert told["aiointerpreters"] == metadata.version("aiointerpreters")
    assert f" {platform.python_version()}" in told["Python"]
    assert ("(debug)" in told["Python"]) == hasattr(sys, "gettotalrefcount")
    assert platform.machine() in told["system"]
    assert " for this process, " in told["processors"]
    quota = _core.cpu_quota("")
    assert told["CPU quota of the control groups"] == ("none" if quota is None else f"{quota:.3g} processors")
    assert f"cloudpickle {metadata.version('cloudpickle')}" in told["packages"]
    assert told["private copies of extension modules"] == (_core.why_no_copies() or "supported")


def test_it_tells_limits() -> None:
    told = facts()
    resource = pytest.importorskip("resource")
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    assert told["open files"] == ("no limit" if soft == resource.RLIM_INFINITY else f"at most {soft}")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_it_tells_which_processes_use_the_package(pool: InterpreterThreadPoolExecutor) -> None:
    pool.submit(interpreter(abs), -1).result()
    assert re.search(rf"\b{os.getpid()} \(.+?, threads: \d+, memory: \d+ MB\)", facts()["alive"])


def test_it_tells_settings_that_are_set() -> None:
    assert "AIOINTERPRETERS_EXTENSIONS" not in facts(AIOINTERPRETERS_EXTENSIONS_TRUSTED="one")
    assert facts(AIOINTERPRETERS_EXTENSIONS="private")["AIOINTERPRETERS_EXTENSIONS"] == "private"


@pytest.mark.skipif(_core.why_no_copies() is not None, reason=str(_core.why_no_copies()))
def test_it_tells_where_copies_lie_without_the_name_of_the_user(tmp_path: Path) -> None:
    home = tmp_path / "somebody"
    told = facts(HOME=str(home), AIOINTERPRETERS_CACHE=str(home / "copies"))
    assert told["cache"] == "~/copies (empty)"
    told = facts(HOME=str(home), AIOINTERPRETERS_CACHE="/proc")
    assert told["cache"].startswith("/proc (not used: ")
