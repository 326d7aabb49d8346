"""`broadcast`: a function runs once in every interpreter, in those that exist and in those that are created later."""

import asyncio
import gc
import queue
import threading
from collections.abc import Callable
from concurrent.futures.thread import BrokenThreadPool
from pathlib import Path
from typing import Any

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, NotTransferableError, TaskInterrupted, interpreter
from aiointerpreters.executors import Future, wait
from support import coroutines, endless, failures, shapes, work
from support import gate as gates
from support.gate import Gate
from support.protocols import MakePool
from support.scripts import FORKING, run_script


def counts(pool: InterpreterThreadPoolExecutor) -> list[int]:
    """How often each interpreter has run work.here_and_count, this call included."""
    return sorted(count for _, count in pool.broadcast(work.here_and_count).result())


def test_it_runs_once_in_each_interpreter_that_exists(make_pool: MakePool) -> None:
    pool = make_pool(3)
    pool.warm_up().result()
    places = pool.broadcast(work.here_and_count).result()
    assert len({place for place, _ in places}) == 3
    assert [count for _, count in places] == [1, 1, 1]
    assert counts(pool) == [2, 2, 2]


def test_it_runs_in_interpreters_that_are_created_later(make_pool: MakePool) -> None:
    pool = make_pool(3)
    pool.warm_up(1).result()
    assert len(pool.broadcast(work.here_and_count).result()) == 1
    pool.warm_up(3).result()
    assert counts(pool) == [2, 2, 2]


def test_without_interpreters_it_makes_one_and_has_no_results(make_pool: MakePool) -> None:
    pool = make_pool(2)
    assert pool.broadcast(work.remember, "name", "value").result() == []
    assert pool.broadcast(work.recall, "name").result() == ["value"]
    assert pool.submit(interpreter(work.recall), "name").result() == "value"


def test_new_interpreters_run_the_initializer_then_all_broadcasts_in_their_order(make_pool: MakePool) -> None:
    pool = make_pool(1, initializer=interpreter(work.remember), initargs=("name", [0]))
    for number in range(1, 4):
        pool.broadcast(work.extend_remembered, "name", number)
    assert pool.submit(interpreter(work.recall), "name").result() == [0, 1, 2, 3]


