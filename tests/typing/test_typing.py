"""The package's types pass mypy --strict, and the stub matches the extension."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import aiointerpreters

pytest.importorskip("mypy", reason="mypy checks the types")

HERE = Path(__file__).parent
SOURCE = Path(aiointerpreters.__file__).parents[1]


def mypy(*arguments: str, cache: Path) -> str:
    """Run a module of mypy and return its output."""
    environment = os.environ | {"MYPYPATH": str(SOURCE), "MYPY_CACHE_DIR": str(cache)}
    finished = subprocess.run(
        [sys.executable, "-m", *arguments], capture_output=True, text=True, cwd=cache, env=environment, check=False
    )
    return finished.stdout + finished.stderr


def test_public_types_as_users_write_them(tmp_path: Path) -> None:
    said = mypy("mypy", "--strict", "--config-file=", str(HERE / "public_types.py"), cache=tmp_path)
    assert said == "Success: no issues found in 1 source file\n"


def test_the_package_itself_is_strictly_typed(tmp_path: Path) -> None:
    said = mypy("mypy", "--strict", "--config-file=", "-p", "aiointerpreters", cache=tmp_path)
    assert said.startswith("Success: no issues found"), said


def test_the_stub_describes_the_extension(tmp_path: Path) -> None:
    said = mypy("mypy.stubtest", "aiointerpreters._core", cache=tmp_path)
    assert said.startswith("Success: no issues found"), said
