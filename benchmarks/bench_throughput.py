"""How many empty calls per second go through each pool: submit a batch, then collect the results."""

import argparse
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from contextlib import ExitStack
from functools import partial

import harness
import rivals
import workloads

RATE = harness.Metric("no-op throughput", "tasks/s", higher_is_better=True)
TAGGED, UNTAGGED = rivals.TAGGED.name, rivals.UNTAGGED.name

BENCHMARK = harness.Benchmark(
    name="throughput",
    title="empty calls per second: submit a batch, then collect the results",
    metrics=(RATE,),
    claims=(
        harness.Claim(RATE.name, TAGGED, rivals.INTERPRETER_POOL.name, target=60),
        harness.Claim(RATE.name, TAGGED, rivals.THREAD_POOL.name, target=5),
        harness.Claim(RATE.name, UNTAGGED, rivals.THREAD_POOL.name, target=4),
    ),
)


def rate(pool: Executor, task: Callable[[], object], batch: int, at_least: float) -> Mapping[str, float]:
    """Runs batches of `batch` tasks until `at_least` seconds have passed. Returns tasks per second."""
    submit = pool.submit
    finished, elapsed, start = 0, 0.0, time.perf_counter()
    while elapsed < at_least:
        futures = [submit(task) for _ in range(batch)]
        for future in futures:
            future.result()
        finished += batch
        elapsed = time.perf_counter() - start
    return {RATE.name: finished / elapsed}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=harness.count, default=5_000, help="tasks submitted before they are collected")
    parser.add_argument("--seconds", type=harness.amount, default=0.3, help="how long a round lasts at least")
    chosen = harness.options(parser, rounds=15)
    seconds = 0.02 if chosen.quick else chosen.seconds
    entrants = rivals.available(rivals.TAGGED, rivals.UNTAGGED, rivals.INTERPRETER_POOL, rivals.THREAD_POOL)
    with ExitStack() as pools:
        contestants = {
            rival.name: partial(
                rate,
                pools.enter_context(rival.make(chosen.workers)),
                rival.prepare(workloads.noop),
                chosen.batch,
                seconds,
            )
            for rival in entrants
        }
        harness.run(BENCHMARK, contestants, chosen)


if __name__ == "__main__":
    main()
