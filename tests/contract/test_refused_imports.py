"""Extension modules that refuse a worker's interpreter: the error names the remedy."""

import asyncio
import concurrent.futures
import importlib
import logging
import sys
import traceback
from pathlib import Path
from typing import Any

import pytest

from aiointerpreters import FallbackWarning, InterpreterError, InterpreterThreadPoolExecutor, Runner, _core, interpreter
from support import built, imports, refused, scripts
from support.protocols import MakePool

pytestmark = pytest.mark.skipif(_core.why_no_copies() is not None, reason=str(_core.why_no_copies()))

UNDECLARED = "it does not declare support for interpreters with their own GIL"
NOT_SUPPORTED = "it declares that it does not support interpreters"
SHARED = "it supports only interpreters that share one GIL"
SINGLE_PHASE = "it uses single-phase initialization, so it cannot declare support for interpreters with their own GIL"
REASONS = {"one_phase": SINGLE_PHASE, "two_phases": NOT_SUPPORTED, "sharing": SHARED, "no_slots": UNDECLARED}
USE = 'extensions="private", or set AIOINTERPRETERS_EXTENSIONS=private in the environment. '
WORKS = f"It is known to work as a private copy: use {USE}"
PERHAPS = f"It is not known whether it works as a private copy: try {USE}"
MOVE = (
    "If the function does not need it, move the function to a module that does not import it, or into another function, so "
    "that it crosses by value. "
)
ELSEWHERE = (
    'Or let it run elsewhere: interpreter(fn, fallback="process") or "thread"; if the function itself imports the module, '
    'lane="process". See docs/extensions.md of aiointerpreters.'
)
NUMPY = "numpy._core._multiarray_umath"


def hint(module: str = "one_phase", reason: str = SINGLE_PHASE, *, chain: str = "", copies: str = PERHAPS) -> str:
    """The note for a module. `chain`: how another package has imported it. `copies`: what is known about private copies."""
    return (
        f"{module} cannot be imported in a worker's interpreter{f' ({chain})' if chain else ''}: {reason}. {copies}"
        f"{MOVE if chain else ''}{ELSEWHERE}"
    )


def refuses(module: str) -> str:
    """CPython's text."""
    return f"module {module} does not support loading in subinterpreters"


def mark_of(error: BaseException | None) -> str | None:
    """The module that an error is marked with."""
    return getattr(error, "refused_extension", None)


def notes_of(error: BaseException | None) -> list[str]:
    """The notes that were added to an exception."""
    return list(getattr(error, "__notes__", []))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on home's path with modules that refuse interpreters."""
    monkeypatch.syspath_prepend(str(tmp_path))
    built.make_modules(tmp_path, *REASONS)
    return tmp_path


@pytest.mark.parametrize("module", REASONS)
def test_a_refused_import_is_told_what_helps(make_pool: MakePool, folder: Path, module: str) -> None:
    error = make_pool(1).submit(interpreter(imports.describe), module).exception()
    assert type(error) is ImportError
    assert str(error) == refuses(module)
    assert notes_of(error) == [hint(module, REASONS[module])]
    assert mark_of(error) == module


def test_the_long_advice_of_a_package_is_left_out(make_pool: MakePool) -> None:
    pytest.importorskip("numpy")
    for _ in range(2):  # a second attempt in the same interpreter
        error = make_pool(1).submit(interpreter(imports.describe), "numpy").exception()
        assert type(error) is ImportError
        assert str(error) == refuses(NUMPY)
        assert notes_of(error) == [hint(NUMPY, NOT_SUPPORTED, copies=WORKS)]
        assert mark_of(error) == NUMPY
        assert "IMPORTANT" not in "".join(traceback.format_exception(error))


