"""Threads of extension modules call the interpreter of their private copy. Pending calls run in that interpreter."""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import built, foreign_threads, imports, scripts
from support.gate import Gate

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has private copies so far")

IN_TWO = 2
OFTEN = 50


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of extension modules on home's path. Workers follow this path."""
    folder = tmp_path_factory.mktemp("modules")
    built.make_modules(folder, "foreign", "allocating")
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))


@pytest.fixture
def pool(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InterpreterThreadPoolExecutor]:
    """Two interpreters, whose copies are in a folder of the test's own."""
    monkeypatch.setenv("AIOINTERPRETERS_CACHE", str(tmp_path / "cache"))
    with InterpreterThreadPoolExecutor(IN_TWO, extensions="private") as pool:
        yield pool


@pytest.mark.parametrize("forgets", [False, True], ids=["releasing", "forgetting"])
@pytest.mark.parametrize("nested", [False, True], ids=["once", "nested"])
def test_a_foreign_thread_calls_the_interpreter_of_the_copy(
    pool: InterpreterThreadPoolExecutor, gate: Gate, forgets: bool, nested: bool
) -> None:
    call = interpreter(imports.arrive_and_call)
    futures = [pool.submit(call, gate.ends, foreign_threads.call_in_threads, OFTEN, forgets, nested) for _ in range(IN_TWO)]
    gate.wait_for(IN_TWO)
    gate.open_wide()
    results = [future.result() for future in futures]
    assert len({own for own, _, _ in results}) == IN_TWO
    assert [(seen, count) for _, seen, count in results] == [({own}, OFTEN * (3 if nested else 1)) for own, _, _ in results]


def test_a_thread_with_a_state_of_its_own_making_calls_the_interpreter_of_the_copy(
    pool: InterpreterThreadPoolExecutor,
) -> None:
    own, seen, count = pool.submit(interpreter(foreign_threads.call_with_own_states), OFTEN).result()
    assert (seen, count) == ({own}, OFTEN)


@pytest.mark.skipif("_ctypes" in sys.builtin_module_names, reason="ctypes is built into this Python")
def test_ctypes_calls_back_into_its_interpreter(pool: InterpreterThreadPoolExecutor) -> None:
    own, seen, count = pool.submit(interpreter(foreign_threads.call_by_ctypes), OFTEN).result()
    assert (seen, count) == ({own}, OFTEN)


def test_threads_of_python_keep_their_state(pool: InterpreterThreadPoolExecutor) -> None:
    assert pool.submit(interpreter(foreign_threads.come_detached)).result()


def test_pending_calls_are_called_in_the_interpreter_of_the_copy(pool: InterpreterThreadPoolExecutor, gate: Gate) -> None:
    call = interpreter(imports.arrive_and_call)
    futures = [pool.submit(call, gate.ends, foreign_threads.call_soon, OFTEN) for _ in range(IN_TWO)]
    gate.wait_for(IN_TWO)
    gate.open_wide()
    for future in futures:
        own, seen, count = future.result()
        assert (seen, count) == ({own}, OFTEN)


def test_a_pending_call_is_called_before_the_interpreter_ends(pool: InterpreterThreadPoolExecutor) -> None:
    reader, writer = os.pipe()
    pool.submit(interpreter(foreign_threads.leave_pending), writer).result()
    pool.shutdown()
    os.close(writer)
    assert os.read(reader, 9) == b"x"
    os.close(reader)


def test_a_copy_takes_its_interpreter_for_the_main_one(pool: InterpreterThreadPoolExecutor) -> None:
    own, main = pool.submit(interpreter(foreign_threads.main_interpreter)).result()
    assert own == main != 0


def test_constructors_find_the_interpreter_of_the_copy(pool: InterpreterThreadPoolExecutor, gate: Gate) -> None:
    call = interpreter(imports.arrive_and_call)
    futures = [pool.submit(call, gate.ends, foreign_threads.constructed_in) for _ in range(IN_TWO)]
    gate.wait_for(IN_TWO)
    gate.open_wide()
    found = {future.result() for future in futures}
    assert len(found) == IN_TWO
    assert all(own == seen for own, seen in found)


def test_home_keeps_to_the_main_interpreter(folder: Path) -> None:
    assert foreign_threads.call_in_threads(1) == (0, {0}, 1)
    assert foreign_threads.main_interpreter() == (0, 0)


NOT_LEFT = (
    "a worker's interpreter is about to end, but a thread of an extension module is still in it (it has not called "
    "PyGILState_Release): Python code that this thread runs is stopped"
)
STAYS = r"a worker's interpreter stays in memory, because threads that tasks have left there do not end: thread \d+"

HEAD = """
import _interpreters, atexit, ctypes, os, sys, threading
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import foreign_threads, work

def interpreters():
    "How many there are in this process."
    return len(_interpreters.list_all())
"""


def run(folder: Path, tmp_path: Path, source: str) -> scripts.Finished:
    """Run a program that finds the extension."""
    path = os.pathsep.join([str(folder), scripts.environment()["PYTHONPATH"]])
    env = scripts.environment(PYTHONPATH=path, AIOINTERPRETERS_CACHE=str(tmp_path / "cache"))
    return scripts.run_script(tmp_path, HEAD + source, env=env)


