"""Workers follow home's sys.path, also if Python code runs while the package looks at it."""

from pathlib import Path

import pytest

from support.scripts import run_script

HEAD = """
import sys, threading, types
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import work

folder = {folder!r}
me = sys.modules["__main__"]
pool = InterpreterThreadPoolExecutor(1)

def can_import(name):
    "Whether a worker can, that has followed sys.path."
    return pool.submit(interpreter(work.import_modules), [name]).exception() is None

class Main(types.ModuleType):
    "A __main__ that runs `meddle` when somebody asks where it comes from."
    @property
    def __spec__(self):
        sys.modules["__main__"] = me  # once
        meddle()
        return None

def with_main(call, *args):
    sys.modules["__main__"] = Main("__main__")
    return call(*args)
"""


def folders(folder: Path) -> str:
    """Make the folders `first` and `second`, each with a module of that name, and return the head of a script."""
    for name in ("first", "second"):
        (folder / name).mkdir()
        (folder / name / f"only_{name}.py").write_text("")
    return HEAD.format(folder=str(folder))


def test_a_change_between_a_nested_submit_and_the_end_of_the_outer_one(tmp_path: Path) -> None:
    script = """
def meddle():
    sys.path.append(folder + "/first")
    print(can_import("only_first"))
    sys.path.append(folder + "/second")

print(with_main(can_import, "only_second"), can_import("only_second"))
pool.shutdown()
"""
    run_script(tmp_path, folders(tmp_path) + script).check("True", "True True")


@pytest.mark.parametrize("has_worker", [False, True])
def test_another_thread_changes_it_while_one_looks(tmp_path: Path, has_worker: bool) -> None:
    script = f"""
def meddle():
    def change():
        sys.path.append(folder + "/first")
        print(can_import("only_first"))
        sys.path.append(folder + "/second")
    thread = threading.Thread(target=change)
    thread.start()
    thread.join()

if {has_worker}:
    can_import("math")
print(with_main(can_import, "only_second"))
print(can_import("only_second"), can_import("only_first"))
pool.shutdown()
"""
    run_script(tmp_path, folders(tmp_path) + script).check("True", "True", "True True")


def test_a_main_module_that_another_one_has_followed(tmp_path: Path) -> None:
    """A thread that has looked at the older `__main__` does not make workers run that one."""
    (tmp_path / "later.py").write_text("def answer():\n    return 'later'\n")
    script = """
def meddle():
    import later
    later.__name__ = "__main__"
    later.answer.__module__ = "__main__"
    sys.modules["__main__"] = later
    print(pool.submit(interpreter(later.answer)).result())

sys.path.append(folder)
print(with_main(can_import, "math"))
later = sys.modules["__main__"]
print(pool.submit(interpreter(later.answer)).result())
with InterpreterThreadPoolExecutor(1) as other:
    print(other.submit(interpreter(later.answer)).result())
pool.shutdown()
"""
    run_script(tmp_path, folders(tmp_path) + script).check("later", "True", "later", "later")
