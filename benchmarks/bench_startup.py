"""How long it takes to create an executor and get the first results from two interpreters.

Each sample is taken in a fresh process. The two tasks overlap, and their results prove that two interpreters other than
home ran them. Imports at home are done before the clock starts. The imports of a worker are measured. They take several
times longer without cached bytecode, so both cases are measured.
"""

import argparse
import json
import time
from collections.abc import Mapping
from functools import partial
from tempfile import TemporaryDirectory

import harness
import rivals
import workloads
from meeting import interpreters, meet

INTERPRETERS = 2
CACHED = harness.Metric("first results of 2 interpreters", "ms")
UNCACHED = harness.Metric("first results, no cached bytecode", "ms")

BENCHMARK = harness.Benchmark(
    name="startup",
    title="first results from two new interpreters, each sample in a process of its own",
    metrics=(CACHED, UNCACHED),
    claims=tuple(
        harness.Claim(metric.name, rivals.TAGGED.name, rivals.INTERPRETER_POOL.name, target=4)
        for metric in (CACHED, UNCACHED)
    ),
)


def first_results(rival: rivals.Rival, workers: int) -> float:
    """Returns the milliseconds until both interpreters of a new executor have answered. For a fresh process only."""
    attend = rival.prepare(workloads.attend)
    start = time.perf_counter()
    with rival.make(workers) as pool:
        attendances = meet(pool, attend, INTERPRETERS)
        elapsed = time.perf_counter() - start
    if len(interpreters(attendances)) != INTERPRETERS:
        raise RuntimeError(f"{rival.name}: not {INTERPRETERS} fresh interpreters answered, but {attendances}")
    return elapsed * 1000


def in_fresh_processes(rival: rivals.Rival, workers: int, bytecode: str) -> Mapping[str, float]:
    """Returns one sample with bytecode cached in the folder `bytecode`, and one without."""
    command = (__file__, "--sample", rival.name, "--workers", str(workers))
    return {
        metric.name: harness.in_fresh_process(command, bytecode, cached=metric is CACHED)["ms"]
        for metric in (CACHED, UNCACHED)
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--sample",
        metavar="RIVAL",
        choices=[rival.name for rival in rivals.ALL],
        help="take one sample of it in this process and print it as JSON",
    )
    chosen = harness.options(parser, rounds=15)
    if chosen.sample is not None:
        print(json.dumps({"ms": first_results(rivals.by_name(chosen.sample), chosen.workers)}))
        return
    with TemporaryDirectory() as bytecode:
        contestants = {
            rival.name: partial(in_fresh_processes, rival, chosen.workers, bytecode)
            for rival in rivals.available(rivals.TAGGED, rivals.INTERPRETER_POOL)
        }
        harness.run(BENCHMARK, contestants, chosen)


if __name__ == "__main__":
    main()
