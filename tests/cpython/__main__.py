"""Prints figures, deviations and failures: python -m cpython [WORD...] does so for the suites whose names contain a WORD."""

import sys
import tempfile
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from cpython.suites import AT_ONCE, FIGURES, SUITES, Suite, Verdict, have_tests, make_environment, run


def _run_all(suites: list[Suite]) -> dict[Suite, Verdict]:
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(AT_ONCE) as pool:
        folder = Path(name)
        python = make_environment(folder / "environment")
        return dict(zip(suites, pool.map(partial(run, python=python, folder=folder), suites), strict=True))


def _print_table(verdicts: dict[Suite, Verdict]) -> None:
    row = ("{:34}" + "{:>9}" * (len(FIGURES) + 1)).format
    print(row(f"CPython {sys.version.split()[0]}", *FIGURES, "seconds"))
    for suite in sorted(verdicts, key=str):
        print(row(str(suite), *verdicts[suite].figures, f"{verdicts[suite].seconds:.1f}"))
    together = [sum(column) for column in zip(*(verdict.figures for verdict in verdicts.values()), strict=True)]
    print(row("together", *together, f"{sum(verdict.seconds for verdict in verdicts.values()):.1f}"))


def main(*words: str) -> int:
    """Run the suites and return the exit code."""
    if not have_tests():
        print("this CPython comes without its tests", file=sys.stderr)
        return 2
    verdicts = _run_all([suite for suite in SUITES if not words or any(word in str(suite) for word in words)])
    _print_table(verdicts)
    tests: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for suite, verdict in verdicts.items():
        for test, reason in verdict.listed.items():
            tests[suite.role, reason].append(test)
    for (role, reason), names in sorted(tests.items()):
        print(f"\nlisted ({role}): {reason}", *sorted(names), sep="\n    ")
    for suite, verdict in verdicts.items():
        for problem in verdict.problems:
            print(f"\n{suite}: {problem}")
    return int(any(verdict.problems for verdict in verdicts.values()))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
