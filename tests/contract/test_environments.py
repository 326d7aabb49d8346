"""Functions typed, executed and reloaded in the places where people write code: prompts, notebooks, tests, tools."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.scripts import TIMEOUT, environment, run_python, run_script

FUNCTIONS = """
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

FACTOR = 3

def helper(n: int) -> int:
    return n + 1

@interpreter
def scale(n: int) -> int:
    return helper(n) * FACTOR

def use():
    with InterpreterThreadPoolExecutor(1) as pool:
        print(pool.submit(scale, 2).result())
        print(pool.submit(interpreter(lambda n: scale(n) + FACTOR), 2).result())
        print(list(pool.map(interpreter(helper), [1, 2])))
        use_classes(pool)
"""
CLASSES = """
from dataclasses import dataclass

@dataclass
class Box:
    value: int

def boxed(n: int) -> Box:
    return Box(scale(n))

def use_classes(pool):
    print(pool.submit(interpreter(boxed), 2).result() == Box(9))
    print(pool.submit(interpreter(lambda box: box.value), Box(4)).result())
"""
NO_CLASSES = "def use_classes(pool):\n    pass\n"  # those of a script need the script
USED = ["9", "12", "[2, 3]"]
USED_CLASSES = ["True", "4"]


@pytest.mark.parametrize("name", ["{folder}/notebook.ipynb#cell=3", "<cell 3>", "{folder}/tmp/ipykernel_5/77.py"])
@pytest.mark.parametrize("beside", ["a script", "nothing"])
def test_cells_that_a_tool_compiles_with_a_name_of_its_own(tmp_path: Path, name: str, beside: str) -> None:
    file, classes = name.format(folder=tmp_path), CLASSES if beside == "nothing" else NO_CLASSES
    cells = f"exec(compile({FUNCTIONS!r}, {file!r}, 'exec')); exec(compile({classes!r}, {file!r}, 'exec')); use()"
    if beside == "nothing":
        run_python("-c", cells).check(*USED, *USED_CLASSES)
    else:
        run_script(tmp_path, f"if __name__ == '__main__':\n    {cells}\n").check(*USED)


@pytest.mark.parametrize("made_by", ["script", "prompt"])
def test_functions_typed_beside_a_script_use_those_of_the_script(tmp_path: Path, made_by: str) -> None:
    make = "pool = InterpreterThreadPoolExecutor(1)\n"
    script = "FACTOR = 5\n\ndef of_script(n):\n    return n * FACTOR\n\n"
    typed = """
def typed(n):
    return of_script(n)

def outer(n):
    return typed(n)

