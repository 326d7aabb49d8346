"""CPython's tests of its executors hold for the executors of this package, except for the listed deviations."""

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from cpython.suites import AT_ONCE, SUITES, TIME_LIMIT, Suite, Verdict, have_tests, make_environment, run

type Verdicts = dict[Suite, Future[Verdict]]

# CI must check everything, so there the tests must exist.
pytestmark = pytest.mark.skipif(not have_tests() and "CI" not in os.environ, reason="this CPython comes without its tests")


@pytest.fixture(scope="module")
def verdicts(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Verdicts]:
    """The results of the suites that this run has selected. AT_ONCE of them run at a time."""
    folder = tmp_path_factory.mktemp("cpython")
    python = make_environment(folder / "environment")
    names = {item.name for item in request.session.items}
    selected = [suite for suite in SUITES if f"{test_cpython_suite.__name__}[{suite}]" in names]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {suite: pool.submit(run, suite, python, folder) for suite in selected}
        pool.shutdown(cancel_futures=True)


@pytest.mark.slow
@pytest.mark.timeout(2 * TIME_LIMIT)
@pytest.mark.parametrize("suite", SUITES, ids=str)
def test_cpython_suite(suite: Suite, verdicts: Verdicts) -> None:
    verdict = verdicts[suite].result()
    print(verdict)  # shown with -s and -rP
    assert verdict.problems == [], "\n\n".join(verdict.problems)
