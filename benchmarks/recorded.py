"""The results that `make bench ARGS=--json` has recorded, for tables and pictures."""

import json
import math
import re
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
LEAST_ROUNDS = 3  # with fewer rounds, chance decides which contestant is better in all of them
LEAST_LOSS = 0.95  # a ratio from here to 1 is no difference that matters


def number(value: float, unit: str) -> str:
    """Returns the value with at least two significant digits."""
    scales = SCALES.get(unit, ((0, 1, unit),))
    divisor, name = next(((divisor, name) for least, divisor, name in scales if value >= least), (1, unit))
    return f"{digits(value / divisor)} {name}"


def tick(value: float, unit: str) -> str:
    """Returns a value as a label of an axis: 1 µs, not 1.0 µs."""
    return re.sub(r"\.0\b", "", number(value, unit))


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

    @property
    def is_judged(self) -> bool:
        """Tells whether there are enough rounds to tell a difference from chance."""
        return not self.report["quick"] and self.report["rounds"] >= LEAST_ROUNDS

    def is_lost(self, metric: str, ours: str, rival: str) -> bool:
        """Tells whether a rival is clearly better: in every round, and by enough. Raises KeyError if not measured."""
        ours_rounds, rival_rounds = (self.report["samples"][metric][name] for name in (ours, rival))
        sign = 1 if self._higher_is_better(metric) else -1
        always = all(sign * (other - one) > 0 for one, other in zip(ours_rounds, rival_rounds, strict=True))
        return self.is_judged and always and self.ratios(metric, ours, rival)[0] < LEAST_LOSS

    def ratios(self, metric: str, ours: str, rival: str) -> tuple[float, float, float]:
        """Returns the factors by which `ours` is better in the rounds: the median, the lowest and the highest.

        Raises KeyError if one of them was not measured.
        """
        samples = self.report["samples"][metric]
        names = (ours, rival) if self._higher_is_better(metric) else (rival, ours)
        better, worse = (samples[name] for name in names)
        found = [one / other if other else math.inf for one, other in zip(better, worse, strict=True)]
        return statistics.median(found), min(found), max(found)

    def _higher_is_better(self, metric: str) -> bool:
        return next(bool(row["higher_is_better"]) for row in self.report["metrics"] if row["name"] == metric)


def read(benchmark: str) -> Record:
    """Returns the recorded report of a benchmark. Raises FileNotFoundError if there is none."""
    return Record(json.loads((harness.RESULTS / harness.result_name(benchmark)).read_text(encoding="utf-8")))


def recorded() -> list[str]:
    """Returns the benchmarks with a report for this version of Python."""
    ending = harness.result_name("")
    return sorted(path.name.removesuffix(ending) for path in harness.RESULTS.glob(f"*{ending}"))
