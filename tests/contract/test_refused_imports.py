"""Extension modules that refuse a worker's interpreter: the error names the remedy."""

import asyncio
import concurrent.futures
import logging
from pathlib import Path
from typing import Any

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, Runner, _core, interpreter
from support import built, imports, refused, scripts
from support.protocols import MakePool

pytestmark = pytest.mark.skipif(_core.why_no_copies() is not None, reason=str(_core.why_no_copies()))

HINT = (
    'most such modules can be imported in workers as private copies: create the executor with extensions="private", or '
    "set AIOINTERPRETERS_EXTENSIONS=private in the environment (see docs/extensions.md of aiointerpreters)"
)


def notes_of(error: BaseException | None) -> list[str]:
    """The notes that were added to an exception."""
    return list(getattr(error, "__notes__", []))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on home's path with modules that refuse interpreters."""
    monkeypatch.syspath_prepend(str(tmp_path))
    built.make_modules(tmp_path, "one_phase", "two_phases")
    return tmp_path


@pytest.mark.parametrize("module", ["one_phase", "two_phases"])
def test_a_refused_import_is_told_what_helps(make_pool: MakePool, folder: Path, module: str) -> None:
    error = make_pool(1).submit(interpreter(imports.describe), module).exception()
    assert type(error) is ImportError
    assert str(error) == f"module {module} does not support loading in subinterpreters"
    assert notes_of(error) == [HINT]


def test_a_package_may_say_it_in_its_own_words(make_pool: MakePool) -> None:
    error = make_pool(1).submit(interpreter(imports.describe), "numpy").exception()
    assert type(error) is ImportError
    assert notes_of(error) == [HINT]


def test_so_may_who_asks_for_an_argument(make_pool: MakePool) -> None:
    numpy = pytest.importorskip("numpy")
    error = make_pool(1).submit(interpreter(len), numpy.arange(3)).exception()
    assert isinstance(error, ImportError)
    assert notes_of(error) == [HINT]


@pytest.mark.parametrize("how", [refused.from_it, refused.while_handling, refused.in_a_group, refused.in_a_ring])
def test_whatever_shows_it_is_told(make_pool: MakePool, folder: Path, how: Any) -> None:
    error = make_pool(1).submit(interpreter(how), "one_phase").exception()
    assert error is not None
    assert notes_of(error) == ["mine", HINT]


@pytest.mark.parametrize("how", [refused.from_none, refused.of_another_kind, refused.missing])
def test_what_does_not_show_it_is_left_alone(make_pool: MakePool, folder: Path, how: Any) -> None:
    error = make_pool(1).submit(interpreter(how), "one_phase").exception()
    assert error is not None
    assert notes_of(error) == []


def test_it_is_told_once_by_workers_of_workers(make_pool: MakePool, folder: Path) -> None:
    error = make_pool(1).submit(interpreter(refused.in_own_pool), "one_phase").exception()
    assert isinstance(error, ImportError)
    assert notes_of(error) == [HINT]


def test_coroutine_functions_and_initializers_are_told_too(
    make_pool: MakePool, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "aiointerpreters")

    async def use() -> None:
        async with Runner(workers=1) as runner:
            with pytest.raises(ImportError) as raised:
                await runner.run(refused.in_coroutine, "one_phase")
            assert notes_of(raised.value) == [HINT]

    asyncio.run(use())
    pool = make_pool(1, initializer=interpreter(imports.describe), initargs=("one_phase",))
    broken = pool.submit(interpreter(len), "a").exception()
    assert isinstance(broken, concurrent.futures.BrokenExecutor)
    assert notes_of(broken.__cause__) == [HINT]


def test_a_module_that_is_known_not_to_work_is_told_why(make_pool: MakePool, folder: Path) -> None:
    (folder / "memray").mkdir()
    (folder / "memray" / "__init__.py").write_text("", encoding="utf-8")
    built.make_module(folder / "memray", "two_phases")
    error = make_pool(1).submit(interpreter(imports.describe), "memray.two_phases").exception()
    assert isinstance(error, ImportError)
    (note,) = notes_of(error)
    beginning = 'memray.two_phases does not work in a worker\'s interpreter, even with extensions="private": it '
    assert note.startswith(beginning)


def test_with_private_copies_nothing_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIOINTERPRETERS_CACHE", str(folder / "cache"))
    with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
        error = pool.submit(interpreter(refused.of_its_own_making)).exception()
    assert isinstance(error, ImportError)
    assert notes_of(error) == []


def test_a_script_that_imports_one_is_told(folder: Path) -> None:
    script = f"""
    import sys
    sys.path.insert(0, {str(folder)!r})
    import one_phase
    from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

    def nothing(): pass

    if __name__ == "__main__":
        with InterpreterThreadPoolExecutor(1) as pool:
            error = pool.submit(interpreter(nothing)).exception()
        print(type(error).__name__, *error.__notes__)
    """
    scripts.run_script(folder, script).check(f"InterpreterError {HINT}")
