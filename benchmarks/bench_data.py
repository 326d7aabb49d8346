"""How long it takes to send a value to a worker and get it back, one call after the other.

The calls of a contestant with one value follow each other without a pause, after a few calls to warm up. A round takes
their median. Each result is dropped while the clock runs, because that takes time too. Before the first round every value
makes one round trip, and the result must be equal. A contestant is not measured with values that it refuses.

With many floats, InterpreterPoolExecutor of CPython 3.14 spends most of its time on their `repr`, which becomes part of the
message of an error that it handles itself. The floats here are quotients with all their digits, like measured data. With
few digits it needs about half of the time.

A memoryview must cost as much as no value at all. Within each round, the median echo of None is subtracted from the
median echo of the memoryview, both with the same executor. The median of these differences is compared with a limit in
microseconds.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

import harness
import rivals
import values
import workloads

WARM_UP = 3
TAGGED, PEER = rivals.TAGGED.name, rivals.INTERPRETER_POOL.name
BYTES = bytes(range(250)) * 256_000
VIEW = memoryview(BYTES)


@dataclass(frozen=True)
class Case:
    """A value to echo, its number of echoes in a round, and the required ratio to the peer."""

    kind: str
    value: object
    calls: int
    target: float | None = None
    unit: str = "ms"

    @property
    def metric(self) -> harness.Metric:
        """The median time of an echo of the value."""
        return harness.Metric(f"echo of {self.kind}", self.unit)


def of(kind: values.Kind, calls: int, target: float) -> Case:
    """Returns the case for a value of that kind."""
    return Case(kind.name, kind.make(), calls, target)


NOTHING = Case("None", None, 300, unit="us")
VIEWS = (
    Case("a memoryview of 64 MB", VIEW, 300, unit="us"),
    Case("the memoryview in a dict in a list", [{"view": VIEW}], 300, unit="us"),
)
CASES = (
    of(values.INTS, 50, target=2.8),
    of(values.FLOATS, 50, target=7),
    of(values.SMALL_DICTS, 50, target=4.5),
    of(values.TABLE, 200, target=2.5),
    of(values.TEXT, 100, target=2),
    Case("64 MB of bytes", BYTES, 5, target=1),
    NOTHING,
    *VIEWS,
)

BENCHMARK = harness.Benchmark(
    name="data",
    title="the time of submit(echo, value).result(), one call at a time",
    metrics=[case.metric for case in CASES],
    claims=[harness.Claim(case.metric.name, TAGGED, PEER, case.target) for case in CASES],
    limits=[harness.Limit(case.metric.name, NOTHING.metric.name, TAGGED, most=30) for case in VIEWS],
)


def echo_time(pool: Executor, task: rivals.Function, case: Case, calls: int) -> float:
    """Returns the median time of `calls` calls, in the unit of the case."""
    submit, value, now = pool.submit, case.value, time.perf_counter_ns
    for _ in range(WARM_UP):
        submit(task, value).result()
    taken = []
    for _ in range(calls):
        start = now()
        submit(task, value).result()
        taken.append(now() - start)
    return statistics.median(taken) / {"ms": 1e6, "us": 1e3}[case.unit]


def echo_times(pool: Executor, task: rivals.Function, cases: Sequence[Case], part: float) -> Mapping[str, float]:
    """Returns the median time of each case, over `part` of its calls and at least three."""
    return {case.metric.name: echo_time(pool, task, case, max(3, int(case.calls * part))) for case in cases}


def carries(name: str, pool: Executor, task: rivals.Function, case: Case) -> bool:
    """Returns whether the value comes back at all. Raises RuntimeError if it comes back changed."""
    try:
        came_back = pool.submit(task, case.value).result()
    except TypeError as refusal:
        print(f"left out: {name} with {case.kind} ({type(refusal).__name__})", file=sys.stderr)
        return False
    values.require_equal(came_back, case.value, f"{name} with {case.kind}")
    return True


def contestant(rival: rivals.Rival, pool: Executor, part: float) -> harness.Measure:
    """Returns a function that measures the rival's `pool` with all values that it accepts."""
    task = rival.prepare(workloads.echo)
    carried = [case for case in CASES if carries(rival.name, pool, task, case)]
    return partial(echo_times, pool, task, carried, part)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--part", type=harness.amount, default=1, help="multiplies the number of calls in a round (%(default)s)"
    )
    chosen = harness.options(parser, rounds=9)
    part = 0 if chosen.quick else chosen.part
    with ExitStack() as pools:
        contestants = {
            rival.name: contestant(rival, pools.enter_context(rival.make(chosen.workers)), part)
            for rival in rivals.available(rivals.TAGGED, rivals.INTERPRETER_POOL)
        }
        harness.run(BENCHMARK, contestants, chosen)


if __name__ == "__main__":
    main()
