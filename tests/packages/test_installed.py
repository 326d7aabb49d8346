"""The package as installed from a wheel. AIOINTERPRETERS_INSTALLED is the path of the Python of that environment."""

import json
import os
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PYTHON = os.environ.get("AIOINTERPRETERS_INSTALLED")
if PYTHON is None:
    pytest.skip("needs an environment that `make wheels` makes", allow_module_level=True)

OURS = "from aiointerpreters import InterpreterThreadPoolExecutor, interpreter"
THEIRS = "from concurrent.futures import ThreadPoolExecutor"
# Modules in C that the engine needs on 3.13, and modules that look up names on first use.
ENGINE = {"_datetime", "_struct", "cmath", "importlib", "importlib._bootstrap", "importlib._bootstrap_external"}
# Modules of the standard library that our import loads and theirs does not.
BEYOND = ENGINE | {"_collections_abc", "_contextvars", "_typing", "contextvars", "copyreg", "math", "typing", "re", "_sre"}
BEYOND |= {"math.integer", "_math_integer"}  # `math` imports them on 3.15
CALLS = "import sys; calls = []; sys.setprofile(lambda *_: calls.append(1)); {}; sys.setprofile(None); print(len(calls))"
CPU_TIME = "import time; before = time.process_time_ns(); {}; print(time.process_time_ns() - before)"


def run(code: str) -> Any:
    """The JSON output of the installed Python. It sees only its own environment."""
    finished = subprocess.run([str(PYTHON), "-I", "-c", code], capture_output=True, text=True, check=False, cwd="/")
    assert finished.returncode == 0, finished.stderr
    assert finished.stderr == ""
    return json.loads(finished.stdout)


def modules_of(statement: str) -> set[str]:
    """The modules that a statement imports in a new process."""
    new = "sorted(set(sys.modules) - before)"
    names = run(f"import sys; before = set(sys.modules); {statement}; new = {new}; import json; print(json.dumps(new))")
    return set(names)


def test_it_comes_from_the_wheel_with_its_version() -> None:
    place, version = run("import aiointerpreters as a, json; print(json.dumps([a.__file__, a.__version__]))")
    assert Path(place).is_relative_to(Path(str(PYTHON)).parents[1])
    assert version == tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]


def test_it_runs_a_function_in_an_interpreter() -> None:
    program = "with InterpreterThreadPoolExecutor(2) as pool: print(pool.submit(interpreter(sum), [1, 2]).result())"
    assert run(f"{OURS}\n{program}") == 3


def test_the_command_tells_of_the_installation() -> None:
    finished = subprocess.run(
        [str(PYTHON), "-I", "-m", "aiointerpreters", "info"], capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stderr
    assert "aiointerpreters" in finished.stdout


def test_to_import_the_package_loads_one_module() -> None:
    assert modules_of("import aiointerpreters") == {"aiointerpreters"}


def test_the_tag_brings_the_engine_alone() -> None:
    brought = modules_of("from aiointerpreters import interpreter")
    assert brought - ENGINE == {"aiointerpreters", "aiointerpreters._core"}


def test_the_executor_brings_little_more_than_a_thread_pool() -> None:
    beyond = modules_of(OURS) - modules_of(THEIRS)
    assert {name for name in beyond if not name.startswith("aiointerpreters")} - BEYOND == set()
    assert len([name for name in beyond if name.startswith("aiointerpreters")]) <= 12


def test_a_worker_that_runs_a_script_loads_nothing_for_the_executor(tmp_path: Path) -> None:
    """Each worker imports what the script imports. So every module there takes memory in each of them."""
    tag_alone = modules_of_worker(tmp_path, "from aiointerpreters import interpreter")
    assert modules_of_worker(tmp_path, OURS) - tag_alone == {"aiointerpreters._outline"}
    assert {name for name in tag_alone if name.startswith("aiointerpreters")} == {
        "aiointerpreters",
        "aiointerpreters._core",
        "aiointerpreters._script",
    }
    assert tag_alone & {"collections", "contextlib", "functools", "logging", "runpy", "threading", "typing"} == set()


def modules_of_worker(folder: Path, imports: str) -> set[str]:
    """The modules in a worker that has run a script with these imports."""
    script = folder / "script.py"
    script.write_text(
        f"{imports}\n\n"
        "@interpreter\ndef modules():\n    import sys\n    return sorted(sys.modules)\n\n"
        f"if __name__ == '__main__':\n    import json\n    {OURS}\n"
        "    with InterpreterThreadPoolExecutor(1) as pool: print(json.dumps(pool.submit(modules).result()))\n",
        encoding="utf-8",
    )
    finished = subprocess.run([str(PYTHON), "-I", str(script)], capture_output=True, text=True, check=False)
    assert (finished.returncode, finished.stderr) == (0, "")
    return set(json.loads(finished.stdout))


def test_the_import_calls_little_more_than_that_of_a_thread_pool() -> None:
    """The number of calls is the same on a busy machine. On CPython 3.14 ours made 1.28 times as many."""
    assert run(CALLS.format(OURS)) < 1.6 * run(CALLS.format(THEIRS))


def test_the_import_takes_little_more_than_that_of_a_thread_pool() -> None:
    """Processor time, measured in turn, the best of each. On CPython 3.14 ours took 1.3 times as long."""
    ours, theirs = zip(*((run(CPU_TIME.format(OURS)), run(CPU_TIME.format(THEIRS))) for _ in range(15)), strict=True)
    assert min(ours) < 2 * min(theirs)
