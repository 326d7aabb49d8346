"""Runs one suite in this process, whose start-up has replaced the executor: python -m cpython.judge SUITE FILE.

The verdict is written to the file.
"""

import concurrent.futures
import faulthandler
import importlib
import json
import sys
import time
import unittest
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cpython import deviations
from cpython.suites import SUITES, TIME_LIMIT, Suite, Verdict
from cpython.swap import ROLES


def _cases(tests: unittest.TestSuite | unittest.TestCase) -> Iterator[unittest.TestCase]:
    if isinstance(tests, unittest.TestCase):
        yield tests
    else:
        for part in tests:
            yield from _cases(part)


def _name(test: unittest.TestCase) -> str:
    """The name of a test in deviations.py. A subtest has the name of its test."""
    whole: unittest.TestCase = getattr(test, "test_case", test)
    return whole.id().removeprefix("test.")


def judge(suite: Suite) -> Verdict:
    """Run the tests of a suite. Without CPython's own runner, none of their resources (time, network) is disabled."""
    support: Any = importlib.import_module("test.support")  # type checkers do not know it
    support.verbose = 0
    tests = [case for case in _cases(unittest.defaultTestLoader.loadTestsFromName(suite.module)) if suite.takes(case)]
    names = {_name(test) for test in tests}
    listed = {name: reason for name, reason in deviations.listed(suite.role).items() if name in names}
    result = unittest.TestResult()
    begin = time.monotonic()
    unittest.TestSuite(tests).run(result)
    seconds = time.monotonic() - begin

    failed = {_name(test): text for test, text in result.failures + result.errors}
    skipped = {_name(test) for test, _ in result.skipped}
    problems = [f"{name} failed:\n{text}" for name, text in failed.items() if name not in listed]
    problems += [f"{name} passed, but it is listed: {listed[name]}" for name in listed.keys() - failed.keys() - skipped]
    problems += [f"{_name(test)} passed, but CPython expects it to fail" for test in result.unexpectedSuccesses]
    if support.environment_altered:
        problems.append("threads or processes were left")
    standard, _, own = ROLES[suite.role]
    if getattr(concurrent.futures, standard).__name__ != own:
        problems.append(f"it was {standard} itself that was tested")
    if not tests:
        problems.append("there are no such tests")
    return Verdict(
        run=len(names),
        passed=len(names - failed.keys() - skipped),
        skipped=len(skipped),
        listed={name: reason for name, reason in listed.items() if name in failed},
        problems=problems,
        seconds=seconds,
    )


def main(name: str, file: str) -> None:
    """Judge the suite of that name."""
    faulthandler.dump_traceback_later(TIME_LIMIT, exit=True)
    verdict = judge(next(suite for suite in SUITES if str(suite) == name))
    Path(file).write_text(json.dumps(asdict(verdict)), encoding="utf-8")


if __name__ == "__main__":  # processes that the tests spawn import this module
    main(*sys.argv[1:])
