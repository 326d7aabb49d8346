"""Functions that a Runner's workers find by module or file, and `get_module_info`, which tells where that is."""

import functools
import inspect
import random
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aiointerpreters import (
    InterpreterError,
    Runner,
    RunnerError,
    interpreter,
)
from aiointerpreters.runner import ModuleInfo, get_module_info
from support import coroutines, runners, shapes, work
from support.runners import Run
from support.scripts import run_python, run_script

run = runners.run


# ---- run_module_function


FILE = """
import sys
from support import work

calls = 0
LOADED_AS = __name__
work.append_line({log!r}, "loaded")

if __name__ == "__main__":
    work.append_line({log!r}, "as a program")

class Refused(Exception):
    pass

def add(a, b=1):
    global calls
    calls += 1
    return a + b, calls, work.HERE

def refuse():
    raise LookupError("no")

def refuse_with_own_class():
    raise Refused("by a class of this file")

not_a_function = 5
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    """A file with functions. It writes a line into a log each time it is run."""
    path = tmp_path / "functions of mine.py"
    path.write_text(FILE.format(log=str(tmp_path / "log")), encoding="utf-8")
    return str(path)


def call_module_function(run: Run, info: Any, *args: Any, **kwargs: Any) -> Any:
    """Await this call of a runner and return the result."""

    async def main() -> Any:
        async with Runner(workers=1) as runner:
            return await runner.run_module_function(info, *args, **kwargs)

    return run(main())


@pytest.mark.parametrize(
    ("info", "args", "result"),
    [
        (("module", "support.work", "square"), (3,), 9),
        (("module", "support.work", "tagged_square"), (3,), 9),
        (("module", "support.shapes", "Named"), ("n", 1), shapes.Named("n", 1)),
        (("module", "builtins", "abs"), (-3,), 3),
        (("module", "math", "gcd"), (12, 18), 6),
        (("module", "os.path", "basename"), ("/a/b",), "b"),
        (["module", "math", "gcd"], (12, 18), 6),
    ],
)
def test_functions_of_modules(run: Run, info: Any, args: tuple[Any, ...], result: Any) -> None:
    assert call_module_function(run, info, *args) == result


def test_functions_of_a_package_that_home_has_not_imported(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "package_of_workers"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "inner.py").write_text("from . import other\ndef triple(x):\n    return other.times(x, 3)\n")
    (package / "other.py").write_text("def times(x, n):\n    return x * n\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert call_module_function(run, ("module", "package_of_workers.inner", "triple"), 4) == 12
    assert not any(name.startswith("package_of_workers") for name in sys.modules)


def test_a_file_is_run_once_in_each_interpreter_and_not_as_a_program(run: Run, file: str, tmp_path: Path) -> None:
    async def main() -> list[Any]:
        async with Runner(workers=1) as runner:
            add: ModuleInfo = ("path", file, "add")
            return [await runner.run_module_function(add, 1), await runner.run_module_function(add, 1, b=2)]

    first, second = run(main())
    assert (first[:2], second[:2]) == ((2, 1), (3, 2))
    assert first[2] != work.HERE
    assert (tmp_path / "log").read_text().split("\n") == ["loaded", ""]


def test_files_of_the_same_name_are_different(run: Run, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "same.py").write_text(f"def tell():\n    return {folder!r}\n")

    async def main() -> list[Any]:
        async with Runner(workers=1) as runner:
            infos: list[ModuleInfo] = [("path", str(tmp_path / folder / "same.py"), "tell") for folder in "ab"]
            return [await runner.run_module_function(info) for info in infos]

    assert run(main()) == ["a", "b"]


def test_a_file_with_data_classes(run: Run, tmp_path: Path) -> None:
    """The decorator looks for the module in sys.modules."""
    path = tmp_path / "classes.py"
    path.write_text(
        "from __future__ import annotations\n"
        "from dataclasses import dataclass\n"
        "from typing import ClassVar\n"
        "@dataclass\n"
        "class Point:\n"
        "    count: ClassVar[int] = 0\n"
        "    x: int = 3\n"
        "def make():\n"
        "    return Point().x\n"
    )
    assert call_module_function(run, ("path", str(path), "make")) == 3


def test_exceptions_of_functions_of_files(run: Run, file: str) -> None:
    with pytest.raises(LookupError, match="no"):
        call_module_function(run, ("path", file, "refuse"))
    with pytest.raises(InterpreterError, match="by a class of this file"):
        call_module_function(run, ("path", file, "refuse_with_own_class"))


@pytest.mark.parametrize(
    ("info", "error"),
    [
        (("module", "no_such_module", "fn"), ModuleNotFoundError),
        (("module", "support.no_such_module", "fn"), ModuleNotFoundError),
        (("module", "math", "no_such_function"), AttributeError),
        (("module", "math", "pi"), TypeError),
        (("module", "", "fn"), ValueError),
        (("path", "/nonexistent/file.py", "fn"), FileNotFoundError),
        (("path", "", "fn"), ImportError),
    ],
)
def test_functions_that_are_not_there(run: Run, info: ModuleInfo, error: type[Exception]) -> None:
    with pytest.raises(error):
        call_module_function(run, info)


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("functions.txt", "def fn(): pass", ImportError),
        ("functions", "def fn(): pass", ImportError),
        ("functions.py", "def fn(:", SyntaxError),
        ("functions.py", "raise LookupError('while it is run')", LookupError),
        ("functions.py", "fn = 5", TypeError),
        ("functions.py", "", AttributeError),
    ],
)
def test_files_without_the_function(run: Run, tmp_path: Path, name: str, content: str, error: type[Exception]) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(error):
        call_module_function(run, ("path", str(tmp_path / name), "fn"))


def test_a_file_that_failed_is_tried_again(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "functions.py"

    async def main() -> Any:
        async with Runner(workers=1) as runner:
            with pytest.raises(FileNotFoundError):
                await runner.run_module_function(("path", str(path), "fn"))
            path.write_text("def fn():\n    return 'there'\n")
            return await runner.run_module_function(("path", str(path), "fn"))

    assert run(main()) == "there"


@pytest.mark.parametrize(
    "info",
    [
        None,
        "module",
        (),
        ("module", "math"),
        ("module", "math", "gcd", 1),
        ("file", "a.py", "fn"),
        ("module", 1, "gcd"),
        ("path", Path("a.py"), "fn"),
    ],
)
def test_what_is_no_module_info(run: Run, info: Any) -> None:
    with pytest.raises(RunnerError, match="module_info has to be"):
        call_module_function(run, info)


def test_keywords_of_every_name_for_module_functions(run: Run) -> None:
    info: ModuleInfo = ("module", "support.work", "echo_call")
    names = {"self": 1, "kind": 2, "place": 3, "name": 4, "fn": 5}
    assert call_module_function(run, info, **names) == ((), names)


def test_errors_of_finding_a_script_s_function_come_from_the_await(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        """
import asyncio
from aiointerpreters import Runner

