"""Measures an older revision and the current commit in turn, and names the slower figures: `make bench-compare REV=main~5`.

Both revisions are checked out below build/compare and built there as `make develop` builds, each into its own environment.
Both run the benchmarks of the working tree, so both do the same work. Only this package is measured, not its rivals. Every
benchmark runs with one revision and then with the other, many times, each time in a process of its own. The order
alternates. A figure is the median of a process.

A figure counts as slower under two conditions. Its median is at least 5 % worse. And the figures of the new revision are
worse by a one-sided Mann-Whitney test at the level 0.01, divided by the number of figures (Bonferroni).
So about one of a hundred comparisons of equal revisions names any figure. The exit status is 1 if a figure is slower.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import harness
import listing
import run_all

ROOT = Path(__file__).parent.parent
LEVEL = 0.01
LEAST_CHANGE = 1.05
DEFAULT = ("asyncio", "codec", "cpu", "data", "latency", "startup", "throughput")

type Figures = Mapping[tuple[str, str, str], list[float]]
"""(benchmark, metric, contestant) -> one figure for each process."""


@dataclass(frozen=True)
class Change:
    """A figure of both revisions. `ratio` is above 1 if the new one is worse. The chances are probabilities of pure luck."""

    benchmark: str
    metric: str
    contestant: str
    unit: str
    old: Sequence[float]
    new: Sequence[float]
    ratio: float
    chance_slower: float
    chance_faster: float

    def verdict(self, level: float) -> str:
        """Returns `slower`, `faster` or an empty string."""
        if self.ratio >= LEAST_CHANGE and self.chance_slower <= level:
            return "slower"
        return "faster" if self.ratio <= 1 / LEAST_CHANGE and self.chance_faster <= level else ""


def chance(smaller: Sequence[float], greater: Sequence[float]) -> float:
    """Returns the probability that `greater` exceeds `smaller` this often or more often by luck alone.

    This is the exact one-sided Mann-Whitney U test (Mann and Whitney, Annals of Mathematical Statistics 18, 1947). A tie
    does not count as greater, so with ties the result is never too small.
    """
    excesses = sum(two > one for one in smaller for two in greater)
    orders = _orders(len(smaller), len(greater))
    return sum(orders[excesses:]) / sum(orders)


def _orders(one: int, other: int) -> list[int]:
    """Returns for each U the number of orders of these values that have it: the coefficients of a Gaussian binomial."""
    counts = [1] + [0] * (one * other)
    for step in range(1, one + 1):
        for u in range(len(counts) - 1, other + step - 1, -1):  # times 1 - q^(other + step)
            counts[u] -= counts[u - other - step]
        for u in range(step, len(counts)):  # divided by 1 - q^step
            counts[u] += counts[u - step]
    return counts


def least_rounds(figures: int) -> int:
    """Returns the number of rounds from which the rule can name one of this number of figures at all."""
    rounds = 2
    while 1 / math.comb(2 * rounds, rounds) > LEVEL / figures:
        rounds += 1
    return rounds


def changes(old: Figures, new: Figures, metrics: Mapping[tuple[str, str], harness.Metric]) -> list[Change]:
    """Returns the metrics that both revisions have, in the order of the old one."""
    return [
        _change(key, metrics[key[:2]], values, new[key]) for key, values in old.items() if key in new and len(values) > 1
    ]


def _change(key: tuple[str, str, str], metric: harness.Metric, old: Sequence[float], new: Sequence[float]) -> Change:
    medians = statistics.median(old), statistics.median(new)
    good, bad = (medians[1], medians[0]) if metric.higher_is_better else medians
    slower, faster = (
        (chance(new, old), chance(old, new)) if metric.higher_is_better else (chance(old, new), chance(new, old))
    )
    ratio = bad / good if good else math.inf if bad else 1.0
    return Change(*key, metric.unit, old, new, ratio, slower, faster)


def report(found: Sequence[Change]) -> tuple[str, list[Change]]:
    """Returns the table of all figures, and the slower ones."""
    level = LEVEL / max(1, len(found))
    rows = [
        (
            change.benchmark,
            f"{change.metric}, {change.contestant.removeprefix(harness.OURS)}",
            _spread(change.old, change.unit),
            _spread(change.new, change.unit),
            f"{change.ratio:.2f}",
            change.verdict(level),
        )
        for change in found
    ]
    head = ("benchmark", "figure", "old: median (range)", "new: median (range)", "times worse", "")
    return harness.table(head, rows, right=(4,)), [change for change in found if change.verdict(level) == "slower"]


def _spread(values: Sequence[float], unit: str) -> str:
    median, least, most = (harness.number(value) for value in (statistics.median(values), min(values), max(values)))
    return f"{median} {unit} ({least} .. {most})"


def commit_of(revision: str) -> str:
    """Returns the hash of a revision. Ends the program if there is no such revision."""
    try:
        return _output("git", "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    except subprocess.CalledProcessError:
        sys.exit(f"there is no revision {revision!r}")


def build(revision: str) -> tuple[str, Path]:
    """Checks a revision out and builds it. Returns its short hash and its Python. Ends the program if that fails."""
    commit = commit_of(revision)
    tree = ROOT / "build" / "compare" / commit[:12]
    develop = [str(tree / "tools" / "develop"), os.path.realpath(sys.executable)]
    try:
        if not (tree / ".git").exists():
            _output("git", "worktree", "prune")
            _output("git", "worktree", "add", "--quiet", "--force", "--detach", str(tree), commit)
        return commit[:12], Path(_output(*develop))
    except subprocess.CalledProcessError as error:
        sys.exit(f"{revision!r} cannot be built: {' '.join(error.cmd)} ended with {error.returncode}")


def _output(*command: str) -> str:
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT).stdout.strip()


def measure(
    pythons: Mapping[str, Path], names: Sequence[str], rounds: int, options: Sequence[str]
) -> tuple[dict[str, Figures], dict[tuple[str, str], harness.Metric]]:
    """Runs each benchmark this number of times with each Python. Returns the figures by revision, and their metrics."""
    figures: dict[str, dict[tuple[str, str, str], list[float]]] = {revision: {} for revision in pythons}
    metrics: dict[tuple[str, str], harness.Metric] = {}
    refused: set[tuple[str, str]] = set()
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch, "report.json")
        for turn in range(rounds):
            order = list(pythons.items())[:: 1 if turn % 2 else -1]
            for name in names:
                for revision, python in order:
                    if (name, revision) in refused:
                        continue
                    print(f"round {turn + 1} of {rounds}: {name}, {revision}", file=sys.stderr)
                    if not _run(python, name, file, options):
                        print(f"{name} does not run with {revision}: it is left out", file=sys.stderr)
                        refused.add((name, revision))
                        continue
                    read = json.loads(file.read_text(encoding="utf-8"))
                    metrics |= {(name, row["name"]): harness.Metric(**row) for row in read["metrics"]}
                    for metric, by_contestant in read["samples"].items():
                        for contestant, values in by_contestant.items():
                            key = (name, metric, contestant)
                            figures[revision].setdefault(key, []).append(statistics.median(values))
    return dict(figures.items()), metrics


def _run(python: Path, name: str, file: Path, options: Sequence[str]) -> bool:
    settings = ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")  # removed, because users do not set them
    environment = {key: value for key, value in os.environ.items() if key not in settings}
    command = [str(python), str(listing.script_of(name)), "--ours", "--json", str(file), *options]
    return subprocess.run(command, stdout=subprocess.DEVNULL, env=environment, check=False).returncode == 0


def parsed() -> argparse.Namespace:
    """Parses the command line."""
    parser = argparse.ArgumentParser(prog="compare_revisions", description=__doc__)
    parser.add_argument("revision", help="what the current commit is compared with: a branch, a tag, a hash, main~5")
    parser.add_argument("names", nargs="*", type=run_all.known, metavar="NAME", help=f"benchmarks ({' '.join(DEFAULT)})")
    parser.add_argument(
        "--rounds", type=harness.count, default=10, help="processes of each benchmark and revision (%(default)s)"
    )
    parser.add_argument("--within", type=harness.count, default=3, help="rounds within a process (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="see that all works: figures mean little")
    return parser.parse_args()


def main() -> None:
    chosen = parsed()
    if _output("git", "status", "--porcelain", "--untracked-files=no"):
        print("uncommitted changes of the package are not measured; those of the benchmarks are", file=sys.stderr)
    if commit_of(chosen.revision) == commit_of("HEAD"):
        sys.exit(f"{chosen.revision!r} is the current commit: there is nothing to compare")
    (old, old_python), (new, new_python) = build(chosen.revision), build("HEAD")
    options = ["--rounds", str(chosen.within), *(["--quick"] if chosen.quick else [])]
    figures, metrics = measure({old: old_python, new: new_python}, chosen.names or DEFAULT, chosen.rounds, options)
    found = changes(figures[old], figures[new], metrics)
    if not found:
        sys.exit("no figure was measured with both revisions")
    table, slower = report(found)
    print(f"{harness.describe(harness.machine())}\nold: {old}, new: {new}, {chosen.rounds} rounds\n\n{table}\n")
    if chosen.rounds < least_rounds(len(found)):
        print(f"{chosen.rounds} rounds say nothing about {len(found)} figures: --rounds {least_rounds(len(found))} or more")
        sys.exit(0 if chosen.quick else 2)
    for change in slower:
        print(f"slower: {change.benchmark}: {change.metric}, {change.contestant}: {change.ratio:.2f} times worse")
    if slower:
        sys.exit(1)
    print("nothing got slower")


if __name__ == "__main__":
    main()
