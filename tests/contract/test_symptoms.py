"""Former bugs, each under the name of its symptom."""

import contextlib
import functools
import gc
import inspect
import os
import sys
import threading
import types
import weakref
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, NotTransferableError, _core, interpreter
from support import failures, work
from support.protocols import MakePool
from support.scripts import run_script

HEAD = "from aiointerpreters import InterpreterThreadPoolExecutor, interpreter\nfrom support import work\n"


@pytest.mark.parametrize("fn", [interpreter(partial(pow, 2)), partial(interpreter(pow), 2)], ids=["inside", "around"])
def test_chunks_of_a_partial_crashed(pool: InterpreterThreadPoolExecutor, fn: Any) -> None:
    assert list(pool.map(fn, [1, 2, 3], chunksize=2)) == [2, 4, 8]


@pytest.mark.skipif(sys.version_info < (3, 14), reason="functools.Placeholder is new in 3.14")
def test_placeholders_of_a_partial_crossed_as_arguments(pool: InterpreterThreadPoolExecutor) -> None:
    hole: Any = functools.Placeholder
    for fn in (interpreter(partial(divmod, hole, 2)), partial(interpreter(divmod), hole, 2)):
        assert pool.submit(fn, 9).result() == (4, 1)
        with pytest.raises(TypeError, match="missing positional arguments"):
            pool.submit(fn)


def test_a_partial_that_holds_itself_hung_submit(pool: InterpreterThreadPoolExecutor) -> None:
    endless: Any = partial(len)
    endless.__setstate__((endless, (), {}, {}))
    with pytest.raises(RecursionError):
        pool.submit(endless)
    endless.__setstate__((len, (), {}, {}))


def walk_all_lists(number: int) -> int:
    for candidate in gc.get_objects():
        if type(candidate) is list:
            list(candidate)
    return number


def test_a_chunk_that_walks_the_heap_crashed(pool: InterpreterThreadPoolExecutor) -> None:
    assert list(pool.map(interpreter(walk_all_lists), range(3), chunksize=3)) == [0, 1, 2]


def test_a_huge_chunksize_took_that_much_memory(pool: InterpreterThreadPoolExecutor) -> None:
    assert list(pool.map(interpreter(abs), range(3), chunksize=10**30, buffersize=10**30)) == [0, 1, 2]


def test_the_native_members_of_a_future_could_be_deleted(pool: InterpreterThreadPoolExecutor) -> None:
    future = pool.submit(len, "abc")
    assert [name for name in dir(future) if name.startswith("_native")] == []
    assert future.result() == 3


class SubmitsItself:
    """While it is pickled, it is submitted again, as often as recursion allows."""

    def __init__(self, pool: InterpreterThreadPoolExecutor) -> None:
        self.pool = pool

    def __reduce__(self) -> Any:
        return (self.pool.submit(interpreter(len), self), ())  # type: ignore[arg-type]


def test_an_object_that_submits_itself_never_ended(pool: InterpreterThreadPoolExecutor) -> None:
    limit = sys.getrecursionlimit()
    depth = len(inspect.stack())
    sys.setrecursionlimit(depth + 60)
    try:
        future = pool.submit(interpreter(len), SubmitsItself(pool))  # type: ignore[arg-type]
    finally:
        sys.setrecursionlimit(limit)
    assert isinstance(future.exception(), NotTransferableError)


def test_large_closures_were_kept_after_their_calls(make_pool: MakePool) -> None:
    pool = make_pool(1)

    def submit() -> weakref.ref[types.FunctionType]:
        content = bytes(2_000_000)

        def closure() -> int:
            return len(content)

        assert pool.submit(interpreter(closure)).result() == 2_000_000
        assert isinstance(closure, types.FunctionType)
        return weakref.ref(closure)

    for _ in range(3):
        reference = submit()
        gc.collect()
        assert reference() is None
    assert pool.submit(interpreter(work.count_functions), "closure").result() <= 1


def submit_until_refused(pool: InterpreterThreadPoolExecutor, futures: list[Any], begin: threading.Barrier) -> None:
    begin.wait()
    with contextlib.suppress(RuntimeError):
        while True:
            futures.append(pool.submit(len, "abc"))


