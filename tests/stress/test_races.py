"""Many tasks, many threads, many pools: no task is lost or confused with another."""

import asyncio
import gc
import random
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, as_completed, wait
from typing import Any

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import failures, shapes, work
from support.protocols import MakePool, Tag
from support.threads import run_in_threads


@pytest.mark.parametrize("kind", ["tagged", "untagged"])
def test_a_hundred_thousand_small_tasks(pool: InterpreterThreadPoolExecutor, kind: str) -> None:
    fn = interpreter(work.square) if kind == "tagged" else work.square
    futures = [pool.submit(fn, n) for n in range(100_000)]
    assert [future.result() for future in futures] == [n * n for n in range(100_000)]


def test_a_hundred_thousand_items_of_map_in_chunks(pool: InterpreterThreadPoolExecutor) -> None:
    results = pool.map(interpreter(work.square), range(100_000), chunksize=250)
    assert all(result == n * n for n, result in enumerate(results))


def test_ten_thousand_calls_one_after_the_other(pool: InterpreterThreadPoolExecutor) -> None:
    tagged = interpreter(work.square)
    for n in range(10_000):
        assert pool.submit(tagged, n).result() == n * n


def test_threads_hammer_one_pool(make_pool: MakePool) -> None:
    pool = make_pool(4)

    def use(number: int) -> None:
        tagged = interpreter(work.add)
        for round_ in range(20):
            futures = [pool.submit(tagged, number, round_, c=n) for n in range(100)]
            assert [future.result() for future in futures] == [number + round_ + n for n in range(100)]

    run_in_threads(8, use)


def test_threads_and_event_loops_hammer_one_pool(make_pool: MakePool) -> None:
    pool = make_pool(3)

    async def main(number: int) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(10):
            calls = [loop.run_in_executor(pool, interpreter(work.square), number * 1000 + n) for n in range(100)]
            assert await asyncio.gather(*calls) == [(number * 1000 + n) ** 2 for n in range(100)]

    def use(number: int) -> None:
        if number % 2:
            asyncio.run(main(number))
        else:
            assert list(pool.map(interpreter(work.square), range(1000))) == [n * n for n in range(1000)]

    run_in_threads(6, use)


@pytest.mark.parametrize("seed", range(5))
def test_a_random_mix_with_cancellation_loses_nothing(make_pool: MakePool, seed: int) -> None:
    chance = random.Random(seed)
    pool = make_pool(3, max_interpreters=2)
    kinds: list[Callable[[int], Future[Any]]] = [
        lambda n: pool.submit(interpreter(work.square), n),
        lambda n: pool.submit(work.square, n),
        lambda n: pool.submit(interpreter(lambda x=n: x * x)),
        lambda n: pool.submit(interpreter(failures.fail), ValueError(n)),
        lambda n: pool.submit(failures.fail, ValueError(n)),
        lambda n: pool.submit(interpreter(work.nothing), shapes.empty_generator()),
        lambda n: pool.submit(interpreter(work.sum_of_squares), 300),
    ]
    weights = [30, 30, 1, 5, 5, 5, 10]
    called: Counter[int] = Counter()
    lock = threading.Lock()

    def count(future: Future[Any]) -> None:
        with lock:
            called[id(future)] += 1

    futures: list[tuple[int, int, Future[Any]]] = []
    cancelled: set[int] = set()
    for n in range(3000):
        (kind,) = chance.choices(range(len(kinds)), weights)
        future = kinds[kind](n)
        futures.append((n, kind, future))
        if chance.random() < 0.3:
            future.add_done_callback(count)
        if chance.random() < 0.3:
            victim_n, _, victim = chance.choice(futures)
            if victim.cancel():
                cancelled.add(victim_n)
        if chance.random() < 0.02:
            wait([future for _, _, future in futures[-10:]])
    for n, kind, future in futures:
        if n in cancelled:
            with pytest.raises(CancelledError):
                future.result()
            assert future.cancelled()
        elif kind in (0, 1, 2):
            assert future.result() == n * n
        elif kind in (3, 4):
            assert isinstance(future.exception(), ValueError)
            assert future.exception().args == (n,)  # type: ignore[union-attr]
        elif kind == 5:
            assert isinstance(future.exception(), TypeError)
        else:
            assert future.result() == work.sum_of_squares(300)
    pool.shutdown()
    assert set(called.values()) <= {1}


