"""What a call in another process costs: functions with lane="process", beside loky and the standard pools of processes.

Each pool has two processes, which have run something before the clock starts. One call at a time is measured, a batch of
calls, a call with 64 MB of bytes, and the first call of a new pool, whose process is started for it.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from typing import Any

import harness
import rivals
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

ONE = harness.Metric("one call", "us")
BATCH = harness.Metric("calls in a batch", "calls/s", higher_is_better=True)
LARGE = harness.Metric("one call with 64 MB", "ms")
FIRST = harness.Metric("first call of a new pool", "ms")
METRICS = (ONE, BATCH, LARGE, FIRST)
OURS = 'aiointerpreters, lane="process"'
STANDARD = ("ProcessPoolExecutor, forkserver", "ProcessPoolExecutor, spawn")
LOKY = rivals.LOKY.name
WORKERS = 2
BYTES = 64 << 20

BENCHMARK = harness.Benchmark(
    name="process_lane",
    title="calls in other processes, with two of them",
    metrics=METRICS,
    claims=tuple(harness.Claim(metric.name, OURS, rival, target=1) for metric in METRICS for rival in (*STANDARD, LOKY)),
)

type Submit = Callable[..., Future[Any]]


@contextmanager
def ours() -> Iterator[Submit]:
    """The lane of an executor."""
    with InterpreterThreadPoolExecutor(WORKERS, max_processes=WORKERS) as executor:
        tagged = {fn: interpreter(fn, lane="process") for fn in (abs, len)}
        yield lambda fn, *args: executor.submit(tagged[fn], *args)


@contextmanager
def standard(method: str) -> Iterator[Submit]:
    """The standard library's pool."""
    with ProcessPoolExecutor(WORKERS, mp_context=get_context(method)) as executor:
        yield executor.submit


@contextmanager
def loky() -> Iterator[Submit]:
    """loky's pool."""
    with rivals.LOKY.make(WORKERS) as executor:
        yield executor.submit


def sample(calls: int, opened: Callable[[], Any]) -> Mapping[str, float]:
    """Take one sample of one pool."""
    start = time.perf_counter()
    with opened() as submit:
        submit(abs, -1).result()
        first = time.perf_counter() - start
        for future in [submit(abs, -1) for _ in range(20 * WORKERS)]:
            future.result()
        times = []
        for _ in range(max(calls // 10, 5)):
            start = time.perf_counter()
            submit(abs, -1).result()
            times.append(time.perf_counter() - start)
        start = time.perf_counter()
        for future in [submit(abs, -1) for _ in range(calls)]:
            future.result()
        batch = calls / (time.perf_counter() - start)
        content = bytes(BYTES)
        large = []
        for _ in range(3):
            start = time.perf_counter()
            submit(len, content).result()
            large.append(time.perf_counter() - start)
    return {
        ONE.name: statistics.median(times) * 1e6,
        BATCH.name: batch,
        LARGE.name: statistics.median(large) * 1e3,
        FIRST.name: first * 1e3,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=harness.count, default=2_000, help="calls in a batch (%(default)s)")
    chosen = harness.options(parser, rounds=10)
    chosen.workers = WORKERS
    calls = 100 if chosen.quick else chosen.calls
    contestants: dict[str, Callable[[], Mapping[str, float]]] = {OURS: partial(sample, calls, ours)}
    for name in STANDARD:
        contestants[name] = partial(sample, calls, partial(standard, name.rpartition(" ")[2]))
    if not rivals.LOKY.missing:
        contestants[LOKY] = partial(sample, calls, loky)
    left_out = {LOKY: rivals.LOKY.missing} if rivals.LOKY.missing else {}
    harness.run(BENCHMARK, contestants, chosen, left_out)


if __name__ == "__main__":
    main()
