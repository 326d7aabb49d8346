"""Writes every table of docs/benchmarks.md from the recorded results: `make figures`; `--check` only compares.

A figure is the median of the rounds. Each table is between two comments. The first one names it.
"""

import itertools
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import bench_growth
import bench_service
import peers
import recorded
import wording

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
BLOCK = re.compile(r"(<!-- figures: ([\w ]+) -->\n).*?(<!-- /figures -->\n)", re.DOTALL)
NO_RIVALS = {peers.NO_POOL, "serial", "sleep(0)", "sleep(0) (uvloop)", "(floor: make such objects)"}  # no pool, no codec
SHORT = {peers.OURS: "**aiointerpreters**, `submit`", peers.OURS_AWAITED: "**aiointerpreters**, `run`"}


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Returns a table in Markdown."""
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def with_origin(record: recorded.Record, text: str) -> str:
    """Adds the source of a table's figures."""
    return f"{text}\n*{record.origin}*\n"


def pools(metrics: dict[str, str]) -> str:
    """Returns a table with a row for each pool. `metrics` are the columns' metrics and headings."""
    record = recorded.read("pools")
    rows = [(SHORT.get(name, name), *(record.cell(metric, name) for metric in metrics)) for name in record.contestants] + [
        (name, f"not measured: {why}", *("",) * (len(metrics) - 1)) for name, why in record.left_out.items()
    ]
    return with_origin(record, table(("Pool", *metrics.values()), rows))


def calls() -> str:
    """The small calls of bench_pools.py."""
    return pools(wording.CALLS)


def work() -> str:
    """The other measures of bench_pools.py."""
    return pools(wording.WORK)


def cannot() -> str:
    """Facts that no benchmark measures."""
    return table(("Pool", "What it cannot do"), peers.CANNOT.items())


def service(load: str) -> str:
    """One load of bench_service.py."""
    record = recorded.read("service")
    head = ("Pool", "answered a second", "p50", "p99", "ping, p50", "ping, p99", "loop's delay, p99", "failed")
    rows = [
        (
            SHORT.get(name, name),
            record.cell(bench_service.rate(load), name),
            *(
                record.cell(bench_service.answered(part, kind, load), name)
                for kind in bench_service.KINDS.values()
                for part in ("p50", "p99")
            ),
            record.cell(bench_service.delay(load), name),
            f"{record.median(bench_service.errors(load), name) or 0:.0f}",
        )
        for name in record.contestants
    ]
    return with_origin(record, table(head, rows))


def growth(question: str, heading: str, points: Callable[[int], str]) -> str:
    """One question of bench_growth.py."""
    record = recorded.read("growth")
    metric, values, _ = bench_growth.QUESTIONS[question]
    names = record.contestants
    rows = [(points(value), *(record.cell(metric.format(value), name) for name in names)) for value in values]
    return with_origin(record, table((heading, *(SHORT.get(name, name) for name in names)), rows))


def losses() -> str:
    """Every figure in which a rival is clearly better, in one table for each benchmark."""
    records = {benchmark: recorded.read(benchmark) for benchmark in recorded.recorded()}
    text = "".join(lost(benchmark, record) for benchmark, record in records.items())
    unjudged = [f"`{benchmark}`" for benchmark, record in records.items() if not record.is_judged]
    if unjudged:
        text += f"\nNot in this list, because there is no full run with at least {recorded.LEAST_ROUNDS} rounds of them: "
        text += f"{', '.join(unjudged)}.\n"
    return text.removeprefix("\n")


def lost(benchmark: str, record: recorded.Record) -> str:
    """Returns the table of a benchmark with the figures in which a rival is clearly better, or no text."""
    rows = []
    for metric, by_name in record.report["samples"].items():
        rivals = [name for name in by_name if not record.is_ours(name) and name not in NO_RIVALS]
        for ours, rival in itertools.product(filter(record.is_ours, by_name), rivals):
            if record.is_lost(metric, ours, rival):
                cells = (record.cell(metric, ours), rival, record.cell(metric, rival))
                ratio, low, high = record.ratios(metric, ours, rival)
                text = f"{recorded.digits(ratio)}x"
                if low > 0:  # memory that is left can be negative, and then a ratio means nothing
                    text += f" ({recorded.digits(low)}x to {recorded.digits(high)}x)"
                rows.append((wording.what(benchmark, metric), wording.way(ours), *cells, text))
    if not rows:
        return ""
    head = ("What", "Used", "aiointerpreters", "Rival", "Rival's", "Ratio")
    return f"\n**{benchmark}:** {record.report['title']}\n\n" + with_origin(record, table(head, rows))


def comparisons() -> str:
    """Every recorded comparison of the benchmarks without a table of their own."""
    text = ""
    for benchmark in recorded.recorded():
        record = recorded.read(benchmark)
        rows = [_comparison(benchmark, verdict) for verdict in record.report["verdicts"]]
        if rows and benchmark not in {"pools", "service", "growth"}:
            head = ("What", "Used", "aiointerpreters", "Rival", "Rival's", "Ratio")
            text += f"\n### {benchmark}\n\n{record.report['title']}\n\n" + with_origin(record, table(head, rows))
    return text.removeprefix("\n")


def _comparison(benchmark: str, verdict: dict[str, float | str]) -> tuple[str, ...]:
    unit = str(verdict["unit"])
    ours, rival = (recorded.number(float(verdict[key]), unit) for key in ("ours_median", "rival_median"))
    ratio = f"{recorded.digits(float(verdict['ratio']))}x"
    used, other = (wording.way(str(verdict[key])) for key in ("ours", "rival"))
    return (wording.what(benchmark, str(verdict["metric"])), used, ours, other, rival, ratio)


TABLES: dict[str, Callable[[], str]] = {
    "calls": calls,
    "work": work,
    "cannot": cannot,
    "service part": lambda: service(bench_service.PART),
    "service more": lambda: service(bench_service.MORE),
    "service full": lambda: service(bench_service.FULL),
    "growth size": lambda: growth("sizes", "Size", wording.size),
    "growth in flight": lambda: growth("in_flight", "Calls in flight", "{:,}".format),
    "growth workers": lambda: growth("growing", "Workers", str),
    "losses": losses,
    "comparisons": comparisons,
}


def written(text: str) -> str:
    """Returns the page with every table as recorded. Raises KeyError for an unknown table."""
    return BLOCK.sub(lambda found: f"{found[1]}\n{TABLES[found[2]]()}\n{found[3]}", text)


def main() -> None:
    text = PAGE.read_text(encoding="utf-8")
    missing = TABLES.keys() - {found[1] for found in BLOCK.findall(text)}
    if missing:
        sys.exit(f"{PAGE.name} has no place for: {', '.join(sorted(missing))}")
    if "--check" in sys.argv[1:]:
        sys.exit(0 if written(text) == text else f"{PAGE.name} does not have the recorded figures: make figures")
    PAGE.write_text(written(text), encoding="utf-8")


if __name__ == "__main__":
    main()
