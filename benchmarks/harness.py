"""Runs contestants side by side and reports the results: medians, spread, and ratios round by round.

In every round each contestant is measured once, and the order rotates from round to round. So if a machine gets slower for
a while, it slows all contestants. The ratio of two contestants is the median of their ratios within the rounds.
The harness only prints targets beside the ratios.
"""

import argparse
import gc
import importlib.metadata
import json
import math
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

type Measure = Callable[[], Mapping[str, float]]
"""Takes one sample: metric's name -> value in the metric's unit."""

type Samples = Mapping[str, Mapping[str, list[float]]]
"""Metric's name -> contestant's name -> one value a round."""

RESULTS = Path(__file__).parent / "results"
FRESH_PROCESS_TIMEOUT = 200.0
OURS = "aiointerpreters, "  # the names of contestants from this package begin with this


@dataclass(frozen=True)
class Metric:
    """A measured quantity, its unit, and whether more or less is better."""

    name: str
    unit: str
    higher_is_better: bool = False


@dataclass(frozen=True)
class Claim:
    """`ours` is at least `target` times better than `rival` in `metric`. Without a target, the ratio is only reported."""

    metric: str
    ours: str
    rival: str
    target: float | None = None


@dataclass(frozen=True)
class Limit:
    """In `metric`, `ours` is at most `most` above the metric `base`, in the same unit and in the same round.

    Without a base: at most `most` in total.
    """

    metric: str
    base: str | None
    ours: str
    most: float


@dataclass(frozen=True)
class Benchmark:
    """A question that several contestants answer."""

    name: str
    title: str
    metrics: Sequence[Metric]
    claims: Sequence[Claim]
    limits: Sequence[Limit] = ()


@dataclass(frozen=True)
class Verdict:
    """A claim and its measurements: medians in `unit`, and the factor by which ours is better (median of the rounds)."""

    metric: str
    unit: str
    ours: str
    ours_median: float
    rival: str
    rival_median: float
    ratio: float
    target: float | None

    @property
    def reached(self) -> str:
        """`yes` or `no`; empty without a target."""
        return "" if self.target is None else "yes" if self.ratio >= self.target else "no"

    @property
    def cells(self) -> tuple[str, ...]:
        """Its row in the table of all claims."""
        return (
            _subject(self.metric, self.ours),
            f"{number(self.ours_median)} {self.unit}",
            f"{number(self.rival_median)} {self.unit}",
            self.rival,
            f"{self.ratio:.2f}x",
            "" if self.target is None else f">= {self.target:g}x",
            self.reached,
        )


@dataclass(frozen=True)
class Excess:
    """A limit and its measurements: medians in `unit`, and the excess over `base` (median of the rounds)."""

    metric: str
    unit: str
    ours: str
    ours_median: float
    base: str | None
    base_median: float
    excess: float
    limit: float

    @property
    def reached(self) -> str:
        """`yes` or `no`."""
        return "yes" if self.excess <= self.limit else "no"

    @property
    def cells(self) -> tuple[str, ...]:
        """Its row in the table of all claims."""
        beside = ("", "", "")
        if self.base is not None:
            base_median, excess = (f"{number(value)} {self.unit}" for value in (self.base_median, self.excess))
            beside = (base_median, f"itself, {self.base}", f"{excess} more")
        return (
            _subject(self.metric, self.ours),
            f"{number(self.ours_median)} {self.unit}",
            *beside,
            f"<= {self.limit:g} {self.unit}",
            self.reached,
        )


def count(text: str) -> int:
    """Reads a whole number above 0 from the command line. Raises argparse.ArgumentTypeError."""
    if not (text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"must be a whole number above 0, not {text!r}")
    return int(text)


def amount(text: str) -> float:
    """Reads a number above 0 from the command line. Raises ValueError or argparse.ArgumentTypeError."""
    if not 0 < float(text) < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number above 0, not {text!r}")
    return float(text)


def place(text: str) -> Path:
    """Reads a path at which files will be written, perhaps in new folders. Raises argparse.ArgumentTypeError."""
    path = Path(text).absolute()
    above = path.parent if path.suffix == ".json" else path
    while not above.exists():
        above = above.parent
    if not above.is_dir():
        raise argparse.ArgumentTypeError(f"{str(above)!r} is not a folder")
    if not os.access(above, os.W_OK):
        raise argparse.ArgumentTypeError(f"nothing can be written to {str(above)!r}")
    return Path(text)


def options(parser: argparse.ArgumentParser, *, rounds: int, quick_rounds: int = 2) -> argparse.Namespace:
    """Parses the command line with the options that all benchmarks share: `workers`, `rounds`, `quick`, `json`."""
    cores = max(2, os.process_cpu_count() or 1)
    parser.add_argument("--workers", type=count, default=cores, help="max_workers of every executor (%(default)s)")
    parser.add_argument("--rounds", type=count, help=f"times each contestant is measured ({rounds})")
    parser.add_argument("--quick", action="store_true", help="a smoke test: few rounds, numbers mean little")
    parser.add_argument(
        "--json",
        nargs="?",
        type=place,
        const=RESULTS,
        metavar="PATH",
        help="write the samples to a file or folder (%(const)s)",
    )
    parser.add_argument("--ours", action="store_true", help="measure this package only, without its rivals")
    parsed = parser.parse_args()
    parsed.rounds = parsed.rounds or (quick_rounds if parsed.quick else rounds)
    return parsed


