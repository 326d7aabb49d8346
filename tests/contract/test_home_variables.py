"""Workers follow home's environment variables, and keep what they have changed themselves."""

import os
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import coroutines, state, work
from support.protocols import MakePool
from support.scripts import run_script

NAME = "AIOINTERPRETERS_TEST_VARIABLE"
OTHER = "AIOINTERPRETERS_TEST_OTHER"

variable = interpreter(state.variable)


@pytest.fixture(autouse=True)
def restore(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Remove the variables at the end of a test, whatever it has done, from the process too."""
    for name in (NAME, OTHER):
        monkeypatch.delenv(name, raising=False)
    yield
    for name in (NAME, OTHER):
        os.environ.pop(name, None)
        os.unsetenv(name)


def test_a_new_worker_has_home_s_variables(make_pool: MakePool) -> None:
    os.environ[NAME] = "before"
    assert make_pool(1).submit(interpreter(state.variables)).result() == dict(os.environ)


def test_a_change_reaches_a_worker_before_its_next_call(pool: InterpreterThreadPoolExecutor) -> None:
    assert pool.submit(variable, NAME).result() is None
    for value in ("one", "two", "", "\udcff", "ü" * 10_000):
        os.environ[NAME] = value
        assert pool.submit(variable, NAME).result() == value
    del os.environ[NAME]
    assert pool.submit(variable, NAME).result() is None


@pytest.mark.parametrize(
    "change",
    [
        lambda: os.environ.update({NAME: "changed"}),
        lambda: os.environ.setdefault(NAME, "changed"),
        lambda: os.environ.__ior__({NAME: "changed"}),
        lambda: os.environb.__setitem__(NAME.encode(), b"changed"),
    ],
    ids=["update", "setdefault", "|=", "environb"],
)
def test_every_way_to_change_them_counts(pool: InterpreterThreadPoolExecutor, change: object) -> None:
    pool.submit(variable, NAME).result()
    assert callable(change)
    change()
    assert pool.submit(variable, NAME).result() == "changed"


def test_an_emptied_environment_is_empty_in_workers(tmp_path: Path) -> None:
    script = """
import os
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import state
with InterpreterThreadPoolExecutor(1) as pool:
    print(pool.submit(interpreter(state.variables)).result() == dict(os.environ))
    kept = dict(os.environ)
    os.environ.clear()
    print(pool.submit(interpreter(state.variables)).result())
    os.environ.update(kept)
    print(pool.submit(interpreter(state.variables)).result() == kept)
"""
    run_script(tmp_path, script).check("True", "{}", "True")


def test_what_a_worker_sets_stays_its_own(make_pool: MakePool) -> None:
    pool = make_pool(1)
    pool.submit(interpreter(state.set_variable), NAME, "the worker's").result()
    assert NAME not in os.environ
    os.environ[OTHER] = "home's"
    assert pool.submit(variable, NAME).result() == "the worker's"
    assert pool.submit(variable, OTHER).result() == "home's"
    assert make_pool(1).submit(variable, NAME).result() is None


def test_a_change_of_home_wins_over_the_worker_s_own_change_of_that_variable(make_pool: MakePool) -> None:
    pool = make_pool(1)
    os.environ[NAME] = os.environ[OTHER] = "one"
    pool.submit(interpreter(state.set_variable), NAME, "the worker's").result()
    pool.submit(interpreter(state.delete_variable), OTHER).result()
    os.environ["PATH"] += ""  # a change that changes nothing
    assert pool.submit(variable, NAME).result() == "the worker's"
    assert pool.submit(variable, OTHER).result() is None
    os.environ[NAME] = "two"
    assert pool.submit(variable, NAME).result() == "two"
    del os.environ[NAME]
    assert pool.submit(variable, NAME).result() is None


def test_workers_of_several_pools_follow(make_pool: MakePool) -> None:
    pools = [make_pool(1) for _ in range(3)]
    for value in ("one", "two"):
        os.environ[NAME] = value
        assert [each.submit(variable, NAME).result() for each in pools] == [value] * 3


def test_coroutine_functions_see_changes_too(pool: InterpreterThreadPoolExecutor) -> None:
    for value in ("one", "two"):
        os.environ[NAME] = value
        called: Any = pool.submit(interpreter(coroutines.call), state.variable, NAME).result()
        assert called == value


def test_the_pool_of_a_worker_hands_changes_on(make_pool: MakePool) -> None:
    pool = make_pool(1)
    for value in ("one", "two"):
        os.environ[NAME] = value
        assert pool.submit(interpreter(state.in_own_pool), state.variable, NAME).result() == value


def test_a_worker_that_has_replaced_os_environ_keeps_its_own(make_pool: MakePool) -> None:
    pool = make_pool(1)
    pool.submit(interpreter(state.replace_environ)).result()
    os.environ[NAME] = "changed"
    assert pool.submit(interpreter(state.variables)).result() == {"ONLY": "here"}


def test_environ_replaced_at_home_before_the_package_looks(tmp_path: Path) -> None:
    script = """
import os
os.environ = {"ONLY": "here"}
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import state
with InterpreterThreadPoolExecutor(1) as pool:
    print("ONLY" in pool.submit(interpreter(state.variables)).result())
"""
    run_script(tmp_path, script).check("False")


def test_no_watcher_of_dicts_is_left(tmp_path: Path) -> None:
    """CPython has eight watchers of dicts. Without one, each submit compares."""
    script = """
import ctypes, os
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import state
watch = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)(lambda *_: 0)
try:
    while True:
        ctypes.pythonapi.PyDict_AddWatcher(watch)
except RuntimeError:
    pass
with InterpreterThreadPoolExecutor(1) as pool:
    for value in ("one", "two"):
        os.environ["SOME"] = value
        print(pool.submit(interpreter(state.variable), "SOME").result())
"""
    run_script(tmp_path, script).check("one", "two")


def test_changes_while_calls_run_do_not_disturb_them(pool: InterpreterThreadPoolExecutor) -> None:
    futures: list[Future[Any]] = []
    for number in range(200):
        os.environ[NAME] = str(number)
        futures.append(pool.submit(variable, NAME))
        futures.append(pool.submit(interpreter(work.square), number))
    # A call sees the variables of its own submit, or later ones.
    for number in range(200):
        assert int(futures[2 * number].result()) >= number
        assert futures[2 * number + 1].result() == number * number