print(pool.submit(interpreter(of_script), 1).result())
print(pool.submit(interpreter(typed), 2).result())
print(pool.submit(interpreter(outer), 3).result())
print(pool.submit(interpreter(lambda n: outer(n)), 4).result())
kept = [typed, object()]
print(pool.submit(interpreter(lambda: kept[0](5))).result())
pool.shutdown()
"""
    imported = "from aiointerpreters import InterpreterThreadPoolExecutor, interpreter\n"
    (tmp_path / "script.py").write_text(
        imported + script + (f"if __name__ == '__main__':\n    {make}" if made_by == "script" else "")
    )
    finished = run_python("-i", "-q", str(tmp_path / "script.py"), stdin=typed if made_by == "script" else make + typed)
    assert finished.lines == ["5", "10", "15", "20", "25"]


@pytest.mark.parametrize(
    ("tool", "source"),
    [
        ("marimo", "class app_meta:\n    mode = 'edit'\n"),
        ("IPython", "def get_ipython():\n    return 'a shell'\n"),
        ("streamlit.runtime", "def exists():\n    return True\n"),
    ],
)
def test_tools_that_run_a_file_in_their_own_way(tmp_path: Path, tool: str, source: str) -> None:
    # The stand-ins have the one function of the tool that is asked. docs/notebooks.md names the versions that were tried.
    path = tmp_path.joinpath(*tool.split(".")).with_suffix(".py")
    path.parent.mkdir(exist_ok=True)
    path.write_text(source)
    app = tmp_path / "app.py"
    app.write_text(f"{FUNCTIONS}{CLASSES}use()\n")  # without a guard
    program = f"""
        import sys, types
        import {tool}
        for _ in range(2):  # Streamlit runs it again
            main = types.ModuleType("__main__")
            main.__file__ = {str(app)!r}
            sys.modules["__main__"] = main
            exec(compile(open({str(app)!r}).read(), {str(app)!r}, "exec"), vars(main))
    """
    run_script(tmp_path, program).check(*USED, *USED_CLASSES, *USED, *USED_CLASSES)


def test_a_main_module_that_is_replaced_while_a_pool_lives(tmp_path: Path) -> None:
    program = """
        import sys, types
        from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

        def of_script():
            return __name__

        if __name__ == "__main__":
            with InterpreterThreadPoolExecutor(1) as pool:
                print(pool.submit(interpreter(of_script)).result())
                main = sys.modules["__main__"] = types.ModuleType("__main__")
                exec("def typed(): return 'typed', __name__", vars(main))
                print(*pool.submit(interpreter(main.typed)).result())
    """
    run_script(tmp_path, program).check("__mp_main__", "typed __main__")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a terminal")
def test_functions_typed_in_the_repl_with_line_editing() -> None:
    import pty

    lines = [
        "from aiointerpreters import InterpreterThreadPoolExecutor, interpreter",
        "pool = InterpreterThreadPoolExecutor(1)",
        "factor = 3",
        "triple = lambda n: n * factor",
        "print('first', pool.submit(interpreter(triple), 14).result(), 'end')",
        "factor = 4",
        "print('then', pool.submit(interpreter(lambda n: triple(n)), 14).result(), 'end')",
        "pool.shutdown()",
    ]
    terminal, other_side = pty.openpty()
    variables = environment(TERM="xterm", PYTHON_COLORS="0", PYTHON_HISTORY=os.devnull)
    prompt = subprocess.Popen(
        [sys.executable, "-q"], stdin=other_side, stdout=other_side, stderr=other_side, env=variables, close_fds=True
    )
    os.close(other_side)
    shown = ""

    def wait_for_prompt() -> str:
        nonlocal shown
        shown = ""
        while ">>> " not in shown:
            shown += os.read(terminal, 4096).decode()
        return shown

    answers = [wait_for_prompt()]
    for line in lines:
        os.write(terminal, line.encode() + b"\r")
        answers.append(wait_for_prompt())
    os.write(terminal, b"exit()\r")
    with contextlib.suppress(OSError):  # the other side is closed
        while os.read(terminal, 4096):
            pass
    os.close(terminal)
    assert prompt.wait(TIMEOUT) == 0
    assert ("first 42 end" in answers[5], "then 56 end" in answers[7]) == (True, True), answers


def test_cells_of_ipython_and_scripts_that_it_runs(tmp_path: Path) -> None:
    pytest.importorskip("IPython", reason="needs the extra `examples`")
    (tmp_path / "program.py").write_text(f"{FUNCTIONS}{CLASSES}\nif __name__ == '__main__':\n    use()\n")
    program = f"""
        from IPython.core.interactiveshell import InteractiveShell

        shell = InteractiveShell.instance(colors="nocolor", history_manager=None)

        def run(cell):
            shell.run_cell(cell).raise_error()

        run({FUNCTIONS!r})
        run({CLASSES!r})
        run("use()")
        run("FACTOR = 4")
        run("def helper(n): return n")
        run("with InterpreterThreadPoolExecutor(1) as pool: print(pool.submit(scale, 2).result())")
        run("%run {tmp_path}/program.py")
        run("use()  # functions of the script")
    """
    finished = run_script(tmp_path, program, env=environment(IPYTHONDIR=str(tmp_path)))
    assert finished.code == 0, finished.stderr
    assert finished.lines == [*USED, *USED_CLASSES, "8", *USED, *USED_CLASSES, *USED, *USED_CLASSES]


def test_functions_of_doctests(tmp_path: Path) -> None:
    (tmp_path / "documented.py").write_text('''
"""
>>> from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
>>> def helper(n):
...     return n * FACTOR
>>> @interpreter
... def scale(n):
...     return helper(n) + of_module(n)
>>> with InterpreterThreadPoolExecutor(1) as pool:
...     pool.submit(scale, 2).result()
...     pool.submit(interpreter(lambda n: scale(n)), 3).result()
...     pool.submit(interpreter(of_module), 4).result()
8
12
4
"""
FACTOR = 3

def of_module(n):
    return n
''')
    run_python("-m", "doctest", "documented.py", cwd=tmp_path).check()


@pytest.mark.parametrize(
    "options", [["-s"], ["-n", "2", "-p", "xdist"], ["--import-mode=importlib"], ["--assert=plain"]], ids=str
)
def test_functions_of_test_modules_under_pytest(tmp_path: Path, options: list[str]) -> None:
    (tmp_path / "test_with_pool.py").write_text("""
