"""Thousands of coroutine functions, cancelled, interrupted and shut down at random moments: nothing is lost, all end."""

import asyncio
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, wait
from typing import Any

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, TaskInterrupted, interpreter
from aiointerpreters.executors import Future
from support import coroutines, endless, failures, work
from support.calls import submit
from support.protocols import MakePool
from support.threads import run_in_threads

LIMIT = 240  # seconds; a call that takes longer hangs


def pause(chance: random.Random) -> None:
    """Wait for a random time, sometimes none."""
    if chance.random() < 0.7:
        time.sleep(chance.random() * 0.002)


def outcome(future: Future[Any]) -> Any:
    """The result, or the class of the exception."""
    try:
        return future.result(LIMIT)
    except (CancelledError, TaskInterrupted, failures.Custom) as error:
        return type(error)


def test_twenty_thousand(make_pool: MakePool) -> None:
    pool = make_pool(2)
    futures = [submit(pool, coroutines.square, n) for n in range(20_000)]
    assert [future.result() for future in futures] == [n * n for n in range(20_000)]


def test_twenty_thousand_awaited(make_pool: MakePool) -> None:
    pool = make_pool(2)

    async def main() -> list[int]:
        return await asyncio.gather(*(pool.run(coroutines.square, n) for n in range(20_000)))

    assert asyncio.run(main()) == [n * n for n in range(20_000)]


@pytest.mark.parametrize("seed", range(4))
def test_random_interrupts_hit_what_they_are_meant_for(make_pool: MakePool, seed: int) -> None:
    chance = random.Random(seed)
    pool = make_pool(3, max_interpreters=2)
    kinds: list[Callable[[int], Future[Any]]] = [
        lambda n: submit(pool, coroutines.square, n),
        lambda n: submit(pool, coroutines.at_once, n),
        lambda n: pool.submit(interpreter(work.square), n),
        lambda n: pool.submit(work.square, n),
        lambda n: submit(pool, coroutines.fail, failures.Custom(n, "on purpose")),
        lambda n: submit(pool, coroutines.wait_for, "never"),
    ]
    futures: list[tuple[int, int, Future[Any]]] = []
    stopped: set[int] = set()
    for n in range(2_000):
        (kind,) = chance.choices(range(len(kinds)), [30, 10, 10, 10, 5, 5])
        futures.append((n, kind, kinds[kind](n)))
        if chance.random() < 0.3:
            number, _, victim = chance.choice(futures[-50:])
            if victim.interrupt():
                stopped.add(number)
        if chance.random() < 0.02:
            pause(chance)
    for number, kind, future in futures:
        if kind == 5 and future.interrupt():
            stopped.add(number)
    for number, kind, future in futures:
        seen = outcome(future)
        if number in stopped:
            assert seen in (CancelledError, TaskInterrupted)
        else:
            assert seen == (failures.Custom if kind == 4 else number * number)


def test_every_step_that_does_not_end_is_stopped_and_nothing_else(make_pool: MakePool) -> None:
    chance = random.Random(5)
    pool = make_pool(1)
    for n in range(25):
        beside = [submit(pool, coroutines.square, k) for k in range(n)]
        stuck = submit(pool, coroutines.call, endless.loop)
        behind = [submit(pool, coroutines.square, k) for k in range(n)]
        pause(chance)
        assert stuck.interrupt()
        assert outcome(stuck) in (CancelledError, TaskInterrupted)
        assert [outcome(future) for future in beside + behind] == [k * k for k in range(n)] * 2


def test_random_cancellations_of_awaits(make_pool: MakePool) -> None:
    chance = random.Random(6)
    pool = make_pool(2)

    async def main() -> None:
        for _ in range(30):
            tasks: list[asyncio.Future[Any]] = [asyncio.ensure_future(pool.run(coroutines.square, n)) for n in range(100)]
            tasks += [asyncio.ensure_future(pool.run(coroutines.wait_for, "never")) for _ in range(20)]
            await asyncio.sleep(chance.random() * 0.003)
            cancelled = {n for n in range(100) if chance.random() < 0.4 and tasks[n].cancel()}
            for task in tasks[100:]:
                assert task.cancel()
            async with asyncio.timeout(LIMIT):
                results = await asyncio.gather(*tasks, return_exceptions=True)
            for n, result in enumerate(results):
                is_cancelled = isinstance(result, asyncio.CancelledError)
                assert is_cancelled if n in cancelled or n >= 100 else result == n * n

    asyncio.run(main())


