"""Run the tests that packages ship, in two workers at once, and compare with the same run at home: `make extensions-suites`.

    python -m extensions.suites [NAME...]             all of them, or some; writes docs/extensions.md
    python -m extensions.suites --run WHERE NAME      in this process: WHERE is home or workers; one line of JSON

Tests with different results are named. pytest's capture of descriptors and faulthandler, which it would enable, act on the
whole process. So only Python's own output is captured, and faulthandler stays off.
"""

import importlib
import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from extensions.environments import FOLDER, ROOT, Environment
from extensions.packages import all_packages
from extensions.results import how_it_ended, put_between_marks, rows_between_marks
from support.gate import Gate, hold_then

PAGE = ROOT / "docs" / "extensions.md"
RESULTS = FOLDER / "suites.json"
SECONDS = 5400  # for a suite
IN_TWO = 2
TOOLS = ("Cython==3.3.1", "meson==1.12.1", "ninja==1.13.2")  # for tests that compile

# Name of a suite: the package, and the part of it.
SUITES = {
    **{f"numpy {part}": ("numpy", f"numpy.{part}") for part in ("_core", "fft", "lib", "linalg", "ma", "random")},
    **{f"pandas {part}": ("pandas", f"pandas.tests.{part}") for part in ("frame", "groupby", "reshape", "series")},
    **{f"scipy {part}": ("scipy", f"scipy.{part}") for part in ("linalg", "optimize", "sparse", "special")},
    **{f"scikit-learn {part}": ("scikit-learn", f"sklearn.{part}") for part in ("linear_model", "tree")},
}


class Tally:
    """A plugin of pytest that records the outcome of each test."""

    def __init__(self) -> None:
        self.outcomes: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Record the worst outcome of set-up, call and tear-down."""
        expected = hasattr(report, "wasxfail")
        if report.when == "call" or report.outcome != "passed":
            self.outcomes[report.nodeid] = (
                {"skipped": "xfailed", "passed": "xpassed"}[report.outcome] if expected else report.outcome
            )

    def pytest_collectreport(self, report: Any) -> None:
        """Record a module that cannot be collected."""
        if report.outcome == "failed":
            self.outcomes[report.nodeid] = "error"


def run_suite(module: str) -> dict[str, str]:
    """Run the tests in this interpreter and return the outcome of each test. Workers import this by name."""
    import pytest

    folder = Path(str(importlib.import_module(module).__file__)).parent
    tally = Tally()
    options = ["-q", "-c", os.devnull, "--rootdir", str(folder), "--capture=sys", "--tb=short", "--import-mode=importlib"]
    plugins = [
        "-p",
        "no:faulthandler",
        "-p",
        "no:cacheprovider",
        "-m",
        "not slow and not network and not db and not single_cpu",
    ]
    pytest.main([*options, *plugins, "-W", "ignore::pytest.PytestUnknownMarkWarning", str(folder)], plugins=[tally])
    return tally.outcomes


def run_here(where: str, module: str) -> list[dict[str, str]]:
    """One run at home, or two at the same time in workers."""
    if where == "home":
        return [run_suite(module)]
    gate = Gate()
    with InterpreterThreadPoolExecutor(IN_TWO, extensions="private") as pool:
        futures = [pool.submit(interpreter(hold_then), gate.ends, run_suite, module) for _ in range(IN_TWO)]
        gate.wait_for(IN_TWO)
        gate.open_wide()
        outcomes = [future.result() for future in futures]
    gate.dispose()
    return outcomes


@dataclass
class Run:
    """The result of one process."""

    outcomes: list[dict[str, str]]
    failure: str

    @property
    def text(self) -> str:
        """How the process ended, or the number of tests of each kind."""
        return self.failure or " / ".join(dict.fromkeys(counted(each) for each in self.outcomes)) or "no tests"

    @classmethod
    def of(cls, where: str, name: str, python: Path) -> "Run":
        """Run a suite in a process of its own. Its output is kept in a file."""
        variables = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        variables |= {"PYTHONPATH": str(ROOT / "tests"), "PYTHONFAULTHANDLER": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        variables |= {"AIOINTERPRETERS_CACHE": str(FOLDER / "cache")}  # not the cache of the user
        variables |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        variables["PATH"] = os.pathsep.join([str(python.parent), variables.get("PATH", os.defpath)])
        logs = FOLDER / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        with open(logs / f"{name} {where}.txt", "w", encoding="utf-8") as log:
            try:
                process = subprocess.run(
                    [python, "-m", "extensions.suites", "--run", where, name],
                    env=variables,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                    timeout=SECONDS,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                return cls([], "the process hangs")
        return cls(json.loads(process.stdout or "[]"), how_it_ended(process.returncode))


def counted(outcomes: dict[str, str]) -> str:
    """The number of tests of each kind."""
    return ", ".join(f"{count} {kind}" for kind, count in sorted(Counter(outcomes.values()).items()))


def differing(one: dict[str, str], other: dict[str, str]) -> list[str]:
    """The tests whose outcomes differ, with these outcomes."""
    return sorted(
        f"{test}: {one.get(test, 'not run')} at home, {other.get(test, 'not run')} in a worker"
        for test in one.keys() | other.keys()
        if one.get(test) != other.get(test)
    )


def compare(name: str, python: Path) -> dict[str, Any]:
    """Run a suite at home and in workers. If nothing can be compared, `differing` is None."""
    home, workers = Run.of("home", name, python), Run.of("workers", name, python)
    failure = home.failure or workers.failure
    if failure or [len(run.outcomes) for run in (home, workers)] != [1, IN_TWO] or not home.outcomes[0]:
        return {"home": home.text, "workers": workers.text, "differing": None}
    differences = [difference for each in workers.outcomes for difference in differing(home.outcomes[0], each)]
    return {"home": home.text, "workers": workers.text, "differing": sorted(set(differences))}


def write_page(results: dict[str, Any]) -> None:
    """The table. Rows of suites that were not run stay as they are."""
    head = "| tests | in the main interpreter | in two workers at once | tests with another outcome |"
    lines = [head, "| --- | --- | --- | --- |"]
    rows = rows_between_marks(PAGE, "suites")
    for name, each in results.items():
        others = "not compared" if each["differing"] is None else len(each["differing"]) or "none"
        rows[name] = f"| {name} | {each['home']} | {each['workers']} | {others} |"
    put_between_marks(PAGE, "suites", lines + [rows[name] for name in SUITES if name in rows])


def main(names: list[str]) -> None:
    """Run suites."""
    packages = all_packages()
    environment = Environment("most")
    for name in names or SUITES:
        environment.prepare([packages[SUITES[name][0]].requirement, *TOOLS])
        result = compare(name, environment.python)
        results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}  # other runs may be under way
        results[name] = result
        print(name, json.dumps(results[name], indent=1), flush=True)
        RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        write_page(results)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--run"]:
        with open(os.dup(1), "w", encoding="utf-8") as output:
            os.dup2(2, 1)
            print(json.dumps(run_here(sys.argv[2], SUITES[sys.argv[3]][1])), file=output)
    else:
        main(sys.argv[1:])
