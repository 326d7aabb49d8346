"""Try real packages in interpreters: `make extensions`, `make extensions ARGS="--rounds 100 numpy pandas"`.

Each package is installed in an environment below build/extensions/ and tried in a process of its own (extensions.trial).
The result is written to docs/extensions.md, as soon as all packages have been tried with this Python.
"""

import argparse
import os
import platform
import subprocess
import sys
from itertools import groupby

from extensions.environments import COMPILED, FOLDER, ROOT, Environment
from extensions.packages import Package, all_packages
from extensions.results import (
    Result,
    as_table,
    how_it_ended,
    load_results,
    put_between_marks,
    save_results,
    with_other_versions,
)
from extensions.trial import Outcome

PAGE = ROOT / "docs" / "extensions.md"
SECONDS = 300  # for a package; a tenth of that for each round


def arguments() -> argparse.Namespace:
    """The arguments of the command line."""
    parser = argparse.ArgumentParser(prog="make extensions", description=__doc__)
    parser.add_argument("--rounds", type=int, help="with how many executors; by default as many as the list says")
    parser.add_argument("--no-page", action="store_true", help="leave docs/extensions.md as it is")
    parser.add_argument("packages", nargs="*", help="some of them; all otherwise")
    return parser.parse_args()


def run_trial(package: Package, environment: Environment, rounds: int) -> Result:
    """Try a package in a process of its own. If that process has no room for all rounds, go on in further processes."""
    (FOLDER / "logs" / f"{package.name}.txt").unlink(missing_ok=True)
    result = run_process(package, environment, rounds)
    while result.works and (left := rounds - result.rounds):
        result = result.followed_by(run_process(package, environment, left))
    return result


def run_process(package: Package, environment: Environment, rounds: int) -> Result:
    """Run as many rounds as one process has room for. Its messages are kept in a file."""
    result = Result(package.tried, note="compiled here, because it has no wheel" if package.name in COMPILED else "")
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    variables |= {"PYTHONPATH": str(ROOT / "tests"), "PYTHONFAULTHANDLER": "1"}
    variables |= {"AIOINTERPRETERS_CACHE": str(FOLDER / "cache")}  # not the cache of the user
    logs = FOLDER / "logs"
    logs.mkdir(exist_ok=True)
    with open(logs / f"{package.name}.txt", "a", encoding="utf-8") as log:
        try:
            process = subprocess.run(
                [environment.python, "-m", "extensions.trial", package.name, str(rounds)],
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                timeout=SECONDS + rounds * 30,
                check=False,
            )
        except subprocess.TimeoutExpired:
            result.failure = "the process hangs"
            return result
    if process.stdout:
        result.outcome = Outcome.from_line(process.stdout)
    result.failure = how_it_ended(process.returncode)
    return result


def main() -> int:
    """Return the number of packages that do not work."""
    wanted = arguments()
    packages = all_packages()
    names = wanted.packages or list(packages)
    failed = 0
    chosen = sorted((packages[name] for name in names), key=lambda package: package.group)
    for group, members in groupby(chosen, key=lambda package: package.group):
        environment, in_group = Environment(group), list(members)
        missing = environment.prepare(dict.fromkeys(each for package in in_group for each in package.requirements))
        for package in in_group:
            if failure := next((missing[each] for each in package.requirements if each in missing), ""):
                result = Result(package.tried, failure=failure)
            else:
                result = run_trial(package, environment, wanted.rounds or package.rounds)
            failed += not result.works
            print(f"{package.name}: {result.text}", flush=True)
            save_results(load_results() | {package.name: result})  # other trials may run at the same time
    print(f"{len(chosen) - failed} of {len(chosen)} work")
    results = with_other_versions(load_results())
    if packages.keys() <= results.keys() and not wanted.no_page:
        tried = f"CPython {platform.python_version()}, {platform.machine()}, {' '.join(platform.libc_ver())}"
        working = sum(results[name].works for name in packages)
        staying = [name for name in packages if results[name].works and not results[name].ends_cleanly]
        lines = [
            f"{working} of {len(packages)} packages work. Tried with {tried}.",
            "These packages start threads that do not end, so a worker's interpreter stays in memory: "
            f"{', '.join(staying) or 'none'}.",
            "",
            *as_table(results, packages),
        ]
        put_between_marks(PAGE, "packages", lines)
    return failed


if __name__ == "__main__":
    sys.exit(min(main(), 1))
