"""The command line of `check`."""

import argparse
import json
import os
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from .. import _core
from . import report
from .process import Processes
from .targets import UNKNOWN, Skipped, Target, find_targets, search_path
from .verdict import DECLARED, PRIVATE, WORKS, Verdict, home_problem, is_missing, judge

PROGRAM = "python -m aiointerpreters check"
_STOPPED = 130  # the exit status of a program that Ctrl-C has ended

_DESCRIPTION = """
Import each target in a process of its own, in the main interpreter and then in two interpreters at the same time. Print what
works, which extension modules refuse and why, which ones a package silently leaves out, and what to do.
"""
_EPILOG = """
The exit status is 0 if everything works, 1 if something does not, and 2 if the command line is wrong, a target does not
exist, or a file cannot be read.
"""


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit status: 0, 1 or 2, as above; 130 after Ctrl-C."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    if not chosen.targets and not chosen.all:
        parser.error("name a target, or use --all")
    if chosen.extensions == PRIVATE and (reason := _core.why_no_copies()) is not None:
        parser.error(f"--extensions private is not supported here: {reason}")
    ways = [DECLARED, PRIVATE] if chosen.extensions == "both" else [chosen.extensions]
    if _core.why_no_copies() is not None:
        ways = [DECLARED]
    skipped: list[Skipped] = []
    try:
        targets = find_targets(chosen.targets, chosen.all, skipped)
        with Processes(search_path(), chosen.timeout, submodules=chosen.submodules) as processes:
            verdicts = _check_all(targets, ways, chosen.jobs, processes)
    except KeyboardInterrupt:
        _tell("")
        print("stopped", file=sys.stderr)
        return _STOPPED
    _tell("")
    unknown = [verdict for verdict in verdicts if verdict.is_unknown]
    if unknown and len(unknown) == len(verdicts) and not skipped:
        for verdict in unknown:
            print(f"{PROGRAM}: error: {verdict.problem}", file=sys.stderr)
        return 2
    listed = [verdict for verdict in verdicts if not (chosen.all and verdict.problem is not None)]
    status = 2 if unknown else 0 if all(verdict.works(ways[0]) for verdict in listed) else 1
    try:
        if chosen.json:
            print(json.dumps(report.as_json(verdicts, skipped, ways, status), indent=1))
        else:
            report.show(verdicts, skipped, ways)
        sys.stdout.flush()
    except BrokenPipeError:  # a reader that has gone, such as `head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # otherwise Python would print an error at exit
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=PROGRAM, description=_DESCRIPTION, epilog=_EPILOG)
    parser.add_argument(
        "targets",
        nargs="*",
        metavar="TARGET",
        help="a module, a package, path/to/script.py, a distribution, requirements.txt or pyproject.toml",
    )
    parser.add_argument("--all", action="store_true", help="check all installed distributions")
    parser.add_argument(
        "--submodules",
        action="store_true",
        help="import all modules of packages, and not only the extension modules; of your own packages they always are",
    )
    parser.add_argument(
        "--extensions",
        choices=(DECLARED, PRIVATE, "both"),
        default="both",
        help="the argument `extensions` of the executor; both: try private copies if something does not work without "
        "them (default: %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.add_argument(
        "--jobs", type=_positive, default=os.process_cpu_count() or 1, help="processes at a time (default: %(default)s)"
    )
    parser.add_argument(
        "--timeout", type=_seconds, default=120.0, help="seconds that each process may take (default: %(default)s)"
    )
    return parser


def _positive(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= 1000):
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to 1000, not {text!r}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < threading.TIMEOUT_MAX:
        raise argparse.ArgumentTypeError(f"must be a number of seconds above 0, not {text!r}")
    return seconds


def _check_all(targets: list[Target], ways: list[str], jobs: int, processes: Processes) -> list[Verdict]:
    """Check the targets, in their order, several at a time."""
    verdicts = []
    with ThreadPoolExecutor(jobs) as pool:
        futures = [pool.submit(_check, target, ways, processes) for target in targets]
        try:
            for number, (target, future) in enumerate(zip(targets, futures, strict=True), 1):
                _tell(f"{number} of {len(targets)}: {target.name}")
                verdicts.append(future.result())
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            processes.stop()
            raise
    return verdicts


def _check(target: Target, ways: list[str], processes: Processes) -> Verdict:
    """Check one target."""
    verdict = Verdict(target, {}, target.problem, is_unknown=target.kind == UNKNOWN)
    if target.problem is not None:
        return verdict
    for way in ways:
        trial = processes.run(target, way)
        if target.kind == "module" and is_missing(target, trial):
            verdict.is_unknown, verdict.problem = True, f"there is no module {target.name!r}"
            return verdict
        verdict.problem = home_problem(trial)
        if verdict.problem is not None or trial.home is None:
            return verdict
        verdict.extensions = len(trial.home["files"])
        verdict.unchecked = trial.home["unchecked"]
        verdict.outcomes[way] = judge(trial, way)
        if verdict.outcomes[way].status == WORKS:
            break
    return verdict


def _tell(progress: str) -> None:
    """Show progress on stderr, if it is a terminal."""
    if sys.stderr is not None and sys.stderr.isatty():
        print(f"\r\033[K{progress}", end="", file=sys.stderr, flush=True)
