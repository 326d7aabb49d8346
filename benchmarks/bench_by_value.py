"""What a call costs if its function has no name that workers could import: closures and lambdas.

The closure has ten lines. It uses a variable around it, a global, a module and a nested function. It is called many times
at once, and one call at a time: the same closure each time, or a new one for each call. Each sample has a process of its
own. All workers of a pool have run something before the clock starts. Then the first call of a lambda is measured, and
the closure after it.
"""

import argparse
import json
import math
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from tempfile import TemporaryDirectory

import harness
import peers
import pool_sample

BATCH = harness.Metric("calls of a closure in a batch", "calls/s", higher_is_better=True)
ONE = harness.Metric("one call of a closure", "us")
NEW = harness.Metric("one call of a new closure", "us")
FIRST = harness.Metric("first call of a lambda", "ms")
METRICS = (BATCH, ONE, NEW, FIRST)
RIVALS = ("loky", "joblib")
NAMES = (peers.OURS, peers.OURS_AWAITED, *RIVALS)
WORKERS = 2
RATE = 3

BENCHMARK = harness.Benchmark(
    name="by_value",
    title="calls of closures and lambdas, with two workers",
    metrics=METRICS,
    claims=tuple(
        harness.Claim(metric.name, peers.OURS, rival, target=3 if (metric, rival) == (BATCH, "loky") else None)
        for metric in METRICS
        for rival in RIVALS
    ),
    limits=(harness.Limit(FIRST.name, None, peers.OURS, most=2),),
)


def make_closure(scale: int, names: tuple[str, ...] = ("a", "bc")) -> Callable[[int], float]:
    """Returns a new closure, which does little."""

    def squared(number: int) -> int:
        return number * number

    def work(number: int, *, offset: float = 0.5) -> float:
        total = 0.0
        for factor in range(number):
            total += factor * scale
        if number > 100:
            return math.sqrt(total)
        name = names[number % len(names)]
        if name.startswith("x"):
            total += offset
        return total + squared(len(name)) * RATE

    return work


def sample(name: str, workers: int, calls: int) -> dict[str, float]:
    """Takes one sample of one pool. For a fresh process only."""
    with peers.BY_NAME[name].open(workers) as pool:
        pool_sample.warm_up(pool, workers)
        first = pool.latencies(lambda number: number + 1, (1,), 1)[0]
        closure = make_closure(2)
        expected = [closure(3)] * calls
        if pool.batch(closure, [3] * calls) != expected:
            raise RuntimeError("the results are not those of the closure")
        start = time.perf_counter()
        pool.batch(closure, [3] * calls)
        elapsed = time.perf_counter() - start
        few = max(5, calls // 10)
        return {
            FIRST.name: first / 1000,
            BATCH.name: calls / elapsed,
            ONE.name: statistics.median(pool.latencies(closure, (3,), few)),
            NEW.name: statistics.median(pool.latencies(make_closure(n), (3,), 1)[0] for n in range(few)),
        }


def in_fresh_process(name: str, workers: int, calls: int, bytecode: str) -> Mapping[str, float]:
    """Returns one sample of one pool."""
    command = (__file__, "--sample", name, "--workers", str(workers), "--calls", str(calls))
    return harness.in_fresh_process(command, bytecode)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=harness.count, default=1_000, help="calls in a batch (%(default)s)")
    parser.add_argument(
        "--sample", metavar="POOL", choices=NAMES, help="take one sample of it in this process and print it as JSON"
    )
    chosen = harness.options(parser, rounds=10)
    if chosen.sample is not None:
        print(json.dumps(sample(chosen.sample, chosen.workers, chosen.calls)))
        return
    chosen.workers = WORKERS
    calls = 100 if chosen.quick else chosen.calls
    found = [name for name in NAMES if not peers.BY_NAME[name].missing()]
    left_out = {name: peers.BY_NAME[name].missing() for name in NAMES if name not in found}
    for name, why in left_out.items():
        print(f"left out: {name} ({why})", file=sys.stderr)
    with TemporaryDirectory() as bytecode:
        contestants = {name: partial(in_fresh_process, name, chosen.workers, calls, bytecode) for name in found}
        harness.run(BENCHMARK, contestants, chosen, left_out)


if __name__ == "__main__":
    main()