def test_shutdown_returned_before_accepted_tasks_had_run() -> None:
    for _ in range(20):
        pool = InterpreterThreadPoolExecutor(4)
        futures: list[Any] = []
        begin = threading.Barrier(5)

        threads = [threading.Thread(target=submit_until_refused, args=(pool, futures, begin)) for _ in range(4)]
        for thread in threads:
            thread.start()
        begin.wait()
        pool.shutdown()
        accepted = list(futures)
        for thread in threads:
            thread.join()
        assert all(future.done() for future in accepted)


@pytest.mark.parametrize("tag", ["interpreter", ""], ids=["tagged", "untagged"])
@pytest.mark.parametrize("used", [True, False], ids=["used", "unused"])
def test_submitting_at_exit_crashed(tmp_path: Path, tag: str, used: bool) -> None:
    script = f"""
import atexit
pool = InterpreterThreadPoolExecutor(2)
if {used}:
    pool.submit({tag}(len), "abc").result()

@atexit.register
def late():
    for executor in (pool, InterpreterThreadPoolExecutor(1)):
        try:
            executor.submit({tag}(len), "abc")
        except RuntimeError as error:
            print(error)
"""
    run_script(tmp_path, HEAD + script).check(*["cannot schedule new futures after interpreter shutdown"] * 2)


def test_main_was_not_found_from_a_pool_inside_a_worker(tmp_path: Path) -> None:
    script = """
from dataclasses import dataclass

@dataclass
class Point:
    x: int

@interpreter
def leaf(point):
    return Point(point.x * 2)

def inner(x):
    with InterpreterThreadPoolExecutor(1) as pool:
        return pool.submit(leaf, Point(x)).result()

if __name__ == "__main__":
    with InterpreterThreadPoolExecutor(1) as pool:
        print(pool.submit(interpreter(inner), 3).result())
"""
    run_script(tmp_path, HEAD + script).check("Point(x=6)")


def test_a_text_that_names_main_ran_the_script(tmp_path: Path) -> None:
    script = """
from types import SimpleNamespace
pool = InterpreterThreadPoolExecutor(1)
text = SimpleNamespace(source='if __name__ == "__main__": pass')
print(pool.submit(interpreter(work.echo), text).result() == text)
pool.shutdown()
"""
    run_script(tmp_path, HEAD + script).check("True")


def test_a_task_that_drops_the_engine_s_module_left_freed_memory(make_pool: MakePool) -> None:
    pool = make_pool(1)
    drop = "[__import__('sys').modules.pop('aiointerpreters._core', None), __import__('gc').collect()] and None"
    for _ in range(3):
        assert pool.submit(interpreter(eval), drop).result() is None
        assert pool.submit(interpreter(work.echo), [1, "a"]).result() == [1, "a"]


def test_a_group_that_does_not_show_its_members_crashed(pool: InterpreterThreadPoolExecutor) -> None:
    error = pool.submit(interpreter(failures.fail_with_shadowed_members)).exception()
    assert isinstance(error, failures.ShadowGroup)
    members: Any = ExceptionGroup.exceptions.__get__(error)
    assert [repr(member) for member in members] == ["ValueError(1)"]


class Waits:
    """Takes long to be pickled."""

    def __init__(self) -> None:
        self.arrived = threading.Event()
        self.may_go = threading.Event()

    def __reduce__(self) -> Any:
        self.arrived.set()
        self.may_go.wait()
        return int, ()


def test_two_threads_that_pickled_by_value_at_once_spoilt_it_for_one() -> None:
    def start(thread: ThreadPoolExecutor) -> tuple[Waits, Any]:
        waits = Waits()
        future = thread.submit(_core.encode, [lambda: 0, waits])
        waits.arrived.wait()
        return waits, future

    with ThreadPoolExecutor(1) as first, ThreadPoolExecutor(1) as second:
        for waits, future in [start(first), start(second)]:
            waits.may_go.set()
            future.result()
        for thread in (first, second):
            assert _core.decode(thread.submit(_core.encode, lambda: 5).result())() == 5


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_process_hung_at_its_end(tmp_path: Path) -> None:
    source = """
        import os
        from aiointerpreters import InterpreterThreadPoolExecutor

        pool = InterpreterThreadPoolExecutor(1)
        print(pool.submit(abs, -3).result(), flush=True)
        child = os.fork()
        if child:
            print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """
    run_script(tmp_path, source, options=["-W", "ignore::DeprecationWarning"]).check("3", "0")