import pytest
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

FACTOR = 3

@interpreter
def scale(n):
    assert n > 0, "rewritten"
    return n * FACTOR

@pytest.fixture(scope="module")
def pool():
    with InterpreterThreadPoolExecutor(1) as pool:
        yield pool

def test_scale(pool):
    assert pool.submit(scale, 2).result() == 6

def test_closure(pool):
    offset = 1
    def shifted(n):
        assert n == 2
        return scale(n) + offset
    assert pool.submit(interpreter(shifted), 2).result() == 7
    with pytest.raises(AssertionError):
        pool.submit(interpreter(shifted), 3).result()

def test_assertion(pool):
    with pytest.raises(AssertionError, match="rewritten"):
        pool.submit(scale, -1).result()
""")
    finished = run_python("-m", "pytest", "-q", "-p", "no:cacheprovider", *options, str(tmp_path), cwd=tmp_path)
    assert "3 passed" in finished.stdout, finished.stdout


RELOADS = """
    import importlib, sys
    from pathlib import Path
    from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
    import edited

    def write(text):
        Path(edited.__file__).write_text(f"VALUE = {text!r}\\ndef get():\\n    return VALUE, {len(text)}\\n")
        importlib.invalidate_caches()
        sys.dont_write_bytecode = True

    if __name__ == "__main__":
        with InterpreterThreadPoolExecutor(1) as pool:
            through_module = interpreter(lambda: edited.get())
            by_name = lambda: pool.submit(interpreter(edited.get)).result()
            print(by_name(), pool.submit(through_module).result())
            for text in ("second", "the third"):
                write(text)
                HOW
                edited.get()
                print(by_name(), by_name(), pool.submit(through_module).result())
"""


@pytest.mark.parametrize("how", ["reload", "import again", "through a lambda first"])
def test_a_module_that_is_reloaded_here_is_reloaded_in_workers(tmp_path: Path, how: str) -> None:
    (tmp_path / "edited.py").write_text('VALUE = "first"\ndef get():\n    return VALUE, 5\n')
    again = {
        "reload": "importlib.reload(edited)",
        "import again": "del sys.modules['edited']; import edited",
        "through a lambda first": "importlib.reload(edited); pool.submit(through_module).result()",
    }
    program = RELOADS.replace("HOW", again[how])
    first, second, third = (str((text, len(text))) for text in ("first", "second", "the third"))
    finished = run_script(tmp_path, program, options=["-B"])
    finished.check(f"{first} {first}", f"{second} {second} {second}", f"{third} {third} {third}")


def test_an_error_of_the_reloaded_module_is_told(tmp_path: Path) -> None:
    (tmp_path / "edited.py").write_text("def get():\n    return 1\n")
    program = """
        import importlib, sys
        from pathlib import Path
        from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
        import edited

        if __name__ == "__main__":
            with InterpreterThreadPoolExecutor(1) as pool:
                print(pool.submit(interpreter(edited.get)).result())
                importlib.reload(edited)
                Path(edited.__file__).write_text("raise LookupError('only the first time')")
                print("only the first time" in str(pool.submit(interpreter(edited.get)).exception()))
                print(pool.submit(interpreter(abs), -1).result())
    """
    run_script(tmp_path, program, options=["-B"]).check("1", "True", "1")
