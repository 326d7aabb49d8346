"""How long values take to a worker and back: echo them, one call after the other.

A contestant's calls with one value follow each other back to back, after a few that only warm up; a round takes
their median. Each result is thrown away on the clock, as it costs time to be rid of it. Before the first round
every value goes there and back once, and what came back has to be equal. What a contestant refuses to carry, it is
not measured with.

InterpreterPoolExecutor of CPython 3.14 takes most of its time with many floats for their `repr`, which goes into the
text of an error that it handles itself. The floats here are quotients with all their digits, as measured data have;
with few digits it needs about half.

A memoryview shall cost as much as no value at all: within each round, the median echo of None is taken off the
median echo of the memoryview, both by the same executor, and the median of these differences is held against a
limit in microseconds.
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
    """A value to echo, how often in a round, and how many times faster than the peer that shall be."""

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
    """Returns the case of a value of that kind."""
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
    title="submit(echo, value).result(), one at a time",
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
    """Tells whether the value comes back at all; raises RuntimeError if it comes back changed."""
    try:
        came_back = pool.submit(task, case.value).result()
    except TypeError as refusal:
        print(f"left out: {name} with {case.kind} ({type(refusal).__name__})", file=sys.stderr)
        return False
    values.require_equal(came_back, case.value, f"{name} with {case.kind}")
    return True


def contestant(rival: rivals.Rival, pool: Executor, part: float) -> harness.Measure:
    """Returns what measures the rival's `pool` with all that it carries."""
    task = rival.prepare(workloads.echo)
    carried = [case for case in CASES if carries(rival.name, pool, task, case)]
    return partial(echo_times, pool, task, carried, part)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", type=float, default=1, help="multiplies the number of calls in a round (%(default)s)")
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
