"""Workers can import all modules that home can import, also after sys.path was changed at run time."""

import sys
import types
from pathlib import Path
from typing import Any

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import work
from support.protocols import MakePool


class Module:
    """A new module in a folder of its own, which this interpreter can import once the folder is on sys.path."""

    def __init__(self, folder: Path, name: str, source: str = "def value():\n    return 42\n") -> None:
        self.folder = folder / name
        self.folder.mkdir()
        self.name = name
        (self.folder / f"{name}.py").write_text(source)

    def load(self) -> Any:
        """Import it in this interpreter."""
        return __import__(self.name)


@pytest.fixture(autouse=True)
def restore(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put sys.path back, the same list with the same content."""
    monkeypatch.setattr(sys, "path", list(sys.path))


def test_a_path_added_before_the_interpreter_exists(make_pool: MakePool, tmp_path: Path) -> None:
    module = Module(tmp_path, "added_before")
    sys.path.insert(0, str(module.folder))
    assert make_pool(1).submit(interpreter(module.load().value)).result() == 42


def test_a_path_added_after_the_interpreter_was_made(make_pool: MakePool, tmp_path: Path) -> None:
    pool = make_pool(1)
    place = pool.submit(interpreter(work.here)).result()
    module = Module(tmp_path, "added_after")
    sys.path.append(str(module.folder))
    assert pool.submit(interpreter(module.load().value)).result() == 42
    assert pool.submit(interpreter(work.here)).result() == place


def test_a_path_replaced_by_another_list(make_pool: MakePool, tmp_path: Path) -> None:
    pool = make_pool(1)
    pool.submit(interpreter(work.nothing)).result()
    module = Module(tmp_path, "in_another_list")
    sys.path = [*sys.path, str(module.folder)]
    assert pool.submit(interpreter(module.load().value)).result() == 42


def test_a_path_added_twice_in_the_life_of_a_pool(make_pool: MakePool, tmp_path: Path) -> None:
    pool = make_pool(1)
    for name in ("first_of_two", "second_of_two"):
        module = Module(tmp_path, name)
        sys.path.insert(0, str(module.folder))
        assert pool.submit(interpreter(module.load().value)).result() == 42


def test_a_path_that_a_worker_needs_to_unpickle_an_argument(make_pool: MakePool, tmp_path: Path) -> None:
    pool = make_pool(1)
    pool.submit(interpreter(work.nothing)).result()
    module = Module(tmp_path, "has_a_class", "class Thing:\n    pass\n")
    sys.path.append(str(module.folder))
    thing = module.load().Thing()
    result = pool.submit(interpreter(work.echo), thing).result()
    assert type(result) is type(thing)


def test_a_function_that_imports_when_it_runs_finds_the_new_path(make_pool: MakePool, tmp_path: Path) -> None:
    pool = make_pool(1)
    pool.submit(interpreter(work.nothing)).result()
    module = Module(tmp_path, "imported_inside")
    sys.path.append(str(module.folder))
    assert pool.submit(interpreter(work.import_modules), [module.name]).result() == [module.name]


def test_strange_entries_of_sys_path_do_no_harm(make_pool: MakePool, tmp_path: Path) -> None:
    entries: list[Any] = [tmp_path, None, 5, b"bytes", "\udcff", ""]
    sys.path.extend(entries)
    assert make_pool(1).submit(interpreter(work.square), 3).result() == 9


def test_a_module_that_only_home_has(pool: InterpreterThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("made_at_home")
    exec("def value():\n    return 42\n", module.__dict__)
    monkeypatch.setitem(sys.modules, "made_at_home", module)
    error = pool.submit(interpreter(module.value)).exception()
    assert error is not None
    assert "made_at_home" in str(error)


def test_a_module_that_cannot_be_imported_twice(pool: InterpreterThreadPoolExecutor, tmp_path: Path) -> None:
    marker = tmp_path / "imported"
    source = f"""
import pathlib
marker = pathlib.Path({str(marker)!r})
if marker.exists():
    raise LookupError("never a second time")
marker.touch()
def value():
    return 42
"""
    module = Module(tmp_path, "only_once", source)
    sys.path.append(str(module.folder))
    function = module.load().value
    for _ in range(2):
        error = pool.submit(interpreter(function)).exception()
        assert error is not None
        assert "never a second time" in f"{error} {error.__cause__}"


def test_a_function_that_the_worker_s_module_does_not_have(
    pool: InterpreterThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def patched_in() -> int:
        return 42

    patched_in.__module__, patched_in.__qualname__ = work.__name__, "patched_in"
    monkeypatch.setattr(work, "patched_in", patched_in, raising=False)
    error = pool.submit(interpreter(patched_in)).exception()
    assert error is not None
    assert "patched_in" in str(error)


@pytest.mark.parametrize("name", ["faulthandler", "readline", "_curses"])
def test_a_module_that_refuses_subinterpreters_is_an_import_error(pool: InterpreterThreadPoolExecutor, name: str) -> None:
    pytest.importorskip(name)
    error = pool.submit(interpreter(work.import_modules), [name]).exception()
    assert isinstance(error, ImportError)
    assert name in str(error)


def test_workers_do_not_import_what_no_task_needs(make_pool: MakePool) -> None:
    pool = make_pool(1)
    pool.submit(interpreter(abs), -1).result()
    for name in ("cloudpickle", "asyncio"):
        assert not pool.submit(interpreter(work.is_imported), name).result(), name


def test_common_modules_can_be_imported(pool: InterpreterThreadPoolExecutor) -> None:
    names = ["asyncio", "datetime", "decimal", "json", "re", "sqlite3", "ssl", "ctypes", "subprocess", "zoneinfo"]
    assert pool.submit(interpreter(work.import_modules), names).result() == names


def test_a_tagged_call_does_not_import_the_package_s_helpers_for_functions_by_value(tmp_path: Path) -> None:
    from support.scripts import run_script

    source = """
        import sys
        from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
        if __name__ == "__main__":
            with InterpreterThreadPoolExecutor(1) as pool:
                print(pool.submit(interpreter(abs), -1).result())
                print("cloudpickle" in sys.modules)
                print(pool.submit(interpreter(lambda: 5)).result())
    """
    run_script(tmp_path, source).check("1", "False", "5")
