"""`python -m aiointerpreters compare`: its measurements, its lines for pools that cannot run a function, and its end."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.scripts import TIMEOUT, Finished, environment, run_python

FUNCTIONS = '''
"""Functions that are measured."""
import multiprocessing, os, random, signal, sys, threading
from concurrent.futures import ThreadPoolExecutor
from aiointerpreters import interpreter

def total(limit, step=1):
    print("not to be seen")
    return sum(range(0, limit, step))

@interpreter
def tagged(limit):
    return sum(range(limit))

class Shapes:
    @staticmethod
    def area(side):
        return side * side

def make_scale(factor):
    def scale(number):
        return factor * number
    return scale

twice = make_scale(2)

def at_random():
    return random.random()

def where():
    return os.getpid()

def pairs():
    yield 1, 2
    yield 3, 4

def singles():
    return [10, 20]

def nothing():
    return []

def number():
    return 7

def fails():
    raise ValueError("no luck")

def dies_elsewhere():
    if threading.current_thread() is not threading.main_thread():
        os.kill(os.getpid(), signal.SIGKILL)

def dies_by_a_signal_elsewhere():
    if threading.current_thread() is not threading.main_thread():
        os.kill(os.getpid(), 40)

def changes_its_argument(numbers):
    numbers.append(1)
    return sum(numbers)

def hangs_in_a_process(pipe):
    if multiprocessing.parent_process() is not None:
        told = open(pipe, "w")
        told.write("here\\n")
        told.flush()
        while True:
            pass

def make_pool(workers):
    return ThreadPoolExecutor(workers)

async def coroutine_function():
    pass

def generator_function():
    yield

def returns_a_generator():
    return (number * number for number in range(10))

def returns_a_map():
    return map(str, range(10))

def returns_a_coroutine():
    return coroutine_function()

def says_much():
    for line in range(3000):
        print("x" * 1000, file=sys.stderr)

def says_much_and_ends_the_program():
    says_much()
    if threading.current_thread() is not threading.main_thread():
        print("the end", file=sys.stderr, flush=True)
        os._exit(3)

a_value = 7
'''
NO_GENERATOR = "A generator cannot be returned from an interpreter or a process. Return a list"
FOUND = {"calls_per_second", "speed_up", "loop_delay_p99_seconds"}


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder for temporary files. Before CPython 3.14, sockets of multiprocessing need it to have a short path."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


def open_once_ended(command: "subprocess.Popen[str]", pipe: Path) -> None:
    """Once the command has ended, open the pipe, so that the test does not wait for a writer that will not come."""
    command.wait()
    with contextlib.suppress(OSError):
        os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the functions."""
    (tmp_path / "functions.py").write_text(FUNCTIONS, encoding="utf-8")
    return tmp_path


def compare(folder: Path, *arguments: str) -> Finished:
    """Run the command in that folder, one round."""
    return run_python("-m", "aiointerpreters", "compare", *arguments, "--rounds", "1", cwd=folder)


def measured(folder: Path, *arguments: str) -> dict[str, Any]:
    """Run it with --json and return the result, with the pools by name."""
    finished = compare(folder, *arguments, "--json")
    assert finished.code == 0, finished.stderr
    report: dict[str, Any] = json.loads(finished.stdout)
    return report | {"by_name": {pool["name"]: pool for pool in report["pools"]}}


def test_a_function_is_measured_in_every_pool_and_one_way_is_recommended(folder: Path) -> None:
    finished = compare(folder, "functions:total", "--args", "[2000]")
    assert finished.code == 0, finished.stderr
    assert finished.lines[0].startswith("functions:total(2000): one call takes ")
    assert "not to be seen" not in finished.stdout
    titles = ["plain loop", "ThreadPoolExecutor", "aiointerpreters", "ProcessPoolExecutor"]
    titles += ["InterpreterPoolExecutor"] if sys.version_info >= (3, 14) else []
    for title in titles:
        (line,) = [line for line in finished.lines if line.startswith(f"{title}  ")]
        assert "cannot" not in line
        assert line.endswith("-" if title == "plain loop" else "equal")
    assert any(line.startswith("Use ") for line in finished.lines)
    assert "round 1 of 1: aiointerpreters" in finished.stderr


