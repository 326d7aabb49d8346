"""Functions of a program's `__main__` cross by name if the script can be run again, otherwise by value."""

import py_compile
from pathlib import Path

import pytest

from support.scripts import run_python, run_script

GUARDED = """
from dataclasses import dataclass
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import work

FACTOR = 3


@dataclass
class Point:
    x: int
    y: int


class Refused(Exception):
    pass


@interpreter
def scale(point):
    return Point(point.x * FACTOR, point.y * FACTOR)


def untagged(x):
    return x * FACTOR, work.HERE


def refuse(point):
    raise Refused(point)


def main():
    with InterpreterThreadPoolExecutor(2) as pool:
        point = pool.submit(scale, Point(1, 2)).result()
        print(point, type(point) is Point)
        value, place = pool.submit(interpreter(untagged), 5).result()
        print(value, place != work.HERE)
        print(pool.submit(interpreter(lambda n: n * FACTOR), 7).result())
        print(list(pool.map(scale, [Point(n, n) for n in range(2)])))
        try:
            pool.submit(interpreter(refuse), Point(8, 9)).result()
        except Refused as error:
            print(type(error) is Refused, error.args)


if __name__ == "__main__":
    main()
"""
GUARDED_OUTPUT = (
    "Point(x=3, y=6) True",
    "15 True",
    "21",
    "[Point(x=0, y=0), Point(x=3, y=3)]",
    "True (Point(x=8, y=9),)",
)


def test_functions_and_classes_of_a_script(tmp_path: Path) -> None:
    run_script(tmp_path, GUARDED).check(*GUARDED_OUTPUT)