def run(
    benchmark: Benchmark,
    contestants: Mapping[str, Measure],
    chosen: argparse.Namespace,
    left_out: Mapping[str, str] | None = None,
) -> None:
    """Measures all contestants, prints the report, and writes it to the place that `--json` names.

    `left_out` are the contestants that are not measured, and the reasons. The report names them too.
    """
    if chosen.ours:
        contestants = {name: measure for name, measure in contestants.items() if name.startswith(OURS)}
    facts = machine()
    print(f"{benchmark.name}: {benchmark.title}\n{describe(facts)}", flush=True)
    samples = _sample(benchmark.metrics, contestants, chosen.rounds)
    verdicts, excesses = judge(benchmark, samples), judge_limits(benchmark, samples)
    print(f"rounds: {chosen.rounds}, workers: {chosen.workers}\n")
    print(f"{sample_table(benchmark.metrics, samples)}\n\n{verdict_table([*verdicts, *excesses])}")
    if chosen.json is not None:
        settings: dict[str, object] = {"workers": chosen.workers, "rounds": chosen.rounds, "quick": chosen.quick}
        if left_out:
            settings["left_out"] = dict(left_out)
        _save(chosen.json, benchmark, {"machine": facts, **settings}, samples, verdicts, excesses)


def judge(benchmark: Benchmark, samples: Samples) -> list[Verdict]:
    """Returns a verdict on each claim if all of its contestants were measured."""
    metrics = {metric.name: metric for metric in benchmark.metrics}
    return [
        _verdict(claim, metrics[claim.metric], samples[claim.metric])
        for claim in benchmark.claims
        if {claim.ours, claim.rival} <= samples[claim.metric].keys()
    ]


def judge_limits(benchmark: Benchmark, samples: Samples) -> list[Excess]:
    """Returns the excess over each limit's base, if it was measured."""
    units = {metric.name: metric.unit for metric in benchmark.metrics}
    return [
        _excess(limit, units[limit.metric], samples)
        for limit in benchmark.limits
        if limit.ours in samples[limit.metric] and (limit.base is None or limit.ours in samples[limit.base])
    ]


def read_verdicts(report: Path) -> list[Verdict | Excess]:
    """Reads the verdicts on claims and limits from a file that `--json` has written."""
    read = json.loads(report.read_text())
    return [*(Verdict(**row) for row in read["verdicts"]), *(Excess(**row) for row in read["excesses"])]


def in_fresh_process(
    command: Sequence[str],
    bytecode: str,
    *,
    cached: bool = True,
    python: str = sys.executable,
    variables: Mapping[str, str] | None = None,
) -> dict[str, float]:
    """Runs `python` with the arguments `command` in a process of its own. Returns the JSON object that it prints.

    The environment is the one that users have, and these `variables`. PYTHONUNBUFFERED, which test machines set, changes
    the memory of streams.
    Imports take several times longer without cached bytecode, so its state is fixed. Either it is cached in the folder
    `bytecode`, which the first round fills, or it is neither read nor written, as in container images without
    bytecode. Raises subprocess.CalledProcessError, or TimeoutExpired after `FRESH_PROCESS_TIMEOUT` seconds.
    """
    settings = ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")
    environment = {name: value for name, value in os.environ.items() if name not in settings}
    environment |= variables or {}
    if cached:
        environment["PYTHONPYCACHEPREFIX"] = bytecode
    else:
        environment |= {"PYTHONPYCACHEPREFIX": os.devnull, "PYTHONDONTWRITEBYTECODE": "1"}
    finished = subprocess.run(
        [python, *command],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=FRESH_PROCESS_TIMEOUT,
        env=environment,
    )
    answer: dict[str, float] = json.loads(finished.stdout)
    return answer


def result_name(benchmark: str) -> str:
    """Returns the file name of a benchmark's results on this version of Python."""
    return f"{benchmark}-{sys.version_info.major}.{sys.version_info.minor}.json"


def machine() -> dict[str, str]:
    """Returns the facts on which the numbers depend: processor, system, Python, package, date."""
    return {
        "cpu": _processor(),
        "cores": str(os.process_cpu_count()),
        "system": f"{platform.system()} {platform.release()}",
        "load": f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown",
        "python": f"{platform.python_implementation()} {platform.python_version()}{_build()}",
        "package": _package_version(),
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }


def describe(facts: Mapping[str, str]) -> str:
    """Returns the machine's facts as two lines of text."""
    return (
        f"{facts['cpu']}, {facts['cores']} cores, {facts['system']}, load before: {facts['load']}\n"
        f"{facts['python']}, aiointerpreters {facts['package']}, {facts['date']}"
    )