def test_json_has_all_that_was_measured(folder: Path) -> None:
    names = ["serial", "threads", "interpreters"]
    options = ("--kwargs", '{"step": 2, "limit": 5000}', "--pools", ",".join(names), "--workers", "3", "--calls", "6")
    report = measured(folder, "functions.py:total", *options)
    assert report["target"] == "functions.py:total(step=2, limit=5000)"
    assert (report["workers"], report["arguments"]["calls"]) == (3, 6)
    assert report["call_seconds"] > 0
    assert 0 <= report["call_busy_share"] <= 1
    assert list(report["by_name"]) == names
    for name, pool in report["by_name"].items():
        assert pool["problem"] is None
        assert all(pool[key] > 0 for key in FOUND - {"loop_delay_p99_seconds"})
        assert pool["loop_delay_p99_seconds"] >= 0
        assert pool["rounds"]["calls"] == 6
        assert len(pool["rounds"]["calls_per_second"]) == len(pool["rounds"]["loop_delay_p99_seconds"]) == 1
        if name != "serial":
            assert pool["first_result_seconds"] > 0
            assert pool["memory_per_worker_bytes"] >= 0
            assert pool["added_seconds_per_call"] >= 0
            assert pool["results"] == "equal"
    assert report["by_name"]["serial"]["speed_up"] == 1.0
    assert report["verdict"]["use"] in names
    assert report["verdict"]["reasons"]
    assert set(report["other_load"]) >= {"other_programs_cpu_seconds", "remarks"}


@pytest.mark.parametrize("target", ["functions:tagged", "functions.py:tagged", "functions:Shapes.area"])
def test_tagged_functions_and_methods_are_found_by_child_processes_too(folder: Path, target: str) -> None:
    report = measured(folder, target, "--args", "(7,)", "--pools", "interpreters,processes", "--calls", "4")
    assert [pool["results"] for pool in report["pools"]] == ["equal", "equal"]


def test_a_file_in_a_package_is_imported_as_part_of_it(folder: Path) -> None:
    (folder / "app").mkdir()
    (folder / "app" / "__init__.py").write_text("", encoding="utf-8")
    (folder / "functions.py").rename(folder / "app" / "functions.py")
    (folder / "app" / "work.py").write_text("from .functions import total\ndef job(): return total(100)\n", encoding="utf-8")
    (folder / "elsewhere").mkdir()
    report = measured(folder / "elsewhere", "../app/work.py:job", "--pools", "interpreters,processes", "--calls", "4")
    assert [pool["results"] for pool in report["pools"]] == ["equal", "equal"]


@pytest.mark.parametrize(("function", "inputs"), [("pow", "pairs"), ("Shapes.area", "singles")])
def test_arguments_come_from_a_function(folder: Path, function: str, inputs: str) -> None:
    target = "builtins:pow" if function == "pow" else f"functions:{function}"
    report = measured(folder, target, "--inputs", f"functions:{inputs}", "--pools", "threads,interpreters")
    assert report["target"] == f"{target}(*functions:{inputs})"
    assert [pool["rounds"]["calls"] % 2 for pool in report["pools"]] == [0, 0]


def test_a_closure_is_measured_where_it_can_be_sent_and_the_others_say_why_not(folder: Path) -> None:
    report = measured(folder, "functions:twice", "--args", "[21]", "--pools", "threads,interpreters,processes")
    assert report["by_name"]["threads"]["problem"] is None
    assert report["by_name"]["interpreters"]["results"] == "equal"
    problem = report["by_name"]["processes"]["problem"]
    assert problem.startswith("the function, an argument or the result cannot be pickled (")


def test_results_that_differ_by_themselves_are_not_compared_and_others_are(folder: Path) -> None:
    pools = ("--pools", "threads,interpreters,processes", "--calls", "4")
    report = measured(folder, "functions:at_random", *pools)
    assert [pool["results"] for pool in report["pools"]] == ["not comparable"] * 3
    report = measured(folder, "functions:where", *pools)
    assert [pool["results"] for pool in report["pools"]] == ["equal", "equal", "different"]
    assert any("ProcessPoolExecutor gave a different result" in remark for remark in report["verdict"]["remarks"])


def test_a_crash_in_one_pool_does_not_end_the_run(folder: Path) -> None:
    report = measured(folder, "functions:dies_elsewhere", "--pools", "threads,processes", "--calls", "4")
    assert report["by_name"]["threads"]["problem"] == "it killed the whole program (SIGKILL)"
    assert report["by_name"]["processes"]["problem"] is None


