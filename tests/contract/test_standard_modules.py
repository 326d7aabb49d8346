"""Standard library modules that refuse interpreters: `extensions="private"` allows them and protects the process."""

import faulthandler
import importlib.util
import sys
import tracemalloc
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import imports, scripts

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has private copies so far")

type Ask = Callable[..., Any]

# Modules for CPython's own tests. They are refused as before.
FOR_TESTS = ("_test", "_xxtest", "xxlimited", "xxsubtype")
# Modules whose import has effects.
ACTING = {"antigravity", "this", "idlelib", "turtledemo", "__main__", "test"}


def needs(*modules: str) -> pytest.MarkDecorator:
    """Skip the test if this Python does not have the modules in files of their own."""
    missing = [name for name in modules if name in sys.builtin_module_names or importlib.util.find_spec(name) is None]
    return pytest.mark.skipif(bool(missing), reason=f"this Python has no copy of {', '.join(missing)}")


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ask]:
    """Call a function in a worker."""
    monkeypatch.setenv("AIOINTERPRETERS_CACHE", str(tmp_path / "cache"))
    with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
        yield lambda fn, *args: pool.submit(interpreter(fn), *args).result()


def test_all_modules_are_imported_but_those_for_tests(ask: Ask) -> None:
    names = sorted(set(sys.stdlib_module_names) - ACTING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # workers follow the filters of this suite, which raise
        errors = ask(imports.import_each, names)
    refused = [name for name, error in errors.items() if "subinterpreters" in error and not name.startswith(FOR_TESTS)]
    assert [name for name in refused if name not in sys.builtin_module_names] == []


@pytest.mark.parametrize("name", ["faulthandler", "tracemalloc", "readline", "_suggestions", "pdb", "rlcompleter"])
def test_what_is_needed_at_import_is_imported(ask: Ask, name: str) -> None:
    assert ask(imports.describe, name)[0] == name


@needs("_curses", "_curses_panel")
@pytest.mark.parametrize("name", ["curses", "curses.panel", "curses.textpad"])
def test_curses_is_imported(ask: Ask, name: str) -> None:
    assert ask(imports.describe, name)[0] == name


@pytest.mark.parametrize(
    ("module", "function"),
    [
        ("faulthandler", "enable"),
        ("faulthandler", "register"),
        ("faulthandler", "dump_traceback_later"),
        ("tracemalloc", "start"),
        ("readline", "read_history_file"),
        ("readline", "write_history_file"),
        ("readline", "insert_text"),
        pytest.param("curses", "setupterm", marks=needs("_curses")),
        pytest.param("curses", "putp", marks=needs("_curses")),
        pytest.param("curses.panel", "update_panels", marks=needs("_curses_panel")),
    ],
)
def test_what_acts_on_the_process_is_refused(ask: Ask, module: str, function: str) -> None:
    with pytest.raises(RuntimeError, match=rf"{function}\(\) acts on the whole process: call it in the main interpreter"):
        ask(imports.call, module, function)


@needs("_curses")
def test_initscr_is_refused_by_either_name(ask: Ask) -> None:
    for module in ("curses", "_curses"):  # `curses.initscr` calls setupterm first
        with pytest.raises(RuntimeError, match="acts on the whole process"):
            ask(imports.call, module, "initscr")


@pytest.fixture
def is_enabled() -> Iterator[bool]:
    """Whether faulthandler is enabled at home, as pytest has set it. It must be the same afterwards."""
    yield (was := faulthandler.is_enabled())
    assert faulthandler.is_enabled() == was


def test_faulthandler_tells_the_process_state_and_leaves_it(ask: Ask, is_enabled: bool, tmp_path: Path) -> None:
    assert ask(imports.call, "faulthandler", "is_enabled") == is_enabled
    assert ask(imports.call, "faulthandler", "cancel_dump_traceback_later") is None
    assert ask(imports.call, "faulthandler", "unregister", 1) is False
    assert "write_own_traceback" in ask(imports.write_own_traceback, str(tmp_path / "traceback"))


DISABLE = """
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import imports

if __name__ == "__main__":
    with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
        future = pool.submit(interpreter(imports.call), "faulthandler", "disable")
        print(future.exception() or future.result())
"""


def test_faulthandler_is_disabled_by_who_has_enabled_it(tmp_path: Path) -> None:
    scripts.run_script(tmp_path, DISABLE).check("False")
    refused = "faulthandler.disable() acts on the whole process: call it in the main interpreter"
    scripts.run_script(tmp_path, DISABLE, options=["-Xfaulthandler"]).check(refused)


PYTEST = """
import pytest
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

def run(path):
    return int(pytest.main(["-q", "-p", "no:faulthandler", "-p", "no:cacheprovider", "-p", "no:xdist", path]))

if __name__ == "__main__":
    with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
        print(pool.submit(interpreter(run), __file__.replace("script", "test_small")).result())
"""
SMALL = """
import pytest

@pytest.mark.parametrize("number", [1, 2])
def test_small(number, tmp_path, monkeypatch, capsys):
    print("said")
    assert capsys.readouterr().out == "said\\n"

def test_failing():
    assert [1] == [2]
"""


def test_pytest_runs_in_a_worker(tmp_path: Path) -> None:
    (tmp_path / "test_small.py").write_text(SMALL, encoding="utf-8")
    ended = scripts.run_script(tmp_path, PYTEST)
    assert "1 failed, 2 passed" in ended.stdout
    assert (ended.code, ended.lines[-1]) == (0, "1")


def test_nothing_is_traced_whatever_home_does(ask: Ask) -> None:
    was_tracing = tracemalloc.is_tracing()
    assert ask(imports.call, "tracemalloc", "is_tracing") is False
    assert ask(imports.call, "tracemalloc", "get_traced_memory") == (0, 0)
    assert ask(imports.call, "tracemalloc", "get_object_traceback", "text") is None
    ask(imports.call, "tracemalloc", "stop")
    with pytest.raises(RuntimeError, match="must be tracing"):
        ask(imports.call, "tracemalloc", "take_snapshot")
    assert tracemalloc.is_tracing() == was_tracing


def test_readline_keeps_what_is_set(ask: Ask) -> None:
    assert ask(imports.use_readline) == {
        "name": "readline",
        "completer": "len",
        "delims": " ",
        "history": ["three", None],
    }
