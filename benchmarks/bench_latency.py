"""How long one empty call takes from submit() to its result, back to back and after a pause."""

import argparse
import statistics
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from contextlib import ExitStack
from functools import partial

import harness
import rivals
import workloads

P50 = harness.Metric("p50 of one no-op", "us")
P99 = harness.Metric("p99 of one no-op", "us")
P50_IDLE = harness.Metric("p50 after 2 ms of idleness", "us")
TAGGED, UNTAGGED = rivals.TAGGED.name, rivals.UNTAGGED.name

BENCHMARK = harness.Benchmark(
    name="latency",
    title="the time of submit(no-op).result(), one call at a time",
    metrics=(P50, P99, P50_IDLE),
    claims=(
        harness.Claim(P50.name, TAGGED, rivals.INTERPRETER_POOL.name, target=15),
        *(
            harness.Claim(metric.name, ours, rival)
            for metric in (P50, P99, P50_IDLE)
            for ours, rival in ((TAGGED, rivals.INTERPRETER_POOL.name), (UNTAGGED, rivals.THREAD_POOL.name))
            if (metric, ours) != (P50, TAGGED)
        ),
    ),
)


def round_trips(pool: Executor, task: Callable[[], object], calls: int, pause: float = 0.0) -> list[float]:
    """Returns the microseconds of each of `calls` calls. The caller sleeps `pause` seconds before each call."""
    submit, now = pool.submit, time.perf_counter_ns
    taken = []
    for _ in range(calls):
        if pause:
            time.sleep(pause)
        start = now()
        submit(task).result()
        taken.append((now() - start) / 1000)
    return taken


def latency(pool: Executor, task: Callable[[], object], calls: int) -> Mapping[str, float]:
    """Returns percentiles in microseconds over `calls` calls without pauses, and over a tenth as many with pauses."""
    percentiles = statistics.quantiles(round_trips(pool, task, calls), n=100)
    after_pauses = round_trips(pool, task, calls // 10, pause=0.002)
    return {P50.name: percentiles[49], P99.name: percentiles[98], P50_IDLE.name: statistics.median(after_pauses)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=harness.count, default=1_000, help="calls a round, back to back (%(default)s)")
    chosen = harness.options(parser, rounds=20)
    calls = 100 if chosen.quick else chosen.calls
    entrants = rivals.available(rivals.TAGGED, rivals.UNTAGGED, rivals.INTERPRETER_POOL, rivals.THREAD_POOL)
    with ExitStack() as pools:
        contestants = {
            rival.name: partial(
                latency, pools.enter_context(rival.make(chosen.workers)), rival.prepare(workloads.noop), calls
            )
            for rival in entrants
        }
        harness.run(BENCHMARK, contestants, chosen)


if __name__ == "__main__":
    main()