def test_an_executor_of_the_users_own_is_compared(folder: Path) -> None:
    report = measured(folder, "functions:total", "--args", "[9]", "--pools", "functions:make_pool", "--calls", "4")
    assert report["by_name"]["functions:make_pool"]["results"] == "equal"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["functions"], "'functions' is not of the form module:function or path/to/file.py:function"),
        (["functions:total()"], "is not of the form"),
        (["..functions:total"], "'..functions' is not the name of a module"),
        (["nowhere/functions.py:total"], "there is no file nowhere/functions.py"),
        (["sub/types.py:total"], "rename types: a module of the standard library has this name"),
        (["sub/a.b.py:total"], "a.b.py cannot be imported: its name contains a dot"),
        (["functions:total", "--args", "7"], "--args must be a list of the arguments, such as '[7]', not '7'"),
        (["functions:total", "--args", "[7"], "--args: '[7' is neither a Python literal nor JSON"),
        (["functions:total", "--kwargs", "[7]"], "--kwargs must be a dict"),
        (["functions:total", "--args", "[7]", "--inputs", "functions:pairs"], "--inputs and --args cannot be used together"),
        (["functions:total", "--inputs", "pairs"], "'pairs' is not of the form"),
        (["functions:total", "--pools", "threads,nonsense"], "there is no pool 'nonsense'"),
        (["functions:total", "--pools", ","], "--pools needs at least one name"),
        (["functions:total", "--workers", "0"], "argument --workers: must be a whole number from 1 to 1000000, not '0'"),
        (["functions:total", "--calls", "1.5"], "argument --calls: must be a whole number from 1 to 1000000, not '1.5'"),
        (["functions:total", "--calls", "1" + "0" * 20], "argument --calls: must be a whole number from 1 to 1000000, not"),
        (["functions:total", "--workers", "many"], "must be a whole number from 1 to 1000000, not 'many'"),
        (["functions:total", "--extensions", "some"], "invalid choice: 'some'"),
        ([], "the following arguments are required: target"),
    ],
)
def test_bad_input_is_told_before_anything_starts(folder: Path, arguments: list[str], said: str) -> None:
    (folder / "sub").mkdir()
    for name in ("types.py", "a.b.py"):
        (folder / "sub" / name).write_text("", encoding="utf-8")
    finished = compare(folder, *arguments)
    assert (finished.code, finished.stdout) == (2, "")
    assert said in finished.lines_of_errors[-1]
    assert "calling the function" not in finished.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["functions:missing"], "module 'functions' has no 'missing'"),
        (["missing:total"], "there is no module 'missing'"),
        (["functions:a_value"], "functions:a_value is not a function, but an int"),
        (["functions:coroutine_function"], "coroutine_function is an async function; compare measures plain functions"),
        (["functions:generator_function"], f"generator_function is a generator function. {NO_GENERATOR}"),
        (["functions:returns_a_generator"], f"returns_a_generator returned a generator. {NO_GENERATOR}"),
        (["functions:returns_a_map"], f"returns_a_map returned a map. {NO_GENERATOR}"),
        (["functions:returns_a_coroutine"], "returns_a_coroutine returned a coroutine; compare measures plain functions"),
        (["functions:total", "--inputs", "functions:nothing"], "functions:nothing returned no arguments"),
        (["functions:total", "--inputs", "functions:number"], "functions:number returned an int, but it must return"),
        (["broken:total"], "ZeroDivisionError: division by zero"),
        (["functions:changes_its_argument", "--args", "[[1]]"], "the function changes its arguments, so the calls would"),
        (["functions:total"], "TypeError: total() missing 1 required positional argument: 'limit'"),
        (["functions:fails"], "ValueError: no luck"),
        (["sub/numpy.py:total"], "rename the file: another module is also named 'numpy' ("),
    ],
)
def test_a_function_that_cannot_be_called_is_told_at_once(folder: Path, arguments: list[str], said: str) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "numpy.py").write_text("", encoding="utf-8")
    (folder / "numpy.py").write_text("", encoding="utf-8")
    (folder / "broken.py").write_text("1 / 0\n", encoding="utf-8")
    finished = compare(folder, *arguments)
    assert (finished.code, finished.stdout) == (2, "")
    assert said in finished.lines_of_errors[-1]
    assert "starting" not in finished.stderr
    was_called = said.startswith(("TypeError", "ValueError", "returns_", "the function changes"))
    assert ("calling the function" in finished.stderr) is was_called
    assert "_compare" not in finished.stderr, "frames of this package"
    assert "importlib" not in finished.stderr, "frames of importlib"
    assert ("the call failed" in finished.stderr) == (said.startswith(("TypeError", "ValueError")))


