"""Each row of the table "What workers share with your program" in docs/shared_state.md is true."""

import decimal
import logging
import os
import random
import re
import socket
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import state, words, work
from support.protocols import MakePool
from support.scripts import run_script

PAGE = Path(__file__).parents[2] / "docs" / "shared_state.md"

type Check = Callable[[MakePool, Path], None]
_checks: dict[str, Check] = {}


def row(name: str) -> Callable[[Check], Check]:
    """Name the row of the table that a function checks."""

    def register(check: Check) -> Check:
        _checks[name] = check
        return check

    return register


def look(pool: InterpreterThreadPoolExecutor, name: str) -> Any:
    """Read one kind of state in a worker."""
    return pool.submit(interpreter(state.look), name).result()


def own(make_pool: MakePool, name: str, change: Callable[..., None], here: Any, there: Any) -> None:
    """Check that two workers and home each have their own."""
    first, second = make_pool(1), make_pool(1)
    before, others = state.look(name), look(second, name)
    first.submit(interpreter(change), there).result()
    assert look(first, name) == there
    assert state.look(name) == before
    assert look(second, name) == others
    try:
        change(here)
        assert look(first, name) == there
        assert look(make_pool(1), name) == others
    finally:
        change(before)


def shared(folder: Path, name: str, change: str, value: str) -> None:
    """Check, in a process of its own, that home and another worker see what a worker changes."""
    script = f"""
        import os
        from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
        from support import state
        os.chdir({str(folder)!r})
        os.mkdir("inner")
        with InterpreterThreadPoolExecutor(1) as first, InterpreterThreadPoolExecutor(1) as second:
            look = interpreter(state.look)
            before = second.submit(look, {name!r}).result()
            first.submit(interpreter(state.{change}), {value}).result()
            after = state.look({name!r})
            print(after != before, second.submit(look, {name!r}).result() == after)
    """
    run_script(folder, script).check("True True")


@pytest.mark.parametrize("name", re.findall(r"(?m)^\| ([^|]+?) \| (?:shared|copied|own|followed)", PAGE.read_text("utf-8")))
def test_row(name: str, make_pool: MakePool, tmp_path: Path) -> None:
    _checks[name](make_pool, tmp_path)


@row("the working directory (`os.chdir`)")
def _(_: MakePool, folder: Path) -> None:
    shared(folder, "folder", "change_folder", "'inner'")


@row("the umask")
def _(_: MakePool, folder: Path) -> None:
    shared(folder, "umask", "set_umask", "0o022 if state.look('umask') != 0o022 else 0o077")


@row("the locale (`locale.setlocale`)")
def _(_: MakePool, folder: Path) -> None:
    shared(folder, "locale", "set_locale", "'C.UTF-8'")


@row("file descriptors")
def _(make_pool: MakePool, _: Path) -> None:
    left, right = socket.socketpair()
    with right:
        make_pool(1).submit(interpreter(state.close), left.detach()).result()
        assert right.recv(1) == b""


@row("signal handlers")
def _(make_pool: MakePool, _: Path) -> None:
    error = make_pool(1).submit(interpreter(state.set_handler)).exception()
    assert isinstance(error, ValueError)


@row("the process id, the user id, resource limits")
def _(make_pool: MakePool, _: Path) -> None:
    assert look(make_pool(1), "process") == state.look("process")


@row("the environment of C (`os.putenv`, `getenv` in C), which child processes inherit")
def _(_: MakePool, folder: Path) -> None:
    script = """
        import os, subprocess, sys
        from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
        from support import state
        with InterpreterThreadPoolExecutor(1) as pool:
            pool.submit(interpreter(state.set_variable), "SET_BY_WORKER", "yes").result()
        print("SET_BY_WORKER" in os.environ, flush=True)
        subprocess.run([sys.executable, "-c", "import os; print('SET_BY_WORKER' in os.environ)"], check=True)
    """
    run_script(folder, script).check("False", "True")


