"""How long it takes to encode and decode values within one process, compared with pickle and marshal.

`marshal` has no target. It is fast because it is made for `.pyc` files, and it does not check the bytes that it reads.
The floor is not a codec. It is the time to create an equal value from new objects, and to drop it, with Python code that
leaves as much as possible to C (see `values.py`). No decoder can be much faster, and an encoder comes on top.
Values that contain objects have no target. The codec pickles these objects as pickle does, and must also find out what
they share with the rest. marshal refuses them.
Garbage collection is on, as in a program. Before the first round, each result is compared with its original.
"""

import argparse
import gc
import marshal
import pickle
import timeit
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import harness
import values
from aiointerpreters import _core

OURS, PICKLE, MARSHAL = "aiointerpreters, codec", "pickle", "marshal"
FLOOR = "(floor: make such objects)"
STATEMENTS = {
    OURS: "_core.decode(_core.encode(value))",
    PICKLE: "pickle.loads(pickle.dumps(value, 5))",
    MARSHAL: "marshal.loads(marshal.dumps(value))",
    FLOOR: "make()",
}


@dataclass(frozen=True)
class Case:
    """A kind of value, and how often it is encoded and decoded in a round."""

    kind: values.Kind
    calls: int
    has_objects: bool = False

    @property
    def metric(self) -> harness.Metric:
        """The mean time to encode and decode the value."""
        return harness.Metric(f"encode + decode {self.kind.name}", "us")

    @property
    def names(self) -> dict[str, Any]:
        """The variables of the statements, with a value of their own."""
        make = self.kind.make
        return {"_core": _core, "pickle": pickle, "marshal": marshal, "gc": gc, "make": make, "value": make()}


CASES = (
    Case(values.INTS, 40),
    Case(values.FLOATS, 40),
    Case(values.SMALL_DICTS, 40),
    Case(values.TABLE, 200),
    Case(values.TEXT, 60),
    Case(values.DOCUMENT, 300),
    Case(values.ARGUMENTS, 20_000),
    Case(values.PERSON, 2_000, has_objects=True),
    Case(values.PEOPLE, 10, has_objects=True),
    Case(values.DATED_DICTS, 10, has_objects=True),
)


def cases_for(contestant: str) -> list[Case]:
    """Returns the cases whose values the contestant accepts."""
    return [case for case in CASES if contestant != MARSHAL or not case.has_objects]


BENCHMARK = harness.Benchmark(
    name="codec",
    title="the time to encode a value and decode it, in one process",
    metrics=[case.metric for case in CASES],
    claims=[
        harness.Claim(case.metric.name, OURS, rival, None if case.has_objects else target)
        for rival, target in ((PICKLE, 1), (MARSHAL, None))
        for case in cases_for(rival)
    ],
)


def mean_time(statement: str, case: Case, calls: int) -> float:
    """Returns the microseconds of each of `calls` runs of the statement, after one run to warm up."""
    timer = timeit.Timer(statement, setup=f"{statement}; gc.enable()", globals=case.names)
    return timer.timeit(calls) / calls * 1e6


def mean_times(contestant: str, part: float) -> Mapping[str, float]:
    """Returns the contestant's mean time with each value, over `part` of the calls and at least one."""
    statement = STATEMENTS[contestant]
    return {case.metric.name: mean_time(statement, case, max(1, int(case.calls * part))) for case in cases_for(contestant)}


def require_equal_values(contestant: str) -> None:
    """Raises RuntimeError if the contestant's statement does not return an equal value."""
    for case in cases_for(contestant):
        names = case.names
        values.require_equal(eval(STATEMENTS[contestant], names), names["value"], f"{contestant} with {case.kind.name}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--part", type=harness.amount, default=1, help="multiplies the number of calls in a round (%(default)s)"
    )
    chosen = harness.options(parser, rounds=15)
    chosen.workers = 0
    for contestant in STATEMENTS:
        require_equal_values(contestant)
    part = 0.05 if chosen.quick else chosen.part
    contestants = {contestant: partial(mean_times, contestant, part) for contestant in STATEMENTS}
    harness.run(BENCHMARK, contestants, chosen)


if __name__ == "__main__":
    main()
