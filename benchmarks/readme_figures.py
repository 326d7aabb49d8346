"""Writes the table of figures in README.md from the recorded results: `make figures`; `--check` only compares.

A figure is the median of the rounds. "Better" is the median of the ratios of the rounds, as in the benchmarks' own reports.
"""

import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import awaiting
import cited_figures
import recorded

README = Path(__file__).parent.parent / "README.md"
BEGIN, END = "<!-- figures: written by make figures -->\n", "<!-- /figures -->\n"
OURS, RUN, PRIVATE = "aiointerpreters, tagged", "aiointerpreters, run", "aiointerpreters, private"
THREADS, INTERPRETERS, PROCESSES = "ThreadPoolExecutor", "InterpreterPoolExecutor", "ProcessPoolExecutor"


@dataclass(frozen=True)
class Row:
    """A line of the table: what was measured, by which benchmark, of which contestant, and compared with which."""

    what: str
    benchmark: str
    metric: str
    rival: str = INTERPRETERS
    ours: str = OURS


ROWS = (
    Row("no-op tasks, submitted and collected", "throughput", "no-op throughput"),
    Row("no-op tasks, submitted and collected", "throughput", "no-op throughput", THREADS),
    Row(
        "untagged no-op tasks (in threads), submitted and collected",
        "throughput",
        "no-op throughput",
        THREADS,
        "aiointerpreters, untagged",
    ),
    Row("one `submit().result()`, median", "latency", "p50 of one no-op"),
    Row(
        "a dataclass sent and returned while other programs keep every core busy, 90th percentile",
        "busy",
        "one dataclass, p90, 1 foreign process a core",
    ),
    Row("10,000 ints sent and returned", "data", "echo of 10 k ints"),
    Row("1,000 small dicts sent and returned", "data", "echo of 1 k small dicts"),
    Row("64 MB of bytes sent and returned", "data", "echo of 64 MB of bytes"),
    Row("a 64 MB memoryview sent and returned", "data", "echo of a memoryview of 64 MB"),
    Row("a 64 MB NumPy array as an argument", "arrays", "64 MB array as argument", PROCESSES, PRIVATE),
    Row(
        "a pandas DataFrame of 1 M rows x 5 as a result", "arrays", "DataFrame of 1 M rows x 5 as result", PROCESSES, PRIVATE
    ),
    Row(
        "a polars DataFrame of 1 M rows x 5 as an argument",
        "arrays",
        "polars frame of 1 M rows x 5 as argument",
        PROCESSES,
        PRIVATE,
    ),
    Row("NumPy work on small arrays, 2 cores", "arrays", "work on small arrays", THREADS, PRIVATE),
    Row("first results of two new interpreters", "startup", "first results of 2 interpreters"),
    Row("memory of each additional interpreter, function in a module without imports", "memory", cited_figures.PLAIN),
    Row(
        "memory of each additional interpreter, function in a script like the example above", "memory", cited_figures.SCRIPT
    ),
    Row("CPU-bound work on 2 cores", "cpu", "CPU-bound work", "serial"),
    Row("asyncio: `gather` of no-ops through `run`", "asyncio", "gather of no-ops", INTERPRETERS, RUN),
    Row("asyncio: `to_thread` of a no-op", "asyncio", "gather of to_thread", THREADS),
    Row(
        "asyncio: delay of the event loop while both workers compute, 99th percentile",
        "asyncio_delay",
        awaiting.delay("p99", awaiting.LOADS[-1]),
        THREADS,
        RUN,
    ),
)


def cells(row: Row) -> tuple[str, ...]:
    """Returns the columns of a line."""
    report = recorded.read(row.benchmark).report
    metric = next(metric for metric in report["metrics"] if metric["name"] == row.metric)
    samples = report["samples"][row.metric]
    ours, rival = samples[row.ours], samples[row.rival]
    better, worse = (ours, rival) if metric["higher_is_better"] else (rival, ours)
    ratio = statistics.median(one / other for one, other in zip(better, worse, strict=True))
    unit = metric["unit"]
    return (
        row.what,
        recorded.number(statistics.median(ours), unit),
        f"{row.rival} {recorded.number(statistics.median(rival), unit)}",
        f"{recorded.digits(ratio)}x",
    )


def table(rows: Sequence[Row]) -> str:
    """Returns the table and its sources, as Markdown."""
    head = ("What", "aiointerpreters", "compared with", "better by")
    lines = [head, ("---",) * len(head), *(cells(row) for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines) + f"\n{sources(rows)}"


def sources(rows: Sequence[Row]) -> str:
    """Returns where and when each benchmark was recorded: one line for each machine and its versions."""
    found: dict[str, dict[str, list[str]]] = {}
    for benchmark in dict.fromkeys(row.benchmark for row in rows):
        record = recorded.read(benchmark)
        quick = " (a quick run: its figures mean little)" if record.report["quick"] else ""
        found.setdefault(record.place, {}).setdefault(record.day, []).append(f"`{benchmark}`{quick}")
    lines = [
        f"- {place}: " + "; ".join(f"{', '.join(names)} on {day}" for day, names in sorted(days.items()))
        for place, days in found.items()
    ]
    return "Machines, versions and dates of the benchmarks:\n\n" + "\n".join(lines) + "\n"


def main() -> None:
    text = README.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    written = f"{before}{begin}\n{table(ROWS)}\n{end}{after}"
    if "--check" in sys.argv[1:]:
        sys.exit(0 if written == text and begin and end else "README.md does not have the recorded figures: make figures")
    README.write_text(written, encoding="utf-8")


if __name__ == "__main__":
    main()
