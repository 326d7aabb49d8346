"""Interrupts at random moments: interrupted calls stop, no other call is hit, and every worker survives."""

import random
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, TaskInterrupted, interpreter
from aiointerpreters.executors import Future
from support import endless, work
from support.gate import Gate
from support.protocols import MakePool
from support.threads import run_in_threads


def check(future: Future[Any], stopped: bool, expected: object) -> None:
    """Check that the future has ended in the way that `interrupt` reported."""
    error = future.exception()
    if stopped:
        assert isinstance(error, TaskInterrupted) or future.cancelled()
    else:
        assert error is None
        assert future.result() == expected


def pause(source: random.Random) -> None:
    """Wait about as long as a task takes. So some tasks are hit before they start, and some after they have ended."""
    end = time.perf_counter() + source.random() * 0.002
    while time.perf_counter() < end:
        pass


def interrupt_some(pool: InterpreterThreadPoolExecutor, seed: int, rounds: int, call: Callable[[], Any], value: Any) -> int:
    """Interrupt every task at a random moment. The task behind it must not be affected. Return how many were stopped."""
    source = random.Random(seed)
    stopped = 0
    for n in range(rounds):
        target = call()
        following = pool.submit(interpreter(endless.for_a_while), 10 + n % 50)
        pause(source)
        hit = not target.cancelled() and target.interrupt()
        assert following.result() == 10 + n % 50
        if not target.cancelled():
            check(target, hit, value)
        stopped += hit
    return stopped


def test_python_code(make_pool: MakePool) -> None:
    pool = make_pool(1)
    stopped = interrupt_some(pool, 1, 500, lambda: pool.submit(interpreter(endless.for_a_while), 300), 300)
    assert 0 < stopped < 500


def test_a_function_in_c(make_pool: MakePool) -> None:
    pool = make_pool(1)
    stopped = interrupt_some(pool, 2, 500, lambda: pool.submit(interpreter(time.sleep), 0.001), None)
    assert stopped > 0


def test_large_arguments_and_results(make_pool: MakePool) -> None:
    pool = make_pool(1)
    value = [{"n": n, "text": str(n)} for n in range(2_000)]
    interrupt_some(pool, 3, 300, lambda: pool.submit(interpreter(work.echo), value), value)


def test_objects_that_are_pickled(make_pool: MakePool) -> None:
    pool = make_pool(1)
    value = [complex(n, 1) for n in range(300)] + [frozenset([n]) for n in range(300)]
    objects = [range(n) for n in range(300)]
    interrupt_some(pool, 4, 300, lambda: pool.submit(interpreter(work.echo), [value, objects]), [value, objects])


def test_functions_that_cross_by_value(make_pool: MakePool) -> None:
    pool = make_pool(1)

    def call() -> Any:
        secret = random.random()
        return pool.submit(interpreter(lambda: secret * 0))

    interrupt_some(pool, 5, 300, call, 0)


@pytest.mark.parametrize("way", [way for way in endless.WAYS if way is not endless.waits_for_its_own_pool])
def test_every_way_to_be_endless_ends(make_pool: MakePool, gate: Gate, way: Callable[..., Any]) -> None:
    pool = make_pool(1)
    source = random.Random(6)
    for _ in range(40):
        future = pool.submit(interpreter(way), gate.ends)
        gate.wait_for()
        pause(source)
        assert future.interrupt()
        assert isinstance(future.exception(), TaskInterrupted)
        assert pool.submit(interpreter(endless.for_a_while), 20).result() == 20


def test_many_threads_interrupt_what_others_submit(make_pool: MakePool) -> None:
    pool = make_pool(2)
    futures: list[Future[int]] = []
    ending = threading.Event()

    def interrupt() -> None:
        source = random.Random(7)
        while not ending.is_set():
            if futures:
                source.choice(futures[-6:]).interrupt()
            pause(source)

    interrupter = threading.Thread(target=interrupt)
    interrupter.start()
    results = []
    try:

        def submit(number: int) -> None:
            for n in range(300):
                future = pool.submit(interpreter(endless.for_a_while), 50)
                if n % 3 == 0:
                    futures.append(future)
                    results.append(future)
                else:
                    assert future.result() == 50
                if number == 0 and n % 7 == 0:
                    assert pool.submit(work.square, 5).result() == 25

        run_in_threads(3, submit)
    finally:
        ending.set()
        interrupter.join()
    for future in results:
        if not future.cancelled() and future.exception() is None:
            assert future.result() == 50


def test_pools_that_end_while_their_tasks_are_interrupted() -> None:
    source = random.Random(8)
    for _ in range(25):
        with InterpreterThreadPoolExecutor(2) as pool:
            futures: list[Future[Any]] = [pool.submit(interpreter(endless.loop)) for _ in range(2)]
            futures += [pool.submit(interpreter(endless.for_a_while), 20) for _ in range(4)]
            pause(source)
            threads = [threading.Thread(target=future.interrupt) for future in futures[:2]]
            for thread in threads:
                thread.start()
        for thread in threads:
            thread.join()
        for future in futures:
            assert future.done()