@pytest.mark.slow
@pytest.mark.parametrize("has_own_state", [False, True], ids=["ensured", "state_of_its_own"])
def test_an_interpreter_is_left_behind_where_a_thread_stays_and_ends_when_it_has_left(
    folder: Path, tmp_path: Path, has_own_state: bool
) -> None:
    finished = run(
        folder,
        tmp_path,
        f"""
if __name__ == "__main__":
    told, tell = os.pipe()
    waited_for, wait_for = os.pipe()
    with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
        pool.submit(interpreter(foreign_threads.leave_thread_inside), tell, waited_for, {has_own_state}).result()
    print(interpreters())
    os.write(wait_for, b"x")
    while interpreters() > 1:  # the thread may need a moment
        with InterpreterThreadPoolExecutor(1) as pool:
            pool.submit(interpreter(work.nothing)).result()
    print(interpreters())
""",
    )
    assert (finished.code, finished.lines) == (0, ["2", "1"])
    assert re.fullmatch(f"{re.escape(NOT_LEFT)}\n{STAYS}\n", finished.stderr)


@pytest.mark.slow
def test_python_code_of_a_thread_that_stays_is_stopped_and_the_interpreter_ends(folder: Path, tmp_path: Path) -> None:
    finished = run(
        folder,
        tmp_path,
        """
if __name__ == "__main__":
    entered, enter = os.pipe()
    with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
        pool.submit(interpreter(foreign_threads.stay_busy), enter).result()
        os.read(entered, 1)
    print(interpreters())
""",
    )
    assert (finished.code, finished.lines, finished.stderr) == (0, ["1"], f"{NOT_LEFT}\n")


EXITS = {
    "ended": "with make() as pool:\n    use()\nsys.exit(3)",
    "dropped": "pool = make()\nuse()\ndel pool\nsys.exit(3)",
    "alive": "pool = make()\nuse()\nsys.exit(3)",
    "raised": "pool = make()\nuse()\nsys.excepthook = lambda *error: None\nraise RuntimeError",
}


@pytest.mark.parametrize("has_own_state", [False, True], ids=["ensured", "state_of_its_own"])
@pytest.mark.parametrize("place", ["handler", "destructor"])
@pytest.mark.parametrize("how", EXITS)
def test_who_comes_from_an_exit_handler_after_the_end_lets_the_process_end(
    folder: Path, tmp_path: Path, how: str, place: str, has_own_state: bool
) -> None:
    finished = run(
        folder,
        tmp_path,
        f"""
def make():
    return InterpreterThreadPoolExecutor(1, extensions="private")

def use():
    pool.submit(interpreter(foreign_threads.come_at_exit), {place == "destructor"}, {has_own_state}).result()

atexit.register(print, "at exit", flush=True)
{EXITS[how]}
""",
    )
    assert (finished.lines, finished.stderr) == (["at exit", "handler", "handler"], "")
    assert finished.code == (1 if how == "raised" else 3)


def test_so_it_does_where_c_ends_the_process(folder: Path, tmp_path: Path) -> None:
    """Handlers that are registered after the extension was loaded are not known then."""
    finished = run(
        folder,
        tmp_path,
        """
with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
    pool.submit(interpreter(foreign_threads.come_at_exit), True, False).result()
ctypes.CDLL(None).exit(4)
""",
    )
    assert (finished.code, finished.lines, finished.stderr) == (4, ["handler", "handler"], "")


def test_a_thread_that_asks_is_told_that_the_interpreter_has_ended(folder: Path, tmp_path: Path) -> None:
    run(
        folder,
        tmp_path,
        """
if __name__ == "__main__":
    asked, ask = os.pipe()
    answered, answer = os.pipe()
    with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
        print(pool.submit(interpreter(foreign_threads.ask_later), asked, answer).result())
        os.write(ask, b"?")
        print(os.read(answered, 1))
    os.write(ask, b"?")
    print(os.read(answered, 1))
""",
    ).check("1", "b'1'", "b'2'")


def test_a_thread_that_comes_after_the_end_does_no_harm(folder: Path, tmp_path: Path) -> None:
    run(
        folder,
        tmp_path,
        """
if __name__ == "__main__":
    told, tell = os.pipe()
    waited_for, wait_for = os.pipe()
    for _ in range(3):
        with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
            pool.submit(interpreter(foreign_threads.leave_thread), waited_for, tell).result()
    os.write(wait_for, b"x" * 6)
    with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
        print(pool.submit(interpreter(foreign_threads.call_in_threads), 1).result()[2])
    os.close(tell)
    print(os.read(told, 9))
""",
    ).check("1", "b''")


def test_what_is_known_as_unsound_is_refused_with_the_reason(
    pool: InterpreterThreadPoolExecutor, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = pool.submit(interpreter(imports.describe), "allocating").exception()
    assert isinstance(error, ImportError)
    assert "it replaces the memory allocators of the whole process" in str(error)
    assert str(folder) in str(error)
    assert "AIOINTERPRETERS_EXTENSIONS_TRUSTED=allocating" in str(error)
    monkeypatch.setenv("AIOINTERPRETERS_EXTENSIONS_TRUSTED", "other, allocating")
    with InterpreterThreadPoolExecutor(1, extensions="private") as trusting:
        assert trusting.submit(interpreter(imports.describe), "allocating").result()[0] == "allocating"
