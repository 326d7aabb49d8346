"""How much faster CPU-bound Python code gets with two workers, compared with a plain loop."""

import argparse
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from contextlib import ExitStack
from functools import partial

import harness
import rivals
import workloads

SERIAL = "serial"
WORKERS = 2
TIME = harness.Metric("CPU-bound work", "ms")

BENCHMARK = harness.Benchmark(
    name="cpu",
    title="CPU-bound work on two workers, compared with a plain loop",
    metrics=(TIME,),
    claims=(
        harness.Claim(TIME.name, rivals.TAGGED.name, SERIAL, target=1.9),
        *(
            harness.Claim(TIME.name, rivals.TAGGED.name, rival.name)
            for rival in (rivals.INTERPRETER_POOL, rivals.PROCESS_POOL, rivals.THREAD_POOL)
        ),
    ),
)


def serially(pieces: list[int]) -> Mapping[str, float]:
    """Returns the milliseconds that the plain loop takes."""
    start = time.perf_counter()
    for stop in pieces:
        workloads.sum_of_squares(stop)
    return {TIME.name: (time.perf_counter() - start) * 1000}


def in_pool(pool: Executor, task: Callable[[int], int], pieces: list[int]) -> Mapping[str, float]:
    """Returns the milliseconds that the pool takes from the first submit to the last result."""
    start = time.perf_counter()
    futures = [pool.submit(task, stop) for stop in pieces]
    for future in futures:
        future.result()
    return {TIME.name: (time.perf_counter() - start) * 1000}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--numbers", type=harness.count, default=1_000_000, help="how many squares a piece sums (%(default)s)"
    )
    parser.add_argument("--pieces", type=harness.count, default=8, help="how many pieces a round works off (%(default)s)")
    chosen = harness.options(parser, rounds=9)
    chosen.workers = WORKERS
    pieces = [chosen.numbers // (20 if chosen.quick else 1)] * chosen.pieces
    entrants = rivals.available(rivals.TAGGED, rivals.INTERPRETER_POOL, rivals.PROCESS_POOL, rivals.THREAD_POOL)
    with ExitStack() as pools:
        contestants: dict[str, harness.Measure] = {SERIAL: partial(serially, pieces)}
        for rival in entrants:
            pool = pools.enter_context(rival.make(WORKERS))
            contestants[rival.name] = partial(in_pool, pool, rival.prepare(workloads.sum_of_squares), pieces)
        harness.run(BENCHMARK, contestants, chosen)


if __name__ == "__main__":
    main()
