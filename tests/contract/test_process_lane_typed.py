"""The process lane in programs that no process can run again: at a prompt, with -c, on the standard input, in a notebook."""

import os
import textwrap
from pathlib import Path

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, current, interpreter
from support import scripts

PROGRAM = """
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

class Thing:
    def __init__(self, size):
        self.size = size

def doubled(thing):
    return Thing(thing.size * 2)

executor = InterpreterThreadPoolExecutor(1)
result = executor.submit(interpreter(doubled, lane="process"), Thing(21)).result()
print(type(result) is Thing, result.size)
executor.shutdown()
"""


def test_with_c() -> None:
    scripts.run_python("-c", PROGRAM).check("True 42")


def test_on_the_standard_input() -> None:
    scripts.run_python(stdin=PROGRAM).check("True 42")


def test_at_a_prompt() -> None:
    typed = PROGRAM.replace("size * 2)\n", "size * 2)\n\n").replace(" = size\n", " = size\n\n")
    finished = scripts.run_python("-i", "-q", "-c", "import sys; sys.ps1 = sys.ps2 = ''", stdin=typed)
    assert (finished.code, finished.lines) == (0, ["True 42"])


def test_in_code_that_says_it_is_from_a_file_that_is_no_script(tmp_path: Path) -> None:
    """A notebook in VS Code: `__file__` names the notebook, and cells have file names, too."""
    (tmp_path / "notebook.ipynb").write_text("{}", encoding="ascii")
    scripts.run_python(
        "-c",
        textwrap.dedent(
            """
            import sys, types
            sys.modules["IPython"] = types.SimpleNamespace(get_ipython=lambda: 1)
            __file__ = sys.argv[1]
            exec(compile(sys.argv[2], "/tmp/ipykernel_1/2.py", "exec"))
            """
        ),
        str(tmp_path / "notebook.ipynb"),
        PROGRAM,
    ).check("True 42")


def test_arguments_of_a_script_s_own_classes(tmp_path: Path) -> None:
    """They cross by name."""
    guarded = PROGRAM.replace("executor = ", 'if __name__ == "__main__":\n    executor = ', 1)
    before, guard, after = guarded.partition('if __name__ == "__main__":\n')
    scripts.run_script(
        tmp_path, before + guard + textwrap.indent(after.replace("    executor = ", "executor = "), "    ")
    ).check("True 42")


@pytest.mark.parametrize("prefix", ["images", "with_underscore"])
def test_current_says_that_it_is_a_process(prefix: str) -> None:
    with InterpreterThreadPoolExecutor(1, prefix) as pool:
        here = pool.submit(interpreter(current, lane="process")).result()
        assert (here.where, here.executor, here.interpreter) == ("process", prefix, None)
        assert here.worker is not None
        assert here.worker.startswith(f"{prefix}_")
        assert pool.submit(interpreter(os.getpid, lane="process")).result() != os.getpid()
    assert current().where == "home"
