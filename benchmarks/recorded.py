"""The results that `make bench ARGS=--json` has recorded, for tables and pictures."""

import json
import math
import statistics
from dataclasses import dataclass
from typing import Any

import harness

# How values are written: from the first number on, a value is divided by the second number and has this unit.
SCALES = {
    "us": ((1e6, 1e6, "s"), (1e3, 1e3, "ms"), (0, 1, "µs")),
    "ms": ((1e3, 1e3, "s"), (0.1, 1, "ms"), (0, 1e-3, "µs")),
    "MB": ((0, 1, "MB"),),
    "tasks/s": ((1e6, 1e6, "M/s"), (1e3, 1e3, "k/s"), (0, 1, "/s")),
}
SCALES |= dict.fromkeys(("calls/s", "requests/s", "items/s"), SCALES["tasks/s"])


def number(value: float, unit: str) -> str:
    """Returns the value with at least two significant digits."""
    scales = SCALES.get(unit, ((0, 1, unit),))
    divisor, name = next(((divisor, name) for least, divisor, name in scales if value >= least), (1, unit))
    return f"{digits(value / divisor)} {name}"


def digits(value: float) -> str:
    """Returns a value with two significant digits, or with all digits before the point."""
    if value == 0:
        return "0"
    return f"{value:,.0f}" if value >= 9.95 else f"{value:.1f}" if value >= 0.995 else f"{value:.2g}"


@dataclass(frozen=True)
class Record:
    """The report of one benchmark."""

    report: dict[str, Any]

    @property
    def contestants(self) -> list[str]:
        """The contestants that were measured, in order."""
        return list(dict.fromkeys(name for by_name in self.report["samples"].values() for name in by_name))

    @property
    def left_out(self) -> dict[str, str]:
        """The contestants that were not measured, and the reasons."""
        found: dict[str, str] = self.report.get("left_out", {})
        return found

    def unit(self, metric: str) -> str:
        """Returns the unit of a metric. Raises StopIteration if there is no metric of that name."""
        return next(str(row["unit"]) for row in self.report["metrics"] if row["name"] == metric)

    def median(self, metric: str, contestant: str) -> float | None:
        """Returns the median of the rounds, or None if it was not measured."""
        values = self.report["samples"][metric].get(contestant)
        return statistics.median(values) if values else None

    def cell(self, metric: str, contestant: str) -> str:
        """Returns the median as text."""
        value = self.median(metric, contestant)
        return "not measured" if value is None else number(value, self.unit(metric))

    def range(self, metric: str, contestant: str) -> tuple[float, float]:
        """Returns the lowest and the highest of the rounds. Raises KeyError if it was not measured."""
        values = self.report["samples"][metric][contestant]
        return min(values), max(values)

    @property
    def origin(self) -> str:
        """One line about the machine, the versions and the date."""
        rounds = self.report["rounds"]
        quick = ", a quick run: these figures mean little" if self.report["quick"] else ""
        return f"{self.place}, {self.day}, {rounds} round{'s' * (rounds != 1)}{quick}"

    @property
    def place(self) -> str:
        """The machine, and the versions that were measured."""
        machine = self.report["machine"]
        return (
            f"{machine['cpu']}, {machine['cores']} cores, {machine['system'].partition('-')[0]}, {machine['python']}, "
            f"aiointerpreters {machine['package']}"
        )

    @property
    def day(self) -> str:
        """The date of the measurement, as 2026-11-29."""
        return str(self.report["machine"]["date"])[:10]

    def is_ours(self, contestant: str) -> bool:
        """Tells whether a contestant is this package."""
        return contestant.startswith(harness.OURS)

    def ratio(self, metric: str, ours: str, rival: str) -> float:
        """Returns the factor by which `ours` is better: the median of the rounds. Raises KeyError if not measured."""
        row = next(row for row in self.report["metrics"] if row["name"] == metric)
        samples = self.report["samples"][metric]
        better, worse = (samples[ours], samples[rival]) if row["higher_is_better"] else (samples[rival], samples[ours])
        return statistics.median(one / other if other else math.inf for one, other in zip(better, worse, strict=True))


def read(benchmark: str) -> Record:
    """Returns the recorded report of a benchmark. Raises FileNotFoundError if there is none."""
    return Record(json.loads((harness.RESULTS / harness.result_name(benchmark)).read_text(encoding="utf-8")))


def recorded() -> list[str]:
    """Returns the benchmarks with a report for this version of Python."""
    ending = harness.result_name("")
    return sorted(path.name.removesuffix(ending) for path in harness.RESULTS.glob(f"*{ending}"))
