"""`extensions="private"`: the folder of copies, and changes to it while pools use it."""

import os
import shutil
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, _core, interpreter
from support import built, imports, scripts

pytestmark = pytest.mark.skipif(_core.why_no_copies() is not None, reason=str(_core.why_no_copies()))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for modules on home's path, which workers follow. Copies are kept in a folder of this test."""
    monkeypatch.setenv("AIOINTERPRETERS_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "modules"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    return folder


def make_packages(folder: Path, count: int) -> list[str]:
    """Make packages with one module each. All modules are the same file."""
    path = built.make_module(folder, "one_phase")
    names = [f"package_{number}" for number in range(count)]
    for name in names:
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text("", encoding="utf-8")
        shutil.copy(path, folder / name / path.name)
    return [f"{name}.one_phase" for name in names]


def run_by_itself(tmp_path: Path, folder: Path, body: str) -> None:
    """Run this code with `pool` in a process of its own, and check what it prints.

    Only copies for the first 64 interpreters of a process have names in the folder.
    """
    begin = f"""
import shutil, sys
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import imports

if __name__ == "__main__":
    sys.path.insert(0, {str(folder)!r})
    add = interpreter(imports.call)
    with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
"""
    scripts.run_script(tmp_path, begin + textwrap.indent(textwrap.dedent(body), " " * 8)).check("added")


def test_a_cache_that_is_removed_by_hand_is_made_again(folder: Path, tmp_path: Path) -> None:
    one, other = make_packages(folder, 2)
    body = f"""
    assert pool.submit(add, {one!r}, "add", 1).result() == 1
    shutil.rmtree({str(tmp_path / "cache")!r})
    assert pool.submit(add, {other!r}, "add", 1).result() == 1
    assert pool.submit(add, {one!r}, "add", 1).result() == 2
    print("added")
    """
    run_by_itself(tmp_path, folder, body)
    assert list((tmp_path / "cache").glob("*one_phase*"))


ADD = """
assert pool.submit(add, "one_phase", "add", 1).result() == 1
print("added")
"""


def test_a_folder_whose_name_means_another_one_to_the_dynamic_linker(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built.make_module(folder, "one_phase")
    monkeypatch.setenv("AIOINTERPRETERS_CACHE", str(tmp_path / "$ORIGIN"))
    run_by_itself(tmp_path, folder, ADD)
    assert list((tmp_path / "$ORIGIN").glob("*one_phase*"))


def test_imports_go_on_while_the_cache_is_removed(folder: Path, tmp_path: Path) -> None:
    modules = make_packages(folder, 100)
    is_over = threading.Event()

    def remove_all_the_time() -> None:
        while not is_over.is_set():
            shutil.rmtree(tmp_path / "cache", ignore_errors=True)

    remover = threading.Thread(target=remove_all_the_time)
    remover.start()
    try:
        with InterpreterThreadPoolExecutor(2, extensions="private") as pool:
            add = interpreter(imports.call)
            assert list(pool.map(add, modules, ["add"] * len(modules), [1] * len(modules))) == [1] * len(modules)
    finally:
        is_over.set()
        remover.join()


@pytest.mark.parametrize("cache", ["/", "HOLDS", "~/copies", "~"])
def test_a_folder_that_is_none_for_copies_is_an_import_error(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: str
) -> None:
    built.make_module(folder, "one_phase")
    (tmp_path / "HOLDS").mkdir(mode=0o700)
    (tmp_path / "HOLDS" / "notes.txt").write_text("mine", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AIOINTERPRETERS_CACHE", cache)
    before = os.listdir("/"), os.listdir(tmp_path / "HOLDS")
    with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
        error = pool.submit(interpreter(imports.describe), "one_phase").exception()
    assert isinstance(error, ImportError)
    assert error.name == "one_phase"
    reason = {"/": "it ", "HOLDS": "it contains other things (notes.txt)"}.get(cache, "only a shell replaces ~")
    assert f"{cache} cannot be used: {reason}" in str(error)
    assert (os.listdir("/"), os.listdir(tmp_path / "HOLDS")) == before
    assert not (tmp_path / "~").exists()


def test_an_empty_name_is_none(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built.make_module(folder, "one_phase")
    monkeypatch.setenv("AIOINTERPRETERS_CACHE", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    run_by_itself(tmp_path, folder, ADD)
    assert list((tmp_path / "xdg" / "aiointerpreters" / "extensions").glob("*one_phase*"))


@pytest.mark.skipif(sys.platform != "linux", reason="this is glibc's")
def test_static_memory_of_threads_that_is_used_up_is_told_with_what_helps(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built.make_module(folder, "with_thread_storage")
    script = f"""
    import sys
    from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
    from support import imports

    if __name__ == "__main__":
        sys.path.insert(0, {str(folder)!r})
        with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
            error = pool.submit(interpreter(imports.call), "with_thread_storage", "add", 1).exception()
        print(type(error).__name__, "GLIBC_TUNABLES=glibc.rtld.optional_static_tls" in str(error))
    """
    scripts.run_script(tmp_path, script).check("ImportError True")
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.rtld.optional_static_tls=65536")
    scripts.run_script(tmp_path, script).check("NoneType False")