def test_cancelling_races_with_starting(make_pool: MakePool) -> None:
    pool = make_pool(2)
    for round_ in range(100):
        futures = [pool.submit(interpreter(work.square), n) for n in range(50)]
        outcomes: list[list[bool]] = [[], []]
        threads = [threading.Thread(target=lambda o=o, f=futures: o.extend(x.cancel() for x in f)) for o in outcomes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for n, future in enumerate(futures):
            if outcomes[0][n] or outcomes[1][n]:
                assert future.cancelled(), (round_, n)
            else:
                assert future.result() == n * n


def test_callbacks_race_with_finishing(make_pool: MakePool) -> None:
    pool = make_pool(2)
    called: list[Future[int]] = []
    futures: list[Future[int]] = []
    for _ in range(100):
        called = []
        futures = [pool.submit(interpreter(work.square), n) for n in range(50)]
        for future in futures:
            future.add_done_callback(called.append)
            future.add_done_callback(called.append)
        last = threading.Event()
        end = pool.submit(interpreter(work.square), 0)
        wait(futures)
        end.add_done_callback(lambda _, last=last: last.set())  # type: ignore[misc]
        last.wait()
        for future in futures:
            assert future.done()
    pool.shutdown()
    assert Counter(map(id, called)) == {id(future): 2 for future in futures}


def test_first_access_to_the_condition_races_with_finishing(make_pool: MakePool) -> None:
    """`wait` reads the state twice: it must not see a future finish in between."""
    pool = make_pool(2)

    def use(number: int) -> None:
        for round_ in range(50):
            futures = [pool.submit(interpreter(work.square), n) for n in range(20)]
            if (number + round_) % 2:
                done, not_done = wait(futures)
                assert (len(done), len(not_done)) == (20, 0)
            else:
                assert sorted(f.result() for f in as_completed(futures)) == [n * n for n in range(20)]

    run_in_threads(4, use)


def test_several_threads_wait_in_every_way_for_the_same_futures(make_pool: MakePool) -> None:
    pool = make_pool(2)
    for _ in range(30):
        futures: list[Future[int]] = [pool.submit(interpreter(work.square), n) for n in range(50)]

        def use(number: int, futures: list[Future[int]] = futures) -> None:
            if number == 0:
                assert [future.result() for future in futures] == [n * n for n in range(50)]
            elif number == 1:
                assert len(wait(futures).done) == 50
            elif number == 2:
                assert len(list(as_completed(futures))) == 50
            else:
                assert [future.exception() for future in futures] == [None] * 50

        run_in_threads(4, use)


def test_futures_are_dropped_while_they_run(make_pool: MakePool) -> None:
    pool = make_pool(2)
    tagged = interpreter(work.echo)
    for n in range(20_000):
        pool.submit(tagged, [n])
    assert pool.submit(tagged, "end").result() == "end"


def test_shutdown_races_with_submit(tag: Tag) -> None:
    for _ in range(15):
        pool = InterpreterThreadPoolExecutor(2)
        pool.submit(tag(work.square), 1).result()
        accepted: list[Future[int]] = []

        def use(number: int, pool: Any = pool, accepted: Any = accepted) -> None:
            if number == 0:
                pool.shutdown(cancel_futures=False)
                return
            try:
                while True:
                    accepted.append(pool.submit(tag(work.square), 3))
            except RuntimeError:
                pass

        run_in_threads(3, use)
        assert {future.result() for future in accepted} <= {9}


@pytest.mark.parametrize("cancel", [False, True])
def test_pools_come_and_go(cancel: bool) -> None:
    for n in range(40):
        pool = InterpreterThreadPoolExecutor(2)
        futures = [pool.submit(interpreter(work.square), k) for k in range(n)]
        pool.shutdown(wait=bool(n % 3), cancel_futures=cancel)
        for k, future in enumerate(futures):
            if not future.cancelled():
                assert future.result() == k * k


def test_dropped_pools_come_and_go() -> None:
    for n in range(40):
        futures = [InterpreterThreadPoolExecutor(1).submit(interpreter(work.square), k) for k in range(2)]
        if n % 2:
            gc.collect()
        assert [future.result() for future in futures] == [0, 1]


def test_pools_are_made_and_ended_in_parallel() -> None:
    modules = ["datetime", "decimal", "json", "asyncio", "struct", "zoneinfo", "ctypes", "random", "logging"]

    def use(number: int) -> None:
        order = modules[:]
        random.Random(number).shuffle(order)
        for _ in range(6):
            with InterpreterThreadPoolExecutor(2) as pool:
                assert pool.submit(interpreter(work.import_modules), order).result() == order

    run_in_threads(4, use)


def test_pools_inside_workers_come_and_go(make_pool: MakePool) -> None:
    pool = make_pool(2)
    futures = [pool.submit(interpreter(work.squares_in_own_pool), [n]) for n in range(12)]
    assert [future.result()[0] for future in futures] == [[n * n] for n in range(12)]


def test_home_is_busy_while_interpreters_are_made(make_pool: MakePool) -> None:
    stop = threading.Event()

    def spin() -> None:
        while not stop.is_set():
            sum(range(100))

    threads = [threading.Thread(target=spin) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(3):
            with InterpreterThreadPoolExecutor(3) as pool:
                futures = [pool.submit(interpreter(work.import_modules), ["decimal", "json"]) for _ in range(3)]
                assert [future.result() for future in futures] == [["decimal", "json"]] * 3
    finally:
        stop.set()
        for thread in threads:
            thread.join()