def test_an_interpreter_that_is_being_created_runs_it_before_its_first_call(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(1, initializer=interpreter(gates.hold), initargs=(gate.ends,))
    future = pool.submit(interpreter(work.recall), "name")
    gate.wait_for()
    sent = pool.broadcast(work.remember, "name", 5)
    assert not sent.done()
    gate.open_wide()
    assert (sent.result(), future.result()) == ([], 5)


def test_it_runs_before_a_coroutine_function_in_a_new_interpreter(make_pool: MakePool) -> None:
    pool = make_pool(1)
    pool.broadcast(work.remember, "name", 5).result()
    assert pool.submit(interpreter(coroutines.recall), "name").result() == 5  # type: ignore[comparison-overlap]


def test_an_interpreter_runs_it_after_its_current_call_and_before_the_next(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(1)
    first = pool.submit(interpreter(gates.hold_then), gate.ends, work.recall, "name")
    gate.wait_for()
    second = pool.submit(interpreter(work.recall), "name")
    sent = pool.broadcast(work.remember, "name", 5)
    assert not sent.running()
    gate.open_wide()
    assert (first.result(), second.result(), sent.result()) == (None, 5, [None])


def test_tagged_functions_closures_and_partials_may_be_sent(make_pool: MakePool) -> None:
    from functools import partial

    pool = make_pool(2)
    pool.warm_up().result()
    value = 7
    sent = pool.broadcast(interpreter(work.square), 3)
    assert (sent.lane, sent.result()) == ("interpreter", [9, 9])
    assert pool.broadcast(lambda x: x + value, 1).result() == [8, 8]
    assert pool.broadcast(partial(work.add, 1), 2, c=3).result() == [work.add(1, 2, 3)] * 2


def test_large_arguments_reach_present_and_future_interpreters(make_pool: MakePool) -> None:
    pool = make_pool(2)
    pool.warm_up(1).result()
    large = b"x" * 1_000_000
    pool.broadcast(work.remember, "large", large).result()
    del large
    gc.collect()
    pool.warm_up(2).result()
    assert pool.broadcast(work.length_of_remembered, "large").result() == [1_000_000] * 2


def test_an_exception_is_raised_and_new_interpreters_do_not_run_it(make_pool: MakePool) -> None:
    pool = make_pool(2)
    pool.warm_up(1).result()
    with pytest.raises(failures.Custom):
        pool.broadcast(failures.fail, failures.Custom(5, "no")).result()
    pool.warm_up(2).result()
    assert pool.broadcast(work.square, 3).result() == [9, 9]


def test_if_it_fails_in_the_first_interpreter_it_raises_and_calls_go_on(
    make_pool: MakePool, caplog: pytest.LogCaptureFixture
) -> None:
    pool = make_pool(2)
    with pytest.raises(ValueError, match="no such row: 3"):
        pool.broadcast(failures.fail_below).result()
    assert pool.submit(interpreter(work.square), 3).result() == 9
    pool.warm_up().result()
    assert pool.broadcast(work.square, 3).result() == [9, 9]
    assert caplog.text.count("Exception in broadcast:") == 1


def test_of_several_without_interpreters_only_those_that_fail_are_withdrawn(make_pool: MakePool) -> None:
    pool = make_pool(1)
    sent = [pool.broadcast(fn, *args) for fn, args in ((work.remember, ("a", 1)), (failures.fail_below, ()))]
    sent.append(pool.broadcast(work.remember, "b", 2))
    assert [type(each.exception()) for each in sent] == [type(None), ValueError, type(None)]
    assert [pool.submit(interpreter(work.recall), name).result() for name in "ab"] == [1, 2]


def test_if_no_interpreter_can_be_made_it_raises_that(make_pool: MakePool) -> None:
    pool = make_pool(1, initializer=interpreter(failures.fail_below))
    assert isinstance(pool.broadcast(work.square, 3).exception(), BrokenThreadPool)


def test_a_broadcast_without_interpreters_can_be_cancelled(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(1)
    held = pool.submit(gates.hold, gate.ends)
    gate.wait_for()
    future = pool.broadcast(work.remember, "name", 5)
    assert future.cancel()
    gate.open()
    held.result()
    assert pool.submit(interpreter(work.recall), "name").result() is None


def test_an_untagged_call_that_sends_the_first_one_waits_for_nothing(
    make_pool: MakePool, caplog: pytest.LogCaptureFixture
) -> None:
    pool = make_pool(1)
    assert pool.submit(lambda: pool.broadcast(failures.fail_below).result()).result() == []
    assert pool.submit(interpreter(work.square), 3).result() == 9
    pool.shutdown()
    assert "no such row: 3" in caplog.text


def test_if_it_fails_in_a_new_interpreter_others_run_the_calls(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(2)
    pool.warm_up(1).result()
    assert pool.submit(interpreter(work.remember), "name", 1).result() is None
    assert pool.broadcast(work.length_of_remembered, "name").exception() is not None  # withdrawn
    assert pool.submit(interpreter(work.remember), "name", "abc").result() is None
    assert pool.broadcast(work.length_of_remembered, "name").result() == [3]  # fails where nothing is remembered
    assert isinstance(pool.warm_up(2).exception(), BrokenThreadPool)
    assert pool.submit(interpreter(work.square), 3).result() == 9


async def _await(future: Future[list[int]]) -> list[int]:
    return await asyncio.wrap_future(future)


WAITS: dict[str, Callable[[Future[list[int]]], object]] = {
    "result": lambda future: future.result(),
    "exception": lambda future: future.exception(),
    "wait": lambda future: wait([future]),
    "wrap_future": lambda future: asyncio.run(_await(future)),
}


@pytest.mark.parametrize("wait_for", WAITS.values(), ids=WAITS.keys())
def test_an_untagged_call_may_wait_for_it_where_there_is_an_interpreter(
    make_pool: MakePool, wait_for: Callable[[Future[list[int]]], object]
) -> None:
    pool = make_pool(1)
    pool.warm_up().result()

    def send() -> list[int]:
        future = pool.broadcast(work.square, 3)
        wait_for(future)
        return future.result()

    assert pool.submit(send).result() == [9]
    assert pool.submit(interpreter(work.square), 4).result() == 16


def test_untagged_calls_that_wait_for_their_broadcasts_do_not_wait_for_each_other(make_pool: MakePool) -> None:
    pool, both = make_pool(2), threading.Barrier(2)
    pool.warm_up().result()

    def send(number: int) -> list[int]:
        both.wait()
        return pool.broadcast(work.square, number).result()

    for _ in range(20):
        futures = [pool.submit(send, number) for number in (2, 3)]
        assert [future.result() for future in futures] == [[4, 4], [9, 9]]


def test_a_callback_may_wait_for_it(make_pool: MakePool) -> None:
    pool, results = make_pool(1), queue.SimpleQueue[list[int]]()
    pool.warm_up().result()
    for number in range(20):
        called = pool.submit(interpreter(work.square), number)
        called.add_done_callback(lambda future: results.put(pool.broadcast(work.square, future.result()).result()))
        assert results.get() == [number**4]


def test_what_runs_inside_an_untagged_call_can_be_interrupted(make_pool: MakePool, gate: Gate) -> None:
    pool, is_sent = make_pool(1), threading.Event()
    pool.warm_up().result()
    futures: list[Future[Any]] = []

    def send() -> None:
        is_sent.wait()
        futures[0].exception()

    caller = pool.submit(send)
    futures.append(pool.broadcast(endless.loop, gate.ends))
    is_sent.set()
    gate.wait_for()
    assert futures[0].interrupt()
    assert isinstance(futures[0].exception(), TaskInterrupted)
    caller.result()
    assert pool.submit(interpreter(work.square), 3).result() == 9


def test_an_untagged_call_may_fork_between_two_of_them(tmp_path: Path) -> None:
    script = """
    import os, sys
    from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
    from support import work

    def send(pool):
        print(pool.broadcast(work.remember, "a", 5).result(), flush=True)
        pid = os.fork()
        if pid == 0:
            print("child", pool.submit(interpreter(work.recall), "a").result(), flush=True)
            os._exit(7)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        print(pool.broadcast(work.recall, "a").result())

    if __name__ == "__main__":
        with InterpreterThreadPoolExecutor(1) as pool:
            pool.warm_up().result()
            pool.submit(send, pool).result()
            print(pool.submit(interpreter(work.recall), "a").result())
    """
    finished = run_script(tmp_path, script)
    assert (finished.code, finished.lines) == (0, ["[None]", "child 5", "7", "[]", "5"])


def test_an_event_loop_can_await_it(make_pool: MakePool) -> None:
    pool = make_pool(2)

    async def main() -> list[int]:
        await asyncio.wrap_future(pool.warm_up())
        return await asyncio.wrap_future(pool.broadcast(work.square, 3))

    assert asyncio.run(main()) == [9, 9]


def test_a_broadcast_that_waits_can_be_cancelled(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(2)
    held = pool.submit(interpreter(gates.hold), gate.ends)
    gate.wait_for()
    future = pool.broadcast(work.remember, "name", 5)
    assert future.cancel()
    assert future.cancelled()
    gate.open_wide()
    held.result()
    pool.warm_up().result()
    assert pool.broadcast(work.recall, "name").result() == [None, None]


def test_a_broadcast_that_runs_can_be_interrupted(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(2)
    pool.warm_up().result()
    future = pool.broadcast(endless.loop, gate.ends)
    gate.wait_for(2)
    assert future.running()
    assert not future.cancel()
    assert future.interrupt()
    assert isinstance(future.exception(), TaskInterrupted)


def test_shutting_down_finishes_it_or_cancels_it(make_pool: MakePool, gate: Gate) -> None:
    for cancels in (False, True):
        pool = make_pool(1)
        held = pool.submit(interpreter(gates.hold), gate.ends)
        gate.wait_for()
        future = pool.broadcast(work.square, 3)
        pool.shutdown(wait=False, cancel_futures=cancels)
        gate.open()
        held.result()
        pool.shutdown()
        assert future.cancelled() if cancels else future.result() == [9]
        with pytest.raises(RuntimeError, match="after shutdown"):
            pool.broadcast(work.square, 3)


def test_what_cannot_be_sent_is_refused_at_once(make_pool: MakePool) -> None:
    pool = make_pool(1)
    with pytest.raises(TypeError, match="needs a callable, not 3"):
        pool.broadcast(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="does not take coroutine functions"):
        pool.broadcast(coroutines.square, 3)
    with pytest.raises(ValueError, match=r"runs functions in interpreters, but .* has lane='process'"):
        pool.broadcast(interpreter(work.square, lane="process"), 3)
    with pytest.raises(NotTransferableError, match="argument 0: generator objects cannot cross"):
        pool.broadcast(work.echo, shapes.make_generator())
    assert pool.broadcast(work.square, 3).result() == []
    assert pool.broadcast(work.square, 3).result() == [9]


def test_interpreters_after_a_fork_run_it(tmp_path: Path) -> None:
    program = f"""
    {FORKING.replace(chr(10), chr(10) + "    ")}
    from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
    from support import work

    def child(pool):
        print("child", pool.submit(interpreter(work.recall), "a").result())

    if __name__ == "__main__":
        with InterpreterThreadPoolExecutor(2) as pool:
            pool.warm_up().result()
            pool.broadcast(work.remember, "a", 5).result()
            print(fork(child, pool))
            print(pool.submit(interpreter(work.recall), "a").result())
    """
    run_script(tmp_path, program).check("child 5", "7", "5")


def test_functions_of_the_script_may_be_sent(tmp_path: Path) -> None:
    program = """
    from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

    model = None

    def load(name):
        global model
        model = name

    @interpreter
    def use():
        return model

    if __name__ == "__main__":
        with InterpreterThreadPoolExecutor(1) as pool:
            pool.broadcast(load, "first")
            print(pool.submit(use).result())
            pool.broadcast(load, "second").result()
            print(pool.submit(use).result())
    """
    run_script(tmp_path, program).check("first", "second")