@pytest.mark.parametrize("how", ["global", "variable", "class"])
def test_the_long_advice_is_left_out_for_functions_by_value_too(
    make_pool: MakePool, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    numpy = pytest.importorskip("numpy")
    array = numpy.arange(3)

    class Local:
        pass

    monkeypatch.setitem(globals(), "a_global", numpy)
    functions: dict[str, Any] = {
        "global": lambda: a_global.zeros(1),  # type: ignore[name-defined]  # noqa: F821
        "variable": lambda: array.sum(),
        "class": lambda: (array, Local),
    }
    error = make_pool(1).submit(interpreter(functions[how])).exception()
    assert type(error) is InterpreterError
    assert str(error) == f"the function could not be loaded in a worker's interpreter: ImportError: {refuses(NUMPY)}"
    assert notes_of(error) == [hint(NUMPY, NOT_SUPPORTED, copies=WORKS)]
    assert mark_of(error) == NUMPY
    assert "IMPORTANT" not in "".join(traceback.format_exception(error))


@pytest.mark.parametrize("where", ["argument 0", "argument 'values'", "argument 0[1]"])
def test_the_argument_that_needs_it_is_named(make_pool: MakePool, where: str) -> None:
    array = pytest.importorskip("numpy").arange(3)
    args, kwargs = {"argument 0": ([array], {}), "argument 0[1]": ([[1, array]], {})}.get(where, ([], {"values": array}))
    error = make_pool(1).submit(interpreter(dict), *args, **kwargs).exception()
    assert type(error) is ImportError
    assert str(error) == f"{where}: numpy.ndarray: {refuses(NUMPY)}"
    assert notes_of(error) == [hint(NUMPY, NOT_SUPPORTED, copies=WORKS)]
    assert mark_of(error) == NUMPY


@pytest.fixture
def packages(folder: Path) -> Path:
    """Python packages that import a module that refuses interpreters."""
    files = {
        "app/__init__.py": "",
        "app/tasks.py": "from app import models\ndef work(): return 1",
        "app/models.py": "import lib.part",
        "lib/__init__.py": "",
        "lib/part.py": "from lib import more",
        "lib/more.py": "import one_phase",
        "swallowing/__init__.py": "from swallowing.inner import use, wrong, look_up, absent",
        "swallowing/inner.py": """
try:
    import one_phase
except ImportError:
    pass
try:
    import one_phase as optional
except ImportError:
    optional = None
def use(): return one_phase.add(1)
def look_up(): return optional.add(1)
def wrong(): raise ValueError("of another kind")
def absent(): import no_such_module
""",
        "other.py": "def use(): return no_such_name",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_it_tells_which_imports_led_to_it(make_pool: MakePool, packages: Path) -> None:
    error = make_pool(1).submit(interpreter(imports.call), "app.tasks", "work").exception()
    assert type(error) is ImportError
    assert str(error) == refuses("one_phase")
    assert notes_of(error) == [hint(chain="app.tasks -> app.models -> lib -> one_phase")]


@pytest.mark.parametrize(("function", "kind"), [("use", NameError), ("look_up", AttributeError)])
def test_a_package_that_hides_it_and_fails_later_is_told(
    make_pool: MakePool, packages: Path, function: str, kind: type[Exception]
) -> None:
    error = make_pool(1).submit(interpreter(imports.call), "swallowing", function).exception()
    assert type(error) is kind
    assert notes_of(error) == [f"This may be a consequence: {hint(chain='swallowing -> one_phase')}"]
    assert mark_of(error) == "one_phase"


@pytest.mark.parametrize(("module", "function"), [("swallowing", "wrong"), ("swallowing", "absent"), ("other", "use")])
def test_other_errors_beside_a_hidden_refusal_are_left_alone(
    make_pool: MakePool, packages: Path, module: str, function: str
) -> None:
    pool = make_pool(1)
    assert pool.submit(interpreter(imports.is_importable), "swallowing").result()
    error = pool.submit(interpreter(imports.call), module, function).exception()
    assert isinstance(error, ValueError | ModuleNotFoundError | NameError)
    assert notes_of(error) == []
    assert mark_of(error) is None


@pytest.mark.parametrize("how", [refused.from_it, refused.while_handling, refused.in_a_group, refused.in_a_ring])
def test_whatever_shows_it_is_told(make_pool: MakePool, folder: Path, how: Any) -> None:
    error = make_pool(1).submit(interpreter(how), "one_phase").exception()
    assert error is not None
    assert notes_of(error) == ["mine", hint()]


@pytest.mark.parametrize("how", [refused.from_none, refused.of_another_kind, refused.missing])
def test_what_does_not_show_it_is_left_alone(make_pool: MakePool, folder: Path, how: Any) -> None:
    error = make_pool(1).submit(interpreter(how), "one_phase").exception()
    assert error is not None
    assert notes_of(error) == []


def test_it_is_told_once_by_workers_of_workers(make_pool: MakePool, folder: Path) -> None:
    error = make_pool(1).submit(interpreter(refused.in_own_pool), "one_phase").exception()
    assert isinstance(error, ImportError)
    assert notes_of(error) == [hint()]


def test_coroutine_functions_and_initializers_are_told_too(
    make_pool: MakePool, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "aiointerpreters")

    async def use() -> None:
        async with Runner(workers=1) as runner:
            with pytest.raises(ImportError) as raised:
                await runner.run(refused.in_coroutine, "one_phase")
            assert notes_of(raised.value) == [hint()]

    asyncio.run(use())
    pool = make_pool(1, initializer=interpreter(imports.describe), initargs=("one_phase",))
    broken = pool.submit(interpreter(len), "a").exception()
    assert isinstance(broken, concurrent.futures.BrokenExecutor)
    assert notes_of(broken.__cause__) == [hint()]


def test_a_module_that_is_known_not_to_work_is_told_why(make_pool: MakePool, folder: Path) -> None:
    (folder / "memray").mkdir()
    (folder / "memray" / "__init__.py").write_text("", encoding="utf-8")
    built.make_module(folder / "memray", "two_phases")
    error = make_pool(1).submit(interpreter(imports.describe), "memray.two_phases").exception()
    assert isinstance(error, ImportError)
    copies = "It is known not to work as a private copy: it replaces the memory allocators of the whole process. "
    assert notes_of(error) == [hint("memray.two_phases", NOT_SUPPORTED, copies=copies)]


def test_a_module_with_a_check_of_its_own_is_told(make_pool: MakePool, folder: Path) -> None:
    built.make_module(folder, "checking")
    importlib.import_module("checking")
    error = make_pool(1).submit(interpreter(imports.describe), "checking").exception()
    del sys.modules["checking"]
    assert isinstance(error, ImportError)
    reason = "it refuses by itself (checking can only be loaded into one interpreter per process)"
    assert notes_of(error) == [hint("checking", reason)]


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
    scripts.run_script(folder, script).check(f"InterpreterError {hint(chain='__main__ -> one_phase')}")


WALLED = """
advice = "\\n\\nIMPORTANT: read this.\\n\\n" + "Reinstall everything. " * 40
try:
    import one_phase
except ImportError as error:
    raise ImportError(advice) from error
"""


def test_a_script_that_imports_a_package_with_long_advice_is_told_in_one_line(folder: Path) -> None:
    (folder / "walled.py").write_text(WALLED, encoding="utf-8")
    script = f"""
    import sys
    sys.path.insert(0, {str(folder)!r})
    import warnings
    import walled
    from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

    def work(): pass

    if __name__ == "__main__":
        warnings.simplefilter("ignore")
        with InterpreterThreadPoolExecutor(1) as pool:
            print(pool.submit(interpreter(work)).exception())
            pool.submit(interpreter(work, fallback="thread")).result()
            print(pool.fallbacks[0].reason)
        with InterpreterThreadPoolExecutor(1, initializer=interpreter(work)) as pool:
            print(pool.submit(interpreter(len), "a").exception().__cause__)
    """
    text = f"this program's __main__ could not be run in a worker's interpreter: ImportError: {refuses('one_phase')}"
    finished = scripts.run_script(folder, script)
    assert finished.lines == [text, f"InterpreterError: {text}", text]
    assert "IMPORTANT" not in finished.stderr
    assert text in finished.stderr  # the initializer's failure is logged


def test_a_fallback_tells_the_reason_of_a_package_with_long_advice(make_pool: MakePool, folder: Path) -> None:
    (folder / "walled.py").write_text(WALLED, encoding="utf-8")
    (folder / "uses_walled.py").write_text("import walled\ndef work(): pass", encoding="utf-8")
    work = importlib.import_module("uses_walled").work
    pool = make_pool(1)
    with pytest.warns(FallbackWarning, match="does not support loading in subinterpreters"):
        pool.submit(interpreter(work, fallback="thread")).result()
    for name in ("uses_walled", "walled", "one_phase"):
        del sys.modules[name]
    (moved,) = pool.fallbacks
    loaded = "uses_walled.work could not be loaded in a worker's interpreter"
    assert moved.reason == f"InterpreterError: {loaded}: ImportError: {refuses('one_phase')}"


def test_the_ways_out_that_it_names_work(folder: Path) -> None:
    script = f"""
    import sys
    sys.path.insert(0, {str(folder)!r})
    import warnings
    import sharing
    from aiointerpreters import InterpreterThreadPoolExecutor, current, interpreter

    def by_name(): return current().where

    def make():
        def by_value(): return current().where
        return by_value

    def imports():
        import sharing
        return current().where

    if __name__ == "__main__":
        warnings.simplefilter("ignore")
        with InterpreterThreadPoolExecutor(1) as pool:
            print(pool.submit(interpreter(make())).result())
            for fallback in ("thread", "process"):
                print(pool.submit(interpreter(by_name, fallback=fallback)).result())
            print(pool.submit(interpreter(imports, lane="process")).result())
        with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
            print(pool.submit(interpreter(by_name)).result())
    """
    finished = scripts.run_script(folder, script)
    assert (finished.code, finished.lines) == (0, ["interpreter", "thread", "process", "process", "interpreter"])
