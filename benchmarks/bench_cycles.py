"""How much time and memory it takes to create, use and close executors again and again (Linux).

Each sample is taken in a fresh process, with one executor after another. In each executor every worker has an interpreter,
and all of them import thirty-five modules of the standard library at the same time, each in its own order. Three rounds of
60 executors with 4 workers make 720 interpreters. CPython 3.13 leaks several megabytes with every interpreter that ends
(gh-110411). No executor can prevent that.
"""

import argparse
import json
import random
import time
from collections.abc import Mapping
from functools import partial
from tempfile import TemporaryDirectory

import harness
import rivals
import workloads
from bench_memory import private_memory

WORKERS = 4
LEFT = harness.Metric("memory left by one interpreter", "KB")
CYCLE = harness.Metric("one executor, from its making to its end", "ms")

BENCHMARK = harness.Benchmark(
    name="cycles",
    title=f"executors with {WORKERS} interpreters that import {len(workloads.MODULES)} modules, one after the other",
    metrics=(LEFT, CYCLE),
    claims=tuple(harness.Claim(metric.name, rivals.TAGGED.name, rivals.INTERPRETER_POOL.name) for metric in (LEFT, CYCLE)),
)


def cycle(rival: rivals.Rival, orders: random.Random) -> None:
    """Creates an executor, lets each of its interpreters import all modules, and ends it."""
    import_modules = rival.prepare(workloads.import_modules)
    with rival.make(WORKERS) as pool:
        tasks = [orders.sample(workloads.MODULES, len(workloads.MODULES)) for _ in range(WORKERS)]
        counts = [future.result() for future in [pool.submit(import_modules, names) for names in tasks]]
    if counts != [len(workloads.MODULES)] * WORKERS:
        raise RuntimeError(f"{rival.name}: not all modules were imported, but {counts}")


def many_cycles(rival: rivals.Rival, executors: int) -> Mapping[str, float]:
    """Returns the memory left and time taken by `executors` executors, minus the first tenth. For a fresh process only."""
    orders = random.Random(9)
    warm_up = max(1, executors // 10)
    for _ in range(warm_up):
        cycle(rival, orders)
    before, start = private_memory(trim=True), time.perf_counter()
    for _ in range(executors - warm_up):
        cycle(rival, orders)
    elapsed, after = time.perf_counter() - start, private_memory(trim=True)
    counted = executors - warm_up
    return {LEFT.name: (after - before) * 1000 / (counted * WORKERS), CYCLE.name: elapsed * 1000 / counted}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--sample",
        metavar="RIVAL",
        choices=[rival.name for rival in rivals.ALL],
        help="take one sample of it in this process and print it as JSON",
    )
    parser.add_argument("--executors", type=harness.count, help="executors a round (60)")
    chosen = harness.options(parser, rounds=3, quick_rounds=1)
    chosen.workers = WORKERS
    executors = chosen.executors or (5 if chosen.quick else 60)
    if chosen.sample is not None:
        print(json.dumps(many_cycles(rivals.by_name(chosen.sample), executors)))
        return
    with TemporaryDirectory() as bytecode:
        contestants = {
            rival.name: partial(
                harness.in_fresh_process, (__file__, "--sample", rival.name, "--executors", str(executors)), bytecode
            )
            for rival in rivals.available(rivals.TAGGED, rivals.INTERPRETER_POOL)
        }
        harness.run(BENCHMARK, contestants, chosen)


if __name__ == "__main__":
    main()
