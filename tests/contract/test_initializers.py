"""Initializers: an untagged one runs once in each thread, a tagged one once in each new interpreter."""

import threading
from concurrent.futures import Future
from concurrent.futures.thread import BrokenThreadPool

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, NotTransferableError, interpreter
from support import coroutines, failures, shapes, work
from support import gate as gates
from support.gate import Gate
from support.protocols import MakePool, Tag


def test_an_untagged_initializer_runs_once_in_each_thread(make_pool: MakePool, gate: Gate) -> None:
    seen: list[int] = []
    pool = make_pool(3, initializer=lambda: seen.append(threading.get_ident()))
    futures = [pool.submit(gates.hold_then, gate.ends, threading.get_ident) for _ in range(3)]
    gate.wait_for(3)
    gate.open(3)
    threads = [future.result() for future in futures]
    for n in range(10):
        pool.submit(work.square, n).result()
    assert sorted(seen) == sorted(threads)


def test_an_untagged_initializer_runs_here_before_a_tagged_task(make_pool: MakePool) -> None:
    token = object()
    seen: list[object] = []
    pool = make_pool(1, initializer=seen.append, initargs=(token,))
    pool.submit(interpreter(work.nothing)).result()
    pool.submit(interpreter(work.nothing)).result()
    assert seen == [token]
    assert seen[0] is token


def test_a_tagged_initializer_runs_once_in_each_interpreter(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(3, initializer=interpreter(work.here_and_count))
    futures = [pool.submit(interpreter(gates.hold_then), gate.ends, work.here_and_count) for _ in range(3)]
    gate.wait_for(3)
    gate.open(3)
    assert [future.result()[1] for future in futures] == [2, 2, 2]
    assert work._calls == 0


def test_a_tagged_initializer_gets_its_arguments(make_pool: MakePool) -> None:
    pool = make_pool(1, initializer=interpreter(work.remember), initargs=("config", {"rows": [1, (2, None)]}))
    assert pool.submit(interpreter(work.recall), "config").result() == {"rows": [1, (2, None)]}
    assert work.recall("config") is None


def test_a_tagged_initializer_does_not_run_for_untagged_tasks(make_pool: MakePool) -> None:
    pool = make_pool(1, initializer=interpreter(failures.fail_below))
    assert pool.submit(work.square, 3).result() == 9


def test_a_tagged_initializer_may_be_a_closure(make_pool: MakePool) -> None:
    value = {"from": "closure"}
    pool = make_pool(1, initializer=interpreter(lambda name: work.remember(name, value)), initargs=("closure",))
    assert pool.submit(interpreter(work.recall), "closure").result() == value


def test_the_result_of_an_initializer_is_ignored(make_pool: MakePool) -> None:
    pool = make_pool(1, initializer=interpreter(shapes.make_generator))
    assert pool.submit(interpreter(work.square), 3).result() == 9


def test_a_tagged_initializer_is_no_coroutine_function() -> None:
    with pytest.raises(TypeError, match="must not be a coroutine function, but interpreter"):
        InterpreterThreadPoolExecutor(1, initializer=interpreter(coroutines.square), initargs=(3,))


@pytest.mark.parametrize("wrap", [interpreter, work.echo], ids=["tagged", "untagged"])
def test_a_failing_initializer_breaks_the_pool_with_the_cause(make_pool: MakePool, wrap: Tag) -> None:
    pool = make_pool(2, initializer=wrap(failures.fail), initargs=(failures.Custom(5, "no start"),))
    futures: list[Future[int]] = []
    with pytest.raises(BrokenThreadPool):
        while True:
            futures.append(pool.submit(interpreter(work.square), 3))
            futures[-1].result()
    assert futures
    for future in futures:
        error = future.exception()
        assert isinstance(error, BrokenThreadPool)
        assert isinstance(error.__cause__, failures.Custom)
        assert error.__cause__.args == (5, "no start")
    for fn in (work.square, interpreter(work.square)):
        with pytest.raises(BrokenThreadPool):
            pool.submit(fn, 3)


@pytest.mark.parametrize("wrap", [interpreter, work.echo], ids=["tagged", "untagged"])
def test_a_failing_initializer_breaks_tasks_that_wait(make_pool: MakePool, wrap: Tag, gate: Gate) -> None:
    pool = make_pool(1, initializer=wrap(gates.hold_then), initargs=(gate.ends, failures.fail_below))
    futures = [pool.submit(interpreter(work.square), n) for n in range(20)]
    gate.open()
    for future in futures:
        assert isinstance(future.exception(), BrokenThreadPool)
        assert isinstance(future.exception().__cause__, ValueError)  # type: ignore[union-attr]


def test_the_log_tells_why_the_pool_is_broken(make_pool: MakePool, caplog: pytest.LogCaptureFixture) -> None:
    pool = make_pool(1, initializer=failures.fail_below)
    assert isinstance(pool.submit(work.square, 3).exception(), BrokenThreadPool)
    assert "no such row: 3" in caplog.text


def test_the_cause_of_a_failing_tagged_initializer_shows_its_line(make_pool: MakePool) -> None:
    import traceback

    error = make_pool(1, initializer=interpreter(failures.fail_below)).submit(interpreter(work.square), 3).exception()
    assert isinstance(error, BrokenThreadPool)
    assert "in fail_in_the_third_line" in "".join(traceback.format_exception(error))


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), failures.OwnBase()], ids=repr)
def test_an_initializer_may_raise_anything(make_pool: MakePool, error: BaseException) -> None:
    pool = make_pool(1, initializer=interpreter(failures.fail), initargs=(error,))
    future = pool.submit(interpreter(work.square), 3)
    assert isinstance(future.exception(), BrokenThreadPool)
    assert type(future.exception().__cause__) is type(error)  # type: ignore[union-attr]


def test_arguments_of_a_tagged_initializer_that_cannot_cross_are_refused_at_once() -> None:
    with pytest.raises(NotTransferableError, match=r"argument 1\[0\]: generator objects cannot cross interpreters"):
        InterpreterThreadPoolExecutor(1, initializer=interpreter(work.nothing), initargs=(0, [shapes.make_generator()]))


def test_a_broken_pool_can_be_shut_down(make_pool: MakePool) -> None:
    pool = make_pool(2, initializer=interpreter(failures.fail_below))
    assert isinstance(pool.submit(interpreter(work.square), 3).exception(), BrokenThreadPool)
    pool.shutdown()
    pool.shutdown()


def test_a_broken_pool_does_not_break_others(pool: InterpreterThreadPoolExecutor, make_pool: MakePool) -> None:
    broken = make_pool(1, initializer=interpreter(failures.fail_below))
    assert isinstance(broken.submit(interpreter(work.square), 3).exception(), BrokenThreadPool)
    assert pool.submit(interpreter(work.square), 3).result() == 9