def test_groups_that_fail_leave_nothing_running(make_pool: MakePool) -> None:
    pool = make_pool(2)

    async def main() -> None:
        for _ in range(100):
            with pytest.raises(ExceptionGroup):
                async with asyncio.timeout(LIMIT), asyncio.TaskGroup() as group:
                    for _ in range(10):
                        group.create_task(pool.run(coroutines.wait_for, "never"))
                    group.create_task(pool.run(coroutines.fail, failures.Custom(1, "one")))

    asyncio.run(main())
    pool.shutdown()  # waits for all running calls


def test_loops_in_several_threads(make_pool: MakePool) -> None:
    pool = make_pool(2)

    def use(number: int) -> None:
        async def main() -> None:
            for _ in range(10):
                calls = [pool.run(coroutines.square, number * 1000 + n) for n in range(100)]
                calls[number].cancel()
                results = await asyncio.gather(*calls, return_exceptions=True)
                expected = [(number * 1000 + n) ** 2 for n in range(100)]
                assert results[:number] + results[number + 1 :] == expected[:number] + expected[number + 1 :]

        asyncio.run(main())

    run_in_threads(5, use)


@pytest.mark.parametrize("seed", range(3))
def test_shutdown_at_a_random_moment(seed: int) -> None:
    chance = random.Random(seed)
    for n in range(12):
        pool = InterpreterThreadPoolExecutor(2)
        accepted: list[tuple[int, Future[int]]] = []

        def fill(pool: Any = pool, accepted: Any = accepted) -> None:
            try:
                for k in range(3_000):
                    accepted.append((k, submit(pool, coroutines.square, k)))
            except RuntimeError:
                pass

        thread = threading.Thread(target=fill)
        thread.start()
        time.sleep(chance.random() * 0.05)
        pool.shutdown(wait=bool(n % 2), cancel_futures=bool(n % 3))
        thread.join()
        for k, future in accepted:
            assert outcome(future) in ((k * k,) if n % 3 == 0 else (k * k, CancelledError))
        pool.shutdown()


def test_pools_that_are_stopped_at_a_random_moment() -> None:
    chance = random.Random(9)
    for _ in range(20):
        pool = InterpreterThreadPoolExecutor(2)
        futures: list[Future[Any]] = [submit(pool, coroutines.wait_for, "never") for _ in range(10)]
        futures += [submit(pool, coroutines.square, n) for n in range(10)]
        futures += [submit(pool, coroutines.call, endless.loop) for _ in range(2)]
        time.sleep(chance.random() * 0.1)
        pool._stop()
        assert not wait(futures, LIMIT).not_done
        pool.shutdown()
        for n, future in enumerate(futures[10:20]):
            assert outcome(future) in (n * n, CancelledError, TaskInterrupted)
        for future in (*futures[:10], *futures[20:]):
            assert outcome(future) in (CancelledError, TaskInterrupted)


def test_dropped_pools_come_and_go() -> None:
    futures = []
    for n in range(20):
        pool = InterpreterThreadPoolExecutor(1 + n % 3)
        futures.append([submit(pool, coroutines.square, k) for k in range(n)])
        if n % 2:
            futures[-1].append(pool.submit(work.square, n))
    for n, made in enumerate(futures):
        assert [future.result(LIMIT) for future in made][:n] == [k * k for k in range(n)]


def test_calls_of_every_kind_from_many_threads(make_pool: MakePool) -> None:
    pool = make_pool(3, max_interpreters=2)

    def use(number: int) -> None:
        chance = random.Random(number)
        for n in range(150):
            kinds: list[Callable[..., Any]] = [
                coroutines.tagged_square,
                interpreter(work.square),
                work.square,
                interpreter(coroutines.at_once),
            ]
            futures = [pool.submit(chance.choice(kinds), n) for _ in range(5)]
            assert [future.result(LIMIT) for future in futures] == [n * n] * 5

    run_in_threads(6, use)


def test_pools_that_begin_with_a_mix() -> None:
    """At its start, a worker must create a loop and run calls and callbacks, all at the same time."""
    chance = random.Random(11)
    kinds: list[Callable[..., Any]] = [coroutines.tagged_square, interpreter(work.square), work.square]
    for _ in range(40):
        with InterpreterThreadPoolExecutor(2) as pool:
            futures: list[Future[int]] = []
            for n in range(12):
                future = pool.submit(chance.choice(kinds), n)
                if chance.random() < 0.5:
                    future.add_done_callback(lambda _: None)
                futures.append(future)
                pause(chance)
            assert [future.result(LIMIT) for future in futures] == [n * n for n in range(12)]
