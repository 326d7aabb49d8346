"""Fixtures of all tests. No pool outlives its test, but for the one that many share."""

import gc
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # workers import `support` by name, wherever pytest was started
pytest.register_assert_rewrite("support.kinds", "support.scripts")

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import work
from support.gate import Gate
from support.protocols import MakePool, Tag


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What stands in stress/ is marked so."""
    for item in items:
        if Path(__file__).parent / "stress" in item.path.parents:
            item.add_marker(pytest.mark.stress)


def pytest_collection_finish() -> None:
    """What has been collected stays: the garbage collector, which many tests call, need not look at it each time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def shared_pool() -> Iterator[InterpreterThreadPoolExecutor]:
    """One pool for the whole run: whatever the tests send it, it goes on."""
    with InterpreterThreadPoolExecutor(2, thread_name_prefix="shared") as pool:
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
def make_pool(gate: Gate) -> Iterator[MakePool]:
    """Makes pools for this test alone; no task is held any more when they are shut down."""
    pools: list[InterpreterThreadPoolExecutor] = []

    def make(*args: Any, **kwargs: Any) -> InterpreterThreadPoolExecutor:
        pools.append(InterpreterThreadPoolExecutor(*args, **kwargs))
        return pools[-1]

    yield make
    gate.open_wide()
    for pool in pools:
        pool.shutdown(cancel_futures=True)


@pytest.fixture(params=["tagged", "untagged"])
def tag(request: pytest.FixtureRequest) -> Tag:
    """What holds for tagged and untagged functions alike is tested with both."""
    return interpreter if request.param == "tagged" else work.echo