async def main():
    async with Runner(workers=1) as runner:
        call = runner.run_module_function(("path", __file__, "no_such_function"))
        try:
            await call
        except AttributeError as error:
            print("no_such_function" in str(error))

if __name__ == "__main__":
    asyncio.run(main())
""",
    ).check("True")


# ---- get_module_info


@pytest.mark.parametrize(
    ("fn", "info"),
    [
        (work.square, ("module", "support.work", "square")),
        (interpreter(work.square), ("module", "support.work", "square")),
        (work.tagged_square, ("module", "support.work", "tagged_square")),
        (work.cached_square, ("module", "support.work", "cached_square")),
        (shapes.Point, ("module", "support.shapes", "Point")),
        (coroutines.square, ("module", "support.coroutines", "square")),
        (len, ("module", "builtins", "len")),
        (inspect.getfile, ("module", "inspect", "getfile")),
        (random.randint, ("module", "random", "randint")),  # a method
        (shapes.made, ("module", "support.shapes", "made")),  # a nested function
    ],
)
def test_where_a_function_is(fn: Callable[..., Any], info: ModuleInfo) -> None:
    assert get_module_info(fn) == info


def _make_local() -> Callable[..., Any]:
    def local() -> None:
        pass

    return local


class Unhashable:
    """Can be called, but cannot be a key of a dict."""

    __hash__ = None  # type: ignore[assignment]

    def __call__(self) -> None:
        pass


unnamed = lambda: None  # noqa: E731


a_lambda = unnamed


@pytest.mark.parametrize(
    "fn",
    [
        pytest.param(_make_local(), id="local"),
        pytest.param(lambda: None, id="lambda"),
        pytest.param(a_lambda, id="lambda of a module"),
        pytest.param(shapes.Methods(3).add, id="method"),
        pytest.param(types.MethodType(work.square, 3), id="function as a method"),
        pytest.param(types.MethodType(functools.partial(work.square), 3), id="partial as a method"),
        pytest.param(shapes.Methods.double, id="static method"),
        pytest.param(shapes.Methods.name, id="class method"),
        pytest.param(shapes.Counter.Inner, id="nested class"),
        pytest.param(shapes.Methods(3), id="callable instance"),
        pytest.param([].append, id="method of a builtin"),
        pytest.param(str.upper, id="descriptor"),
        pytest.param(functools.partial(work.square), id="partial"),
        pytest.param(Unhashable(), id="unhashable"),
        pytest.param(None, id="None"),
    ],
)
def test_what_is_no_top_level_function(fn: Any) -> None:
    with pytest.raises(RunnerError, match="is not a top level function"):
        get_module_info(fn)
    if callable(fn):
        with pytest.raises(RunnerError, match="is not a top level function"):
            get_module_info(interpreter(fn))


SCRIPT = """
import asyncio, os
from dataclasses import dataclass
from aiointerpreters import Runner, interpreter
from aiointerpreters.runner import get_module_info
from support import work

