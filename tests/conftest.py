"""Fixtures of all tests. No pool outlives its test, except the one that many tests share."""

import gc
import io
import logging
import os
import shutil
import signal
import sys
import tempfile
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # workers import `support` by name, in whatever folder pytest was started
pytest.register_assert_rewrite("support.kinds", "support.scripts")

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import loops, work
from support.gate import Gate
from support.heard import Collector, listening_to
from support.protocols import MakePool, Tag

TESTS = Path(__file__).parent
# Paths below tests/, and the reason why running them on one version of Python is enough.
ONCE = {
    "test_codebase.py": "it reads this repository",
    "test_docs_site.py": "it reads this repository",
    "packages": "it is about the files that are published; `make wheels` runs it with those of each version",
    "typing": "type checkers read the package's source",
    "contract/test_anyio.py": "it is about AnyIO and Trio, on what the tests of `run` show for each version",
    "contract/test_anyio_programs.py": "the same",
    "contract/test_frames.py": "it is about other packages, on what test_arrays.py shows for each version",
    "unit/test_example_options.py": "argparse reads the options before anything of this package runs",
    "contract/test_release_060.py": "it compares with what the last release promised",
}
ONCE_FIXTURES = {"report": "benchmarks show here that they run, not how fast"}
ONCE_LOOPS = {  # kinds of `make_loop`; the other two kinds are asyncio's own loops, which may change
    loops.uvloop: "what it has of its own is no version's; test_run_programs.py runs with it on each",
    loops.without_readers: "it is the selector's loop; what tells it instead is code in C++",
}
PROGRAMS = {  # also every test with a folder of its own, because it runs scripts there
    "cpython",
    "unit/test_examples.py",
    "unit/test_example_options.py",
    "unit/test_web_examples.py",
}

# The files and folders that take longest. They are run first, so that no process is left with one of them at the end.
LONGEST = (
    "stress/test_memory.py",
    "unit/test_examples.py",
    "contract/test_runner_map.py",
    "test_docs.py",
    "contract/test_daemon_threads.py",
    "cpython",
    "unit/test_benchmarks.py",
    "contract/test_polars.py",
    "stress",
    "contract/test_exit_processes.py",
    "contract/test_warnings.py",
    "contract/test_fork.py",
    "contract/test_private_imports.py",
    "contract/test_compare.py",
    "contract/test_check.py",
    "contract/test_runner_map_leaving.py",
    "contract/test_replaced_run.py",
    "contract/test_coroutine_ends.py",
)

# If a shell starts the tests in the background, they ignore Ctrl-C, and so would the programs that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)
# In debug mode asyncio logs each step over 100 ms. That only shows a busy machine. For programs see `Finished.of`.
logging.getLogger("asyncio").addFilter(lambda record: record.msg != "Executing %s took %.3f seconds")


def pytest_configure(config: pytest.Config) -> None:
    """Keep private copies of extension modules in a folder of this run, which its processes share."""
    if "AIOINTERPRETERS_CACHE" in os.environ:
        return  # an outer process has created it, or the user has named one
    os.environ["AIOINTERPRETERS_CACHE"] = folder = tempfile.mkdtemp(prefix="aiointerpreters-tests-")
    config.add_cleanup(lambda: _remove_copies(folder))


def _remove_copies(folder: str) -> None:
    del os.environ["AIOINTERPRETERS_CACHE"]
    shutil.rmtree(folder, ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that need not run on each version of Python (CONTRIBUTING.md, Tests). Put the longest ones first."""
    items.sort(key=_rank)
    for item in items:
        folders = _folders(item)
        if "stress" in folders:
            item.add_marker(pytest.mark.stress)
        if "stress" in folders or getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            item.add_marker(pytest.mark.search)
        fixtures = set(getattr(item, "fixturenames", ()))
        callspec = getattr(item, "callspec", None)
        loop = callspec.params.get("make_loop") if callspec is not None else None
        if folders & ONCE.keys() or ONCE_FIXTURES.keys() & fixtures or loop in ONCE_LOOPS:
            item.add_marker(pytest.mark.once)
        if folders & PROGRAMS or "tmp_path" in fixtures:
            item.add_marker(pytest.mark.programs)


def _folders(item: pytest.Item) -> set[str]:
    """The file of a test and the folders that it is in, below tests/."""
    return {str(path.relative_to(TESTS)) for path in (item.path, *item.path.parents) if path.is_relative_to(TESTS)}


def _rank(item: pytest.Item) -> int:
    folders = _folders(item)
    return next((rank for rank, name in enumerate(LONGEST) if name in folders), len(LONGEST))


def pytest_collection_finish() -> None:
    """Exclude the collected tests from garbage collection, because many tests call the garbage collector."""
    gc.collect()
    gc.freeze()


_pools: "weakref.WeakSet[InterpreterThreadPoolExecutor]" = weakref.WeakSet()


def pytest_exception_interact(call: pytest.CallInfo[Any], report: pytest.TestReport) -> None:
    """If a test has taken too long, report where its workers are."""
    if call.excinfo is not None and "Timeout (>" in str(call.excinfo.value):
        stacks = io.StringIO()
        for pool in list(_pools):
            pool.dump_traceback(stacks)
        report.sections.append(("Workers", stacks.getvalue()))


@pytest.fixture(scope="session")
def shared_pool() -> Iterator[InterpreterThreadPoolExecutor]:
    """One pool for the whole run. It must survive all tests."""
    with InterpreterThreadPoolExecutor(2, thread_name_prefix="shared") as pool:
        _pools.add(pool)
        yield pool


@pytest.fixture
def pool(shared_pool: InterpreterThreadPoolExecutor) -> Iterator[InterpreterThreadPoolExecutor]:
    """The shared pool of two workers, which still works after the test."""
    yield shared_pool
    assert shared_pool.submit(interpreter(work.square), 7).result() == 49
    assert shared_pool.submit(work.square, 8).result() == 64


@pytest.fixture
def gate() -> Iterator[Gate]:
    """Holds tasks until the test opens it."""
    gate = Gate()
    yield gate
    gate.dispose()


@pytest.fixture
def heard() -> Iterator[Collector]:
    """Collects what is logged under `support.words`, from INFO on."""
    with listening_to("support.words") as collector:
        yield collector


@pytest.fixture
def make_pool(gate: Gate) -> Iterator[MakePool]:
    """Makes pools for this test alone. At their shutdown no task is held any more."""
    pools: list[InterpreterThreadPoolExecutor] = []

    def make(*args: Any, **kwargs: Any) -> InterpreterThreadPoolExecutor:
        pools.append(InterpreterThreadPoolExecutor(*args, **kwargs))
        _pools.add(pools[-1])
        return pools[-1]

    yield make
    gate.open_wide()
    for pool in pools:
        pool.shutdown(cancel_futures=True)


@pytest.fixture(params=["tagged", "untagged"])
def tag(request: pytest.FixtureRequest) -> Tag:
    """Both kinds of function, for tests of what they have in common."""
    return interpreter if request.param == "tagged" else work.echo
