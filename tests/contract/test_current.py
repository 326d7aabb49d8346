"""`current()`: a call finds out where it runs."""

import asyncio
import pickle
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from aiointerpreters import Current, InterpreterThreadPoolExecutor, current, interpreter
from support import whereabouts
from support.protocols import MakePool
from support.scripts import run_script

HOME = ("home", None, None, None)


def test_code_that_no_executor_runs_is_at_home() -> None:
    assert current() == HOME
    assert current().where == "home"
    assert whereabouts.in_a_new_thread() == HOME


def test_a_tagged_function_is_in_an_interpreter(make_pool: MakePool) -> None:
    pool = make_pool(1, "images")
    found = pool.submit(interpreter(current)).result()
    assert found[:3] == ("interpreter", "images", "images_0")
    assert found.interpreter == pool.submit(interpreter(whereabouts.interpreter_id)).result()
    assert found.interpreter != 0


def test_an_untagged_function_is_in_a_thread(make_pool: MakePool) -> None:
    found = make_pool(1, "images").submit(current).result()
    assert (found.where, found.executor, found.worker, found.interpreter) == ("thread", "images", "images_0", None)


def test_a_tag_that_is_called_directly_is_where_its_caller_is(make_pool: MakePool) -> None:
    tagged = interpreter(current)
    assert tagged() == HOME
    pool = make_pool(1)
    assert pool.submit(lambda: [tagged()]).result()[0].where == "thread"
    assert pool.submit(interpreter(lambda: tagged())).result().where == "interpreter"


def test_an_executor_without_a_prefix_has_the_name_that_its_threads_show(make_pool: MakePool) -> None:
    pool = make_pool(1)
    found = pool.submit(lambda: (current(), threading.current_thread().name)).result()
    assert found[0].worker == found[1]
    assert f"{found[0].executor}_0" == found[1]


@pytest.mark.parametrize("prefix", ["with_numbers_1", "ünicode \udcff", "_"])
def test_any_prefix_comes_back(make_pool: MakePool, prefix: str) -> None:
    pool = make_pool(1, prefix)
    assert pool.submit(current).result().executor == prefix
    assert pool.submit(interpreter(current)).result().executor == prefix


def test_threads_and_coroutines_of_a_task_are_in_its_interpreter(make_pool: MakePool) -> None:
    pool = make_pool(1, "images")
    found = pool.submit(interpreter(current)).result()
    assert pool.submit(interpreter(whereabouts.in_a_new_thread)).result() == found
    in_a_coroutine: Any = whereabouts.in_a_coroutine
    assert pool.submit(interpreter(in_a_coroutine)).result() == found


def test_initializers_know_it(make_pool: MakePool) -> None:
    pool = make_pool(1, "tagged", interpreter(whereabouts.note))
    assert pool.submit(interpreter(whereabouts.noted)).result() == pool.submit(interpreter(current)).result()
    found: list[Current] = []
    pool = make_pool(1, "untagged", lambda: found.append(current()))
    assert pool.submit(current).result() == found[0] == ("thread", "untagged", "untagged_0", None)


def test_callbacks_of_a_future_know_it(make_pool: MakePool) -> None:
    pool = make_pool(1, "images")
    gone = threading.Event()
    found: list[Current] = []
    future = pool.submit(gone.wait)
    future.add_done_callback(lambda _: found.append(current()))
    gone.set()
    pool.shutdown()
    assert found == [("thread", "images", "images_0", None)]


@pytest.mark.parametrize("prefix", ["inner", "outer"])
def test_a_pool_in_a_worker_is_told_from_the_pool_around_it(make_pool: MakePool, prefix: str) -> None:
    around, thread, inside = make_pool(1, "outer").submit(interpreter(whereabouts.in_own_pool), prefix).result()
    assert around[:3] == ("interpreter", "outer", "outer_0")
    assert thread == ("thread", prefix, f"{prefix}_0", around.interpreter)
    assert inside[:3] == ("interpreter", prefix, f"{prefix}_0")
    assert inside.interpreter != around.interpreter


def test_asyncio_s_calls_know_it() -> None:
    async def main() -> list[Current]:
        with InterpreterThreadPoolExecutor(1, "loop") as pool:
            pool.set_as_event_loop_default()
            return [current(), await asyncio.to_thread(current), await pool.run(current)]

    home, thread, inside = asyncio.run(main())
    assert home == HOME
    assert thread[:3] == ("thread", "loop", "loop_0")
    assert inside[:3] == ("interpreter", "loop", "loop_0")


def test_it_is_a_plain_value() -> None:
    found = current()
    assert repr(found) == "aiointerpreters.Current(where='home', executor=None, worker=None, interpreter=None)"
    assert pickle.loads(pickle.dumps(found)) == found
    assert isinstance(found, Current)
    with pytest.raises(AttributeError):
        found.where = "thread"  # type: ignore[misc]
    with pytest.raises(TypeError):
        current(1)  # type: ignore[call-arg]


def test_a_thread_of_another_executor_is_at_home() -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(current).result() == HOME


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_a_call_that_forks_is_still_in_its_thread_in_the_child(tmp_path: Path) -> None:
    source = """
        import os
        from aiointerpreters import InterpreterThreadPoolExecutor, current

        def fork():
            pid = os.fork()
            if pid == 0:
                print(*current(), flush=True)
                os._exit(0)
            os.waitpid(pid, 0)

        with InterpreterThreadPoolExecutor(1, "forks") as pool:
            pool.submit(fork).result()
    """
    run_script(tmp_path, source, options=["-W", "ignore"]).check("thread forks forks_0 None")


def test_asking_in_a_worker_imports_nothing(make_pool: MakePool) -> None:
    loaded = make_pool(1).submit(interpreter(_modules_after_asking)).result()
    assert loaded == set()


def _modules_after_asking() -> set[str]:
    before = set(sys.modules)
    current()
    return set(sys.modules) - before
