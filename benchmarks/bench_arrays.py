"""How long NumPy arrays and DataFrames take to reach a worker, and how much faster small arrays are processed.

Arguments are passed to a function that does nothing. Results are arrays of zeros that the worker has just created. The
system provides their memory only when it is first read, so nearly all of the time is transport. One kind is written
to, like real results. That takes time in any pool. Calls follow each other without a pause. The figure of a round
is their median. It includes the time to drop the results.

`extensions="private"` allows interpreters to import NumPy. Processes get the same tasks. Threads get only the work,
because values in threads do not have to be sent.
"""

import argparse
import importlib.util
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

import array_workloads
import harness
import rivals

WORKERS = 2
WARM_UP = 3
SERIAL = "serial"
WORK = harness.Metric("work on small arrays", "ms")
MEGABYTE = 131_072  # numbers of type float64
ROWS = 1_000_000
OURS, PEER, LOKY = rivals.PRIVATE.name, rivals.PROCESS_POOL.name, rivals.LOKY.name


@dataclass(frozen=True)
class Case:
    """A call to measure, its number of repetitions in a round, and the required ratio to processes."""

    kind: str
    function: Callable[[Any], object]
    make: Callable[[], object]
    calls: int
    target: float | None = None

    @property
    def metric(self) -> harness.Metric:
        """The median time of a call."""
        return harness.Metric(self.kind, "us")


NOTHING = Case("a call with None", array_workloads.no_operation, lambda: None, 200)
LARGE = Case("64 MB array as argument", array_workloads.no_operation, lambda: np.ones(64 * MEGABYTE), 10, target=500)
ARRAYS = (
    NOTHING,
    LARGE,
    Case("1 MB array as argument", array_workloads.no_operation, lambda: np.ones(MEGABYTE), 50, target=50),
    Case("64 MB array as result", array_workloads.make_array, lambda: 64 * MEGABYTE, 10, target=20),
    Case("64 MB array as result, written", array_workloads.make_written_array, lambda: 64 * MEGABYTE, 5),
)
FRAMES = (
    Case(
        "DataFrame of 1 M rows x 5 as argument",
        array_workloads.no_operation,
        partial(array_workloads.make_frame, ROWS),
        10,
        50,
    ),
    Case("DataFrame of 1 M rows x 5 as result", array_workloads.make_frame, lambda: ROWS, 10, target=50),
)
POLARS = (
    Case(
        "polars frame of 1 M rows x 5 as argument",
        array_workloads.no_operation,
        partial(array_workloads.make_polars, ROWS),
        10,
        50,
    ),
)
BY_PACKAGE = {"pandas": FRAMES, "polars": POLARS}
CASES = ARRAYS + sum((cases for name, cases in BY_PACKAGE.items() if importlib.util.find_spec(name) is not None), ())

BENCHMARK = harness.Benchmark(
    name="arrays",
    title="NumPy, pandas and polars in two workers",
    metrics=[WORK, *(case.metric for case in CASES)],
    claims=[
        harness.Claim(WORK.name, OURS, SERIAL, target=1.9),
        harness.Claim(WORK.name, OURS, rivals.THREAD_POOL.name),
        harness.Claim(WORK.name, OURS, PEER),
        harness.Claim(WORK.name, rivals.THREAD_POOL.name, SERIAL),
        *(harness.Claim(case.metric.name, OURS, PEER, case.target) for case in CASES),
        *(harness.Claim(case.metric.name, OURS, LOKY, case.target) for case in CASES if case is not NOTHING),
    ],
    limits=[harness.Limit(LARGE.metric.name, NOTHING.metric.name, OURS, most=30)],
)


def call_time(pool: Executor, task: rivals.Function, value: object, calls: int) -> float:
    """Returns the median microseconds of `calls` calls."""
    submit, now = pool.submit, time.perf_counter_ns
    taken = []
    for _ in range(calls):
        start = now()
        submit(task, value).result()
        taken.append(now() - start)
    return statistics.median(taken) / 1e3


def work_time(pool: Executor, task: rivals.Function, pieces: Sequence[int]) -> float:
    """Returns the milliseconds from the first submit to the last result."""
    start = time.perf_counter()
    for future in [pool.submit(task, piece) for piece in pieces]:
        future.result()
    return (time.perf_counter() - start) * 1000


def serially(pieces: Sequence[int]) -> Mapping[str, float]:
    """Returns the milliseconds that a plain loop takes."""
    start = time.perf_counter()
    for piece in pieces:
        array_workloads.norms(piece)
    return {WORK.name: (time.perf_counter() - start) * 1000}


def in_pool(
    rival: rivals.Rival, pool: Executor, pieces: Sequence[int], cases: Sequence[Case], part: float
) -> Mapping[str, float]:
    """Returns the times of the rival's `pool` for the work and for each case, over `part` of its calls; 0: over one."""
    found = {WORK.name: work_time(pool, rival.prepare(array_workloads.norms), pieces)}
    for case in cases:
        task, value = rival.prepare(case.function), case.make()
        call_time(pool, task, value, WARM_UP if part else 1)
        found[case.metric.name] = call_time(pool, task, value, max(1, int(case.calls * part)))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=harness.count, default=60_000, help="vectors in a piece of the work (%(default)s)")
    parser.add_argument("--pieces", type=harness.count, default=8, help="pieces of the work (%(default)s)")
    chosen = harness.options(parser, rounds=7)
    chosen.workers = WORKERS
    pieces = [chosen.rows // (20 if chosen.quick else 1)] * chosen.pieces
    part = 0 if chosen.quick else 1
    with ExitStack() as pools:
        contestants: dict[str, harness.Measure] = {SERIAL: partial(serially, pieces)}
        for rival in rivals.available(rivals.PRIVATE, rivals.PROCESS_POOL, rivals.LOKY, rivals.THREAD_POOL):
            pool = pools.enter_context(rival.make(WORKERS))
            work_time(pool, rival.prepare(array_workloads.norms), [10] * WORKERS)  # imports the packages
            cases = () if rival is rivals.THREAD_POOL else CASES
            contestants[rival.name] = partial(in_pool, rival, pool, pieces, cases, part)
        harness.run(BENCHMARK, contestants, chosen)


if __name__ == "__main__":
    if rivals.PRIVATE.missing:
        sys.exit(f"left out: {rivals.PRIVATE.missing}")
    main()
