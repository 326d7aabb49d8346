"""Runs benchmarks, each in a process of its own, and prints one table of all claims.

`make bench NAMES="latency asyncio"` runs two of them. `make bench ARGS=--list` lists them.
"""

import argparse
import difflib
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import harness
import listing
from listing import names, script_of

LINE = "=" * 120


def known(name: str) -> str:
    """Returns the name if there is such a benchmark. Otherwise raises argparse.ArgumentTypeError with the nearest name."""
    everything = names()
    if name in everything:
        return name
    near = difflib.get_close_matches(name, everything, n=1, cutoff=0.4)
    guess = f"did you mean {near[0]!r}? " if near else ""
    raise argparse.ArgumentTypeError(f"there is no benchmark {name!r}: {guess}--list names them all")


def run(chosen: Sequence[str], results: Path, passed_on: Sequence[str]) -> list[str]:
    """Runs the benchmarks one after the other and writes reports into the folder `results`. Returns those that failed."""
    failed = []
    for name in chosen:
        print(LINE, flush=True)
        command = [sys.executable, str(script_of(name)), "--json", str(results), *passed_on]
        if subprocess.run(command, check=False).returncode:
            failed.append(name)
    return failed


def verdicts(results: Path, chosen: Sequence[str]) -> list[harness.Verdict | harness.Excess]:
    """Reads the reports of the benchmarks for this version of Python, in the order of the benchmarks."""
    return [row for name in chosen for row in harness.read_verdicts(results / harness.result_name(name))]


def parsed() -> argparse.Namespace:
    """Parses the command line."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--list", action="store_true", help="say which benchmarks there are, and run none")
    parser.add_argument("--quick", action="store_true", help="see that all works: few rounds, figures mean little")
    parser.add_argument("--rounds", type=harness.count, help="how often each contestant is measured")
    parser.add_argument("--json", action="store_true", help="keep the samples in benchmarks/results, or in --folder")
    parser.add_argument("--folder", type=harness.place, help="where --json and --table look")
    parser.add_argument("--table", action="store_true", help="measure nothing: show what the folder already has")
    parser.add_argument("names", nargs="*", type=known, metavar="NAME", help="which: `cpu` for bench_cpu.py (all)")
    chosen = parser.parse_args()
    if chosen.table:
        if not (folder := chosen.folder or harness.RESULTS).is_dir():
            parser.error(f"there is no folder {folder}")
        if missing := [name for name in chosen.names if not (folder / harness.result_name(name)).exists()]:
            parser.error(f"{folder} has no results of {', '.join(missing)} for this version of Python")
        if not any((folder / harness.result_name(name)).exists() for name in names()):
            parser.error(f"{folder} has no results for this version of Python")
    return chosen


def main() -> None:
    chosen = parsed()
    if chosen.list:
        listing.main()
        return
    wanted: list[str] = chosen.names or names()
    passed_on = ["--quick"] if chosen.quick else []
    if chosen.rounds is not None:
        passed_on += ["--rounds", str(chosen.rounds)]
    with tempfile.TemporaryDirectory() as scratch:
        kept = chosen.json or chosen.table or chosen.folder is not None
        results = (chosen.folder or harness.RESULTS) if kept else Path(scratch)
        if chosen.table:
            wanted = [name for name in wanted if (results / harness.result_name(name)).exists()]
        failed = [] if chosen.table else run(wanted, results, passed_on)
        rows = verdicts(results, [name for name in wanted if name not in failed])
    print(f"{LINE}\n{harness.describe(harness.machine())}\n\n{harness.verdict_table(rows)}")
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
