"""Interpreters that are made before calls need them: `warm_up`, `min_interpreters` and `preload`."""

import asyncio
import os
from collections.abc import Iterable
from concurrent.futures.thread import BrokenThreadPool
from pathlib import Path
from typing import Any

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import failures, work
from support import gate as gates
from support.gate import Gate
from support.protocols import MakePool
from support.scripts import FORKING, run_script


def interpreters_of(pool: InterpreterThreadPoolExecutor) -> int:
    return pool._pool.census()[2]


def test_after_warming_up_all_interpreters_are_there(make_pool: MakePool) -> None:
    pool = make_pool(3)
    assert pool.warm_up().result() is None
    assert interpreters_of(pool) == 3


def test_some_interpreters_can_be_warmed_up(make_pool: MakePool) -> None:
    pool = make_pool(3)
    pool.warm_up(2).result()
    assert interpreters_of(pool) == 2
    pool.warm_up(1).result()
    assert interpreters_of(pool) == 2
    pool.warm_up(3).result()
    assert interpreters_of(pool) == 3


def test_warming_up_does_not_wait(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(2, initializer=interpreter(gates.hold), initargs=(gate.ends,))
    future = pool.warm_up()
    gate.wait_for(2)
    assert not future.done()
    gate.open(2)
    assert future.result() is None


def test_an_interpreter_is_ready_when_its_initializer_has_run(make_pool: MakePool) -> None:
    pool = make_pool(2, initializer=interpreter(work.here_and_count))
    pool.warm_up().result()
    assert pool.submit(interpreter(work.here_and_count)).result()[1] == 2


def test_an_event_loop_can_await_the_interpreters(make_pool: MakePool) -> None:
    pool = make_pool(2)

    async def main() -> None:
        await asyncio.wrap_future(pool.warm_up())

    asyncio.run(main())
    assert interpreters_of(pool) == 2


def test_untagged_calls_run_meanwhile(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(4, max_interpreters=1, initializer=interpreter(gates.hold), initargs=(gate.ends,))
    future = pool.warm_up()
    gate.wait_for()
    assert pool.submit(work.square, 3).result() == 9
    assert not future.done()
    gate.open()
    future.result()


def test_min_interpreters_are_made_without_a_call(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(4, min_interpreters=2, initializer=interpreter(gates.hold), initargs=(gate.ends,))
    gate.wait_for(2)
    gate.open(2)
    pool.warm_up(2).result()
    assert interpreters_of(pool) == 2


def test_min_interpreters_are_made_again_after_a_fork(tmp_path: Path) -> None:
    program = f"""
    {FORKING.replace(chr(10), chr(10) + "    ")}
    from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
    from support import gate as gates

    def child(pool, gate):
        print("child", pool.submit(interpreter(abs), -1).result())
        gate.wait_for(2)  # a call starts them there

    if __name__ == "__main__":
        gate = gates.Gate()
        gate.open(100)
        hold = interpreter(gates.hold)
        pool = InterpreterThreadPoolExecutor(3, min_interpreters=2, initializer=hold, initargs=(gate.ends,))
        gate.wait_for(2)
        pool.warm_up(2).result()
        print(fork(child, pool, gate))
        gate.wait_for(2)
        pool.warm_up(2).result()
        print(pool._pool.census()[2])
        pool.shutdown()
    """
    run_script(tmp_path, program).check("child 1", "7", "2")


def test_an_executor_in_an_imported_module_starts_no_interpreters_in_workers(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(
        "from aiointerpreters import InterpreterThreadPoolExecutor, interpreter\n"
        "pool = InterpreterThreadPoolExecutor(2, min_interpreters=2, preload=['app'])\n"
        "@interpreter\n"
        "def census():\n"
        "    return pool._pool.census()[2]\n"
        "@interpreter\n"
        "def nested():\n"
        "    return pool.submit(census).result(), pool._pool.census()[2] > 0\n",
        encoding="utf-8",
    )
    program = """
    import app

    if __name__ == "__main__":
        app.pool.warm_up().result()
        print(app.pool.submit(app.census).result())
        print(app.pool.submit(app.nested).result())
    """
    run_script(tmp_path, program).check("0", "(0, True)")


def test_preloaded_modules_are_there_before_the_initializer_runs(make_pool: MakePool) -> None:
    pool = make_pool(1, preload=["wave", "xml.dom.minidom"], initializer=interpreter(work.remember), initargs=("a", 1))
    assert pool.submit(interpreter(work.is_imported), "wave").result()
    assert pool.submit(interpreter(work.is_imported), "xml.dom.minidom").result()


def test_preloading_runs_the_script_if_it_is_named(tmp_path: Path) -> None:
    program = """
    import os
    from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

    if __name__ != "__main__":
        os.write(1, b"the script runs\\n")

    @interpreter
    def say():
        os.write(1, b"a call runs\\n")

    if __name__ == "__main__":
        with InterpreterThreadPoolExecutor(1, preload=["__main__"]) as pool:
            pool.warm_up().result()
            os.write(1, b"warm\\n")
            pool.submit(say).result()
    """
    run_script(tmp_path, program).check("the script runs", "warm", "a call runs")


def test_a_module_that_cannot_be_preloaded_breaks_the_tagged_half(
    make_pool: MakePool, caplog: pytest.LogCaptureFixture
) -> None:
    pool = make_pool(2, preload=["json", "no_such_module.part"])
    error = pool.warm_up().exception()
    assert isinstance(error, BrokenThreadPool)
    assert "could not preload the module 'no_such_module.part'" in str(error)
    assert isinstance(error.__cause__, ModuleNotFoundError)
    with pytest.raises(BrokenThreadPool, match="no_such_module"):
        pool.submit(interpreter(work.square), 3).result()
    with pytest.raises(BrokenThreadPool, match="no_such_module"):
        pool.warm_up()
    assert pool.submit(work.square, 3).result() == 9
    assert "No module named 'no_such_module'" in caplog.text


def test_a_failing_initializer_ends_the_wait(make_pool: MakePool) -> None:
    error = make_pool(2, initializer=interpreter(failures.fail_below)).warm_up().exception()
    assert isinstance(error, BrokenThreadPool)
    assert isinstance(error.__cause__, ValueError)


def test_shutting_down_ends_the_wait(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(2, initializer=interpreter(gates.hold), initargs=(gate.ends,))
    future = pool.warm_up()
    gate.wait_for(2)
    gate.open_wide()
    pool.shutdown()
    assert future.done()
    with pytest.raises(RuntimeError, match="after shutdown"):
        pool.warm_up()


def test_the_wait_can_be_cancelled(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(2, initializer=interpreter(gates.hold), initargs=(gate.ends,))
    future = pool.warm_up()
    assert future.cancel()
    gate.open_wide()
    pool.warm_up().result()
    assert future.cancelled()


@pytest.mark.parametrize(
    ("preload", "error", "text"),
    [
        ("json", TypeError, r"such as \('json',\), not a str"),
        ([b"json"], TypeError, "names of modules, not b'json'"),
        ([""], ValueError, "absolute names of modules, not ''"),
        ([".json"], ValueError, "absolute names of modules, not '.json'"),
        (["json."], ValueError, "absolute names of modules, not 'json.'"),
        (["a\0b"], ValueError, "absolute names of modules"),
    ],
    ids=repr,
)
def test_names_that_no_module_can_have_are_refused_at_once(preload: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        InterpreterThreadPoolExecutor(1, preload=preload)


@pytest.mark.parametrize("number", [-1, 3])
def test_min_interpreters_is_at_most_the_greatest_number(number: int) -> None:
    with pytest.raises(ValueError, match="between 0 and 2"):
        InterpreterThreadPoolExecutor(2, min_interpreters=number)


def test_min_interpreters_raises_the_default_of_the_greatest_number(
    make_pool: MakePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "process_cpu_count", lambda: 1)
    pool = make_pool(min_interpreters=3)
    pool.warm_up(3).result()
    assert interpreters_of(pool) == 3


@pytest.mark.parametrize("number", [-1, 0, 3])
def test_warming_up_takes_a_possible_number(make_pool: MakePool, number: int) -> None:
    with pytest.raises(ValueError, match="between 1 and 2"):
        make_pool(2).warm_up(number)


@pytest.mark.parametrize("number", [1.0, "1"], ids=repr)
def test_warming_up_takes_a_number(make_pool: MakePool, number: Any) -> None:
    with pytest.raises(TypeError):
        make_pool(2).warm_up(number)


def test_names_come_from_any_iterable(make_pool: MakePool) -> None:
    names: Iterable[str] = (name for name in ["wave"])
    assert make_pool(1, preload=names).submit(interpreter(work.is_imported), "wave").result()