def sample_table(metrics: Sequence[Metric], samples: Samples) -> str:
    """Returns a table of each contestant's median and range in every metric."""
    rows = [
        (metric.name, contestant, number(statistics.median(values)), metric.unit, _range(values))
        for metric in metrics
        for contestant, values in samples[metric.name].items()
    ]
    return table(("metric", "contestant", "median", "", "lowest .. highest"), rows, right=(2,))


def verdict_table(verdicts: Sequence[Verdict | Excess]) -> str:
    """Returns the table of all claims. `better` is the factor (median of the rounds), or the excess for a limit."""
    if not verdicts:
        return "no rival here to compare with"
    head = ("claim", "ours", "rival's", "rival", "better", "target", "reached")
    return table(head, [verdict.cells for verdict in verdicts], right=(1, 2, 4, 5))


def table(head: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    """Returns plain text in aligned columns. Columns whose numbers are in `right` are aligned to the right."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = [head, tuple("-" * width for width in widths), *rows]
    return "\n".join(
        "  ".join(f"{cell:{'>' if at in right else '<'}{widths[at]}}" for at, cell in enumerate(line)).rstrip()
        for line in lines
    )


def _sample(metrics: Sequence[Metric], contestants: Mapping[str, Measure], rounds: int) -> Samples:
    """Measures all contestants `rounds` times, after one round to warm up."""
    samples: dict[str, dict[str, list[float]]] = {metric.name: {} for metric in metrics}
    names = list(contestants)
    for turn in range(-1, rounds):
        for name in (*names[turn % len(names) :], *names[: turn % len(names)]):
            _tell(f"round {turn + 1} of {rounds}: {name}")
            gc.collect()
            for metric, value in contestants[name]().items():
                if turn >= 0:
                    samples[metric].setdefault(name, []).append(value)
    _tell("")
    return {metric: {name: by_name[name] for name in names if name in by_name} for metric, by_name in samples.items()}


def _verdict(claim: Claim, metric: Metric, samples: Mapping[str, list[float]]) -> Verdict:
    ours, rival = samples[claim.ours], samples[claim.rival]
    better, worse = (ours, rival) if metric.higher_is_better else (rival, ours)
    ratio = statistics.median(one / other if other else math.inf for one, other in zip(better, worse, strict=True))
    medians = statistics.median(ours), statistics.median(rival)
    return Verdict(metric.name, metric.unit, claim.ours, medians[0], claim.rival, medians[1], ratio, claim.target)


def _excess(limit: Limit, unit: str, samples: Samples) -> Excess:
    ours = samples[limit.metric][limit.ours]
    base = [0.0] * len(ours) if limit.base is None else samples[limit.base][limit.ours]
    excess = statistics.median(one - other for one, other in zip(ours, base, strict=True))
    medians = statistics.median(ours), statistics.median(base)
    return Excess(limit.metric, unit, limit.ours, medians[0], limit.base, medians[1], excess, limit.most)


def _save(
    path: Path,
    benchmark: Benchmark,
    settings: Mapping[str, object],
    samples: Samples,
    verdicts: Sequence[Verdict],
    excesses: Sequence[Excess],
) -> None:
    """Writes everything to the file `path`, or into the folder `path` under the name of the benchmark and the version."""
    if path.suffix != ".json":
        path = path / result_name(benchmark.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    report = {
        "benchmark": benchmark.name,
        "title": benchmark.title,
        **settings,
        "metrics": [asdict(metric) for metric in benchmark.metrics],
        "samples": samples,
        "verdicts": [asdict(verdict) for verdict in verdicts],
        "excesses": [asdict(excess) for excess in excesses],
    }
    path.write_text(json.dumps(report, indent=1) + "\n")


def _tell(progress: str) -> None:
    """Shows on one line what is being measured, if the output is a terminal."""
    if sys.stderr.isatty():
        print(f"\r\033[K{progress}", end="", file=sys.stderr, flush=True)


def _subject(metric: str, ours: str) -> str:
    """Returns the subject of a claim: the metric, and our way to measure it if there are several."""
    return f"{metric}, {ours.removeprefix('aiointerpreters, ')}"


def number(value: float) -> str:
    """Returns `value` with at least three significant digits."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}" if value >= 100 else f"{value:#.3g}"


def _range(values: Sequence[float]) -> str:
    return f"{number(min(values))} .. {number(max(values))}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def _build() -> str:
    """Reports a debug build, because its numbers mean little."""
    return " (debug build)" if hasattr(sys, "gettotalrefcount") else ""


def _package_version() -> str:
    """Returns the version of this package and, in a clone, the last commit that changed it."""
    try:
        version = importlib.metadata.version("aiointerpreters")
    except importlib.metadata.PackageNotFoundError:
        return "(not installed)"
    asked = ["git", "-C", str(Path(__file__).parents[1]), "log", "-1", "--format=%h", "--", "core", "src"]
    try:
        commit = subprocess.run(asked, capture_output=True, text=True, timeout=60)
    except OSError:
        return version  # there is no git
    return f"{version} ({commit.stdout.strip()})" if commit.stdout.strip() else version
