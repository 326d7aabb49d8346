"""What a log record costs the task that makes it: processor time of the worker's thread.

A record that goes home is compared with one that `logging` itself makes and hands to a handler that does nothing. Handling
at home runs in other threads and is not counted.
"""

import argparse
from collections.abc import Mapping
from concurrent.futures import Executor
from contextlib import ExitStack
from functools import partial

import harness
import logging_workloads
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

FORWARDED = harness.Metric("a record that goes home", "µs")
OWN = harness.Metric("a record for a handler in the worker that does nothing", "µs")
DROPPED = harness.Metric("a record below the level", "µs")
OURS = "aiointerpreters, tagged"

BENCHMARK = harness.Benchmark(
    name="logging",
    title="log records in a worker",
    metrics=(FORWARDED, OWN, DROPPED),
    claims=(),
    limits=(harness.Limit(FORWARDED.name, OWN.name, OURS, 3),),
)


def costs(forwarding: Executor, own: Executor, records: int) -> Mapping[str, float]:
    """Returns one sample of each metric."""
    log, drop = interpreter(logging_workloads.log_many), interpreter(logging_workloads.drop_many)
    return {
        FORWARDED.name: forwarding.submit(log, records).result() * 1e6,
        OWN.name: own.submit(log, records).result() * 1e6,
        DROPPED.name: forwarding.submit(drop, records).result() * 1e6,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=harness.count, default=1000, help="records of one call (%(default)s)")
    chosen = harness.options(parser, rounds=15)
    logging_workloads.use_null_handler()  # at home: what handlers do there is not the question
    with ExitStack() as stack:
        forwarding = stack.enter_context(InterpreterThreadPoolExecutor(1))
        own = stack.enter_context(
            InterpreterThreadPoolExecutor(1, logging="own", initializer=interpreter(logging_workloads.use_null_handler))
        )
        costs(forwarding, own, chosen.records)  # imports
        harness.run(BENCHMARK, {OURS: partial(costs, forwarding, own, chosen.records)}, chosen)


if __name__ == "__main__":
    main()