def test_a_reader_that_has_gone_ends_the_command_without_a_traceback(folder: Path) -> None:
    command = [sys.executable, "-m", "aiointerpreters", "compare", "functions:where", "--pools", "threads", "--rounds", "1"]
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "wb") as stdout:
        finished = subprocess.run(
            command,
            cwd=folder,
            env=environment(),
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
    assert finished.returncode == 1
    assert "Traceback" not in finished.stderr
    assert "BrokenPipe" not in finished.stderr


def test_a_signal_without_a_name_ends_its_pool_alone(folder: Path) -> None:
    report = measured(folder, "functions:dies_by_a_signal_elsewhere", "--pools", "serial,threads")
    assert "signal 40" in report["by_name"]["threads"]["problem"]
    assert report["by_name"]["serial"]["problem"] is None


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -9), (signal.SIGTERM, -15), (signal.SIGHUP, -1)]
)
def test_the_end_of_the_command_ends_all_that_it_has_started(
    folder: Path, short_folder: Path, number: signal.Signals, code: int
) -> None:
    if signal.getsignal(number) is signal.SIG_IGN:
        pytest.skip("these tests run under nohup, so the command ignores this signal")
    pipe = folder / "pipe"
    os.mkfifo(pipe)
    arguments = ["functions:hangs_in_a_process", "--args", repr([str(pipe)]), "--pools", "processes", "--workers", "1"]
    command = subprocess.Popen(
        [sys.executable, "-m", "aiointerpreters", "compare", *arguments],
        cwd=folder,
        env=environment(TMPDIR=str(short_folder)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    threading.Thread(target=open_once_ended, args=(command, pipe), daemon=True).start()
    with command, open(pipe, encoding="utf-8") as worker:
        assert worker.readline() == "here\n", command.communicate()
        command.send_signal(number)
        stdout, stderr = command.communicate(timeout=TIMEOUT)
        assert worker.read() == "", "the worker lives on"
    assert (command.returncode, stdout) == (code, "")
    if number == signal.SIGINT:
        assert stderr.splitlines()[-1] == "stopped"
    if number != signal.SIGKILL:
        assert "Traceback" not in stderr
        assert not list(short_folder.iterdir()), "its folder is still there"


def test_ctrl_c_while_modules_are_imported_ends_the_command_without_a_traceback() -> None:
    source = """
import runpy, sys

class PressedAt:
    def find_spec(self, name, path=None, target=None):
        if name == where:
            raise KeyboardInterrupt

where = sys.argv[1]
sys.argv[1:] = ["compare", "builtins:len"]
sys.meta_path.insert(0, PressedAt())
runpy.run_module("aiointerpreters", run_name="__main__", alter_sys=True)
"""
    for where in ("aiointerpreters._commands", "aiointerpreters._core", "aiointerpreters._compare.command"):
        run_python("-c", source, where).check(code=130)


def test_what_a_function_writes_to_stderr_does_not_fill_the_disk(folder: Path) -> None:
    limited = (
        "import resource, runpy\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))\n"
        "runpy.run_module('aiointerpreters', run_name='__main__', alter_sys=True)\n"
    )
    options = ("--pools", "threads", "--rounds", "1", "--calls", "2", "--json")
    finished = run_python("-c", limited, "compare", "functions:says_much", *options, cwd=folder)
    assert finished.code == 0, finished.stderr
    assert [pool["problem"] for pool in json.loads(finished.stdout)["pools"]] == [None]


def test_the_last_line_of_a_program_that_has_died_is_shown(folder: Path) -> None:
    report = measured(folder, "functions:says_much_and_ends_the_program", "--pools", "threads", "--calls", "2")
    assert report["by_name"]["threads"]["problem"] == "it ended the whole program (exit status 3): the end"


def test_nothing_but_the_command_loads_it() -> None:
    finished = run_python(
        "-c",
        "import sys\n"
        "from aiointerpreters import InterpreterThreadPoolExecutor, Runner, interpreter\n"
        "with InterpreterThreadPoolExecutor(1) as pool:\n"
        "    names = pool.submit(interpreter(lambda: set(__import__('sys').modules))).result() | set(sys.modules)\n"
        "print(sorted(name for name in names if 'compare' in name or 'other_load' in name))\n",
    )
    finished.check("[]")