def test_a_script_that_is_compiled(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(GUARDED, encoding="utf-8")
    compiled = str(tmp_path / "compiled")
    py_compile.compile(str(tmp_path / "program.py"), cfile=compiled, doraise=True)
    (tmp_path / "program.py").unlink()
    run_python(compiled, cwd=tmp_path).check(*GUARDED_OUTPUT)


def test_functions_of_a_script_use_the_names_of_its_module(tmp_path: Path) -> None:
    source = """
        import sys
        from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

        count = 0
        argument, module = sys.argv[0], sys.modules[__name__]

        @interpreter
        def increase():
            global count
            count += 1
            main = sys.modules["__main__"]
            there = main.count, main is module is sys.modules["__mp_main__"], vars(main) is globals()
            return *there, main.__spec__, main.__package__, main.__file__ == argument

        if __name__ == "__main__":
            with InterpreterThreadPoolExecutor(1) as pool:
                print(*pool.submit(increase).result())
                print(*pool.submit(increase).result())
    """
    run_script(tmp_path, source).check("1 True True None  True", "2 True True None  True")


def test_a_script_that_empties_its_arguments(tmp_path: Path) -> None:
    source = """
        import sys
        from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

        sys.argv.clear()

        def name():
            return __name__

        if __name__ == "__main__":
            with InterpreterThreadPoolExecutor(1) as pool:
                print(pool.submit(interpreter(name)).result())
    """
    run_script(tmp_path, source).check("__mp_main__")


def test_functions_and_classes_of_a_module_run_with_m(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(GUARDED)
    run_python("-m", "program", cwd=tmp_path).check(*GUARDED_OUTPUT)


def test_functions_and_classes_of_a_module_of_a_package_run_with_m(tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "program.py").write_text("from . import helper\n" + GUARDED)
    (package / "helper.py").touch()
    run_python("-m", "package.program", cwd=tmp_path).check(*GUARDED_OUTPUT)


@pytest.mark.parametrize("how", ["package", "folder"])
def test_functions_of_a_main_file_are_refused_clearly_as_spawn_does_not_find_them(tmp_path: Path, how: str) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text("""
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import work

def local(x):
    return x

if __name__ == "__main__":
    with InterpreterThreadPoolExecutor(1) as pool:
        error = pool.submit(interpreter(local), 5).exception()
        print(error is None or "__main__" in str(error))
        print(pool.submit(interpreter(work.square), 5).result())
""")
    finished = run_python(*(["-m", "package"] if how == "package" else [str(package)]), cwd=tmp_path)
    finished.check("True", "25")


def test_a_script_in_another_folder_with_its_own_modules(tmp_path: Path) -> None:
    (tmp_path / "own_module.py").write_text("def triple(x):\n    return 3 * x\n")
    source = """
        import own_module
        from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

        def twice_triple(x):
            return 2 * own_module.triple(x)

        if __name__ == "__main__":
            with InterpreterThreadPoolExecutor(1) as pool:
                print(pool.submit(interpreter(own_module.triple), 2).result())
                print(pool.submit(interpreter(twice_triple), 2).result())
    """
    run_script(tmp_path, source).check("6", "12")


def test_the_script_is_run_once_in_each_interpreter_that_needs_it(tmp_path: Path) -> None:
    source = """
        import sys
        from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

        print(__name__, flush=True)

        def f(x):
            return x

        if __name__ == "__main__":
            with InterpreterThreadPoolExecutor(1) as pool:
                for n in range(5):
                    pool.submit(interpreter(f), n).result()
    """
    run_script(tmp_path, source).check("__main__", "__mp_main__")


def test_the_script_is_not_run_for_functions_of_other_modules(tmp_path: Path) -> None:
    source = """
        from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
        from support import work

        print(__name__, flush=True)
        with InterpreterThreadPoolExecutor(1) as pool:
            print(pool.submit(interpreter(work.square), 5).result())
    """
    run_script(tmp_path, source).check("__main__", "25")


def test_the_script_is_not_run_for_a_lambda_that_needs_nothing_of_it(tmp_path: Path) -> None:
    source = """
        from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

        print(__name__, flush=True)
        if __name__ == "__main__":
            with InterpreterThreadPoolExecutor(1) as pool:
                print(pool.submit(interpreter(lambda: 5)).result())
    """
    run_script(tmp_path, source).check("__main__", "5")


def test_a_missing_guard_is_a_clear_error_in_the_future(tmp_path: Path) -> None:
    source = """
        from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

        def f(x):
            return x

        pool = InterpreterThreadPoolExecutor(1)
        future = pool.submit(interpreter(f), 5)
        error = future.exception()
        print(type(error).__name__)
        print("__main__" in str(error), "if __name__" in str(error))
        pool.shutdown()
    """
    run_script(tmp_path, source).check("RuntimeError", "True True")


def test_a_missing_guard_around_with_and_map_does_not_hang(tmp_path: Path) -> None:
    source = """
        from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

        @interpreter
        def f(x):
            return x

        with InterpreterThreadPoolExecutor(2) as pool:
            print(list(pool.map(f, range(10))))
    """
    finished = run_script(tmp_path, source)
    assert finished.code == 1
    assert finished.stdout == ""
    assert "RuntimeError" in finished.stderr
    assert "if __name__" in finished.stderr


def test_a_script_that_fails_when_it_is_run_again_says_so(tmp_path: Path) -> None:
    source = """
        from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

        if __name__ != "__main__":
            raise LookupError("not twice")

        def f(x):
            return x

        with InterpreterThreadPoolExecutor(1) as pool:
            for _ in range(2):
                error = pool.submit(interpreter(f), 5).exception()
                print("not twice" in f"{error} {error.__cause__}")
    """
    run_script(tmp_path, source).check("True", "True")


def test_the_line_that_fails_when_a_script_is_run_again_is_shown_each_time(tmp_path: Path) -> None:
    source = """
        import traceback
        from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

        if __name__ != "__main__":
            raise LookupError("not twice")  # this line

        def f():
            pass

        with InterpreterThreadPoolExecutor(1) as pool:
            for _ in range(3):
                error = pool.submit(interpreter(f)).exception()
                print("# this line" in "".join(traceback.format_exception(error)))
    """
    run_script(tmp_path, source).check("True", "True", "True")


def test_a_function_under_the_guard_is_a_clear_error(tmp_path: Path) -> None:
    source = """
        from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

        if __name__ == "__main__":
            def work(x):
                return x

            with InterpreterThreadPoolExecutor(1) as pool:
                print(pool.submit(interpreter(work), 1).exception())
    """
    finished = run_script(tmp_path, source)
    assert 'without the part under `if __name__ == "__main__":`. Define it above that part' in finished.stdout


def test_the_traceback_of_a_script_that_fails_stands_once(tmp_path: Path) -> None:
    source = """
        import traceback
        from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

        @interpreter
        def f():
            pass

        if __name__ != "__main__":
            raise ValueError("only at home")

        if __name__ == "__main__":
            with InterpreterThreadPoolExecutor(1) as pool:
                for _ in range(3):
                    text = "".join(traceback.format_exception(pool.submit(f).exception()))
                    print(text.count("RemoteTraceback"), text.count("in <module>"))
    """
    run_script(tmp_path, source).check("1 1", "1 1", "1 1")


def test_the_failing_line_of_a_script_is_shown(tmp_path: Path) -> None:
    source = """
        from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

        @interpreter
        def fail(x):
            return 1 / x  # this line

        if __name__ == "__main__":
            with InterpreterThreadPoolExecutor(1) as pool:
                pool.submit(fail, 0).result()
    """
    finished = run_script(tmp_path, source)
    assert finished.code == 1
    assert "return 1 / x  # this line" in finished.stderr
    assert "script.py" in finished.stderr
    assert finished.stderr.rstrip().endswith("ZeroDivisionError: division by zero")


BY_VALUE = """
import math
from dataclasses import dataclass
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

FACTOR = 3

def scale(x):
    return helper(x) * FACTOR

def helper(x):
    return math.floor(x)

@interpreter
def fact(n):
    return 1 if n < 2 else n * fact(n - 1)

class Box:
    def __init__(self, value):
        self.value = value
    def twice(self):
        return 2 * self.value

def use_class(x):
    return Box(x).twice()

with InterpreterThreadPoolExecutor(2) as pool:
    print(pool.submit(interpreter(scale), 2.5).result())
    print(pool.submit(fact, 5).result())
    print(pool.submit(interpreter(use_class), 4).result())
    print(list(pool.map(interpreter(lambda n: n + FACTOR), range(3))))
"""
BY_VALUE_OUTPUT = ("6", "120", "8", "[3, 4, 5]")


def test_functions_given_with_c_cross_by_value() -> None:
    run_python("-c", BY_VALUE).check(*BY_VALUE_OUTPUT)


def test_functions_read_from_stdin_cross_by_value() -> None:
    run_python(stdin=BY_VALUE).check(*BY_VALUE_OUTPUT)
    run_python("-", stdin=BY_VALUE).check(*BY_VALUE_OUTPUT)


def test_functions_typed_at_the_prompt_cross_by_value() -> None:
    finished = run_python("-i", "-q", "-c", BY_VALUE, stdin="print(FACTOR)\n")
    assert finished.code == 0
    assert finished.lines == [*BY_VALUE_OUTPUT, "3"]


@pytest.mark.parametrize("how", ["argument", "result"])
def test_an_object_whose_class_was_given_with_c_crosses_or_says_why_not(how: str) -> None:
    source = """
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

class Box:
    value = 5

def get(box):
    return box.value

def make():
    return Box()

with InterpreterThreadPoolExecutor(1) as pool:
    future = pool.submit(interpreter(get), Box()) if how == "argument" else pool.submit(interpreter(make))
    error = future.exception()
    print("crossed" if error is None else "Box" in str(error))
    print(pool.submit(interpreter(abs), -3).result())
"""
    finished = run_python("-c", f"how = {how!r}\n{source}")
    assert finished.stderr == ""
    assert finished.code == 0
    assert finished.lines in (["crossed", "3"], ["True", "3"])