FACTOR = 3

@dataclass
class Point:
    x: int

def scale(point):
    return Point(point.x * FACTOR)

@interpreter
def tagged(n):
    return n * FACTOR

async def main():
    for fn in (scale, tagged):
        kind, path, name = get_module_info(fn)
        print(kind, os.path.basename(path), name)
    print(get_module_info(work.square))
    async with Runner(workers=1) as runner:
        point = await runner.run_module_function(get_module_info(scale), Point(2))
        print(point, type(point) is Point)
        print(await runner.run_module_function(get_module_info(tagged), 5))
        print(await runner.run(scale, Point(3)), await runner.wrap(scale)(Point(4)))
        print([point async for point in runner.map(scale, [Point(5), Point(6)])])

if __name__ == "__main__":
    asyncio.run(main())
"""


@pytest.mark.parametrize(
    "command", [["program.py"], ["-m", "program"], ["-m", "package.program"]], ids=["file", "module", "package"]
)
def test_functions_of_the_program_s_own_script(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").touch()
    for folder in (tmp_path, tmp_path / "package"):
        (folder / "program.py").write_text(SCRIPT, encoding="utf-8")
    run_python("-W", "error", *command, cwd=tmp_path).check(
        "path program.py scale",
        "path program.py tagged",
        "('module', 'support.work', 'square')",
        "Point(x=6) True",
        "15",
        "Point(x=9) Point(x=12)",
        "[Point(x=15), Point(x=18)]",
    )


def test_what_is_no_top_level_function_of_the_program_s_script(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        """
import functools
from aiointerpreters import RunnerError, interpreter
from aiointerpreters.runner import get_module_info

def top():
    return lambda: None

class Callable:
    def __call__(self):
        pass

    def method(self):
        pass

a_lambda = lambda: None

if __name__ == "__main__":
    for fn in (top(), functools.partial(top), Callable(), Callable().method, Callable.method, a_lambda):
        try:
            print(get_module_info(fn))
        except RunnerError:
            print("RunnerError")
""",
    ).check(*["RunnerError"] * 6)
