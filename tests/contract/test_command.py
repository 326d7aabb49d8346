"""`python -m aiointerpreters cache`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from aiointerpreters import _core

pytestmark = pytest.mark.skipif(_core.why_no_copies() is not None, reason=str(_core.why_no_copies()))

USE = """
import sys
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import imports
with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
    pool.submit(interpreter(imports.call), "one_phase", "add", 1).result()
"""


def run(*arguments: str, cache: Path) -> subprocess.CompletedProcess[str]:
    """Run the command with a cache of its own."""
    command = [sys.executable, *(arguments or ("-m", "aiointerpreters", "cache"))]
    env = {**os.environ, "AIOINTERPRETERS_CACHE": str(cache), "PYTHONPATH": os.pathsep.join(sys.path[:20])}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def use_a_copy(tmp_path: Path) -> None:
    """Run a program that imports an extension module."""
    from support import built

    (tmp_path / "modules").mkdir()
    built.make_module(tmp_path / "modules", "one_phase")
    program = f"import sys; sys.path.insert(0, {str(tmp_path / 'modules')!r})\n{USE}"
    assert run("-c", program, cache=tmp_path / "cache").returncode == 0


def test_it_shows_the_copies_and_removes_them(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    assert run(cache=cache).stdout == f"{cache}\n  does not exist yet; it is created when it is needed\n"
    use_a_copy(tmp_path)
    assert run(cache=cache).stdout == f"{cache}\n  1 copy, 0.0 MB, the least recently used copy was used today\n"
    removed = run("-m", "aiointerpreters", "cache", "--clear", cache=cache)
    assert (removed.returncode, removed.stdout, removed.stderr) == (0, "removed 1 copy, 0.0 MB\n", "")
    assert run(cache=cache).stdout == f"{cache}\n  0 copies, 0.0 MB\n"


def test_a_folder_that_does_not_serve_is_told_and_left_alone(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir(mode=0o700)
    (cache / "somebody's").write_text("", encoding="utf-8")
    cache.chmod(0o777)
    shown = run(cache=cache)
    assert shown.returncode == 0
    assert "not used: " in shown.stdout
    removed = run("-m", "aiointerpreters", "cache", "--clear", cache=cache)
    assert removed.returncode == 1
    assert str(cache) in removed.stderr
    assert list(cache.iterdir()) == [cache / "somebody's"]


def test_a_folder_with_other_things_in_it_is_told_and_left_alone(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir(mode=0o700)
    (cache / "notes.txt").write_text("mine", encoding="utf-8")
    shown = run(cache=cache)
    reason = "it contains other things (notes.txt): a folder for copies must be new or empty"
    assert (shown.returncode, shown.stdout) == (0, f"{cache}\n  not used: {reason}\n")
    assert run("-m", "aiointerpreters", "cache", "--clear", cache=cache).stdout == "removed 0 copies, 0.0 MB\n"
    assert list(cache.iterdir()) == [cache / "notes.txt"]


@pytest.mark.parametrize("arguments", [(), ("caches",), ("cache", "--clean")])
def test_wrong_arguments_are_told(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    told = run("-m", "aiointerpreters", *arguments, cache=tmp_path)
    assert told.returncode == 2
    assert told.stderr.startswith("usage: python -m aiointerpreters")