@row("`os.environ`")
def _(make_pool: MakePool, _: Path) -> None:
    pool = make_pool(1)
    try:
        for value in ("one", "two"):
            os.environ["AIOINTERPRETERS_TEST_ROW"] = value
            assert pool.submit(interpreter(state.variable), "AIOINTERPRETERS_TEST_ROW").result() == value
        pool.submit(interpreter(state.set_variable), "AIOINTERPRETERS_TEST_ROW", "three").result()
        assert os.environ["AIOINTERPRETERS_TEST_ROW"] == "two"
    finally:
        del os.environ["AIOINTERPRETERS_TEST_ROW"]


@row("`sys.path`")
def _(make_pool: MakePool, folder: Path) -> None:
    pool, before = make_pool(1), list(sys.path)
    try:
        sys.path.append(str(folder))
        assert look(pool, "path")[: len(sys.path)] == sys.path
        pool.submit(interpreter(state.append_path), "/only/in/the/worker").result()
        assert "/only/in/the/worker" not in sys.path
    finally:
        sys.path[:] = before


@row("`sys.argv`, the options `-W` and `-X`, `sys.flags`")
def _(_: MakePool, folder: Path) -> None:
    script = """
        import sys
        from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
        from support import state
        with InterpreterThreadPoolExecutor(1) as pool:
            for name in ("argv", "flags"):
                print(pool.submit(interpreter(state.look), name).result() == state.look(name))
    """
    run_script(folder, script, options=["-X", "dev", "-W", "error::ImportWarning"], args=["one"]).check("True", "True")


@row("module globals, class attributes, caches")
def _(make_pool: MakePool, _: Path) -> None:
    first, second = make_pool(1), make_pool(1)
    assert (
        len({first.submit(interpreter(work.here)).result(), second.submit(interpreter(work.here)).result(), work.HERE}) == 3
    )


@row("`sys.stdout` and `sys.stderr`")
def _(make_pool: MakePool, _: Path) -> None:
    assert look(make_pool(1), "stdout") != state.look("stdout")


@row("`sys.setrecursionlimit`")
def _(make_pool: MakePool, _: Path) -> None:
    own(make_pool, "recursion limit", state.set_recursion_limit, 3001, 2001)
    assert look(make_pool(1), "recursion limit") == 1000


@row("`sys.setswitchinterval`")
def _(make_pool: MakePool, _: Path) -> None:
    own(make_pool, "switch interval", sys.setswitchinterval, 0.0625, 0.03125)


@row("contexts of `decimal`")
def _(make_pool: MakePool, _: Path) -> None:
    with decimal.localcontext():
        own(make_pool, "precision", state.set_precision, 51, 41)
    decimal.DefaultContext.prec = 28


@row("the state of `random`")
def _(make_pool: MakePool, _: Path) -> None:
    first, second = make_pool(1), make_pool(1)
    random.seed(5)
    first.submit(interpreter(state.seed), 5).result()
    expected = random.Random(5).random()
    assert look(second, "random") != expected
    assert look(first, "random") == random.random() == expected


@row("levels of `logging`, `logging.disable`")
def _(make_pool: MakePool, _: Path) -> None:
    pool, logger = make_pool(1), logging.getLogger("support.row")
    for level in (logging.DEBUG, logging.ERROR, logging.NOTSET):
        logger.setLevel(level)
        enabled = logger.isEnabledFor(logging.INFO)
        assert pool.submit(interpreter(words.is_enabled), logging.INFO, "support.row").result() == enabled


@row("warning filters")
def _(make_pool: MakePool, _: Path) -> None:
    pool = make_pool(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BytesWarning)
        assert look(pool, "filters")[0] == ("ignore", str(BytesWarning))
        pool.submit(interpreter(words.filter_warnings), "error", UserWarning).result()
        assert ("error", str(UserWarning)) not in state.look("filters")


@row("handlers, filters and configuration of `logging`")
def _(make_pool: MakePool, _: Path) -> None:
    assert logging.getLogger().handlers  # pytest's
    assert make_pool(1).submit(interpreter(words.handlers)).result() == 0
