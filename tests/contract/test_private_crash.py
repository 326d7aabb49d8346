"""A crash in a private copy: docs/extensions.md explains how to recognize it ("How to tell a crash")."""

import re
import signal
import sys
from pathlib import Path

import pytest

from aiointerpreters import _core
from support import built
from support.scripts import Finished, environment, run_script

pytestmark = pytest.mark.skipif(_core.why_no_copies() is not None, reason=str(_core.why_no_copies()))

HAS_C_STACKS = sys.version_info >= (3, 14)


def crash(folder: Path, *, cache: Path | None) -> Finished:
    """Let a private copy abort the process. Copies are kept in `cache`, or have no names if it is None."""
    built.make_module(folder, "aborting")
    script = f"""
    import resource, sys
    from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
    from support import imports

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.path.insert(0, {str(folder)!r})
    with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
        pool.submit(interpreter(imports.call), "aborting", "end_process").result()
    """
    settings = environment()
    settings.pop("AIOINTERPRETERS_CACHE", None)
    place = {"AIOINTERPRETERS_CACHE": str(cache)} if cache else {"HOME": "/proc", "XDG_CACHE_HOME": "/proc"}
    return run_script(folder, script, options=["-X", "faulthandler"], env=settings | place)


def frames_of(finished: Finished) -> list[str]:
    """The files in the C stack that the process wrote to stderr."""
    return re.findall(r'^  Binary file "([^"]+)"', finished.stderr, re.MULTILINE)


def test_the_process_ends_by_a_signal_with_the_workers_traceback(tmp_path: Path) -> None:
    finished = crash(tmp_path, cache=tmp_path / "cache")
    assert finished.code == -signal.SIGABRT
    assert re.search(r"^Current thread .*\n  File .*imports\.py\", line \d+ in call$", finished.stderr, re.MULTILINE)
    (_, _, modules) = finished.stderr.partition("Extension modules: ")
    assert "aborting" not in modules


@pytest.mark.skipif(not HAS_C_STACKS, reason="faulthandler writes C stacks from CPython 3.14 on")
def test_the_c_stack_names_the_copy(tmp_path: Path) -> None:
    finished = crash(tmp_path, cache=tmp_path / "cache")
    (original,) = tmp_path.glob("aborting.*.so")
    copies = [Path(frame) for frame in frames_of(finished) if frame.endswith(original.name)]
    assert copies
    assert original not in copies
    assert all(re.fullmatch(r"[0-9a-f]{16}-[0-9a-f]{16}-\d+-\d+-" + re.escape(original.name), path.name) for path in copies)


@pytest.mark.skipif(not HAS_C_STACKS, reason="faulthandler writes C stacks from CPython 3.14 on")
def test_where_copies_have_no_names_the_c_stack_has_a_descriptor(tmp_path: Path) -> None:
    frames = frames_of(crash(tmp_path, cache=None))
    assert any(re.fullmatch(r"/proc/self/fd/\d+", frame) for frame in frames)
    assert not any("aborting" in frame for frame in frames)
