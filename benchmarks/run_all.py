"""Runs every benchmark in a process of its own and prints one table of all claims."""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import harness

HERE = Path(__file__).parent


def run(scripts: Sequence[Path], results: Path, passed_on: Sequence[str]) -> list[str]:
    """Runs the scripts one after the other, reports into the folder `results`; returns who failed."""
    failed = []
    for script in scripts:
        print(f"{'=' * 120}", flush=True)
        finished = subprocess.run([sys.executable, str(script), "--json", str(results), *passed_on], check=False)
        if finished.returncode:
            failed.append(script.name)
    return failed


def result_name(script: Path) -> str:
    """The file in which a script leaves its report on this version of Python."""
    return harness.result_name(script.stem.removeprefix("bench_"))


def verdicts(results: Path, scripts: Sequence[Path]) -> list[harness.Verdict | harness.Excess]:
    """Reads what the scripts have just written on this version of Python, in the order of the scripts."""
    return [row for script in scripts for row in harness.read_verdicts(results / result_name(script))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a smoke test: few rounds, numbers mean little")
    parser.add_argument("--table", action="store_true", help="measure nothing: show what the folder of --json already has")
    parser.add_argument("--json", nargs="?", const=str(harness.RESULTS), help="folder to keep the samples in (%(const)s)")
    parser.add_argument("names", nargs="*", metavar="NAME", help="which: `cpu` for bench_cpu.py (all)")
    chosen = parser.parse_args()
    scripts = [HERE / f"bench_{name}.py" for name in chosen.names] or sorted(HERE.glob("bench_*.py"))
    with tempfile.TemporaryDirectory() as scratch:
        results = Path(chosen.json or scratch)
        if chosen.table:
            scripts = [script for script in scripts if (results / result_name(script)).exists()]
        failed = [] if chosen.table else run(scripts, results, ["--quick"] if chosen.quick else [])
        rows = verdicts(results, [script for script in scripts if script.name not in failed])
    print(f"{'=' * 120}\n{harness.describe(harness.machine())}\n\n{harness.verdict_table(rows)}")
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
