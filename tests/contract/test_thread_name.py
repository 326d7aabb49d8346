"""The worker threads have their names in their interpreters too. This does not import `threading`."""

import asyncio
import io
import sys
from pathlib import Path

import pytest

from aiointerpreters import interpreter
from support import light
from support.gate import Ends, Gate, hold
from support.protocols import MakePool


def test_a_small_function_does_not_cost_the_import_of_threading(make_pool: MakePool) -> None:
    pool = make_pool(1)
    assert not pool.submit(interpreter(light.has_imported), "threading").result()


def test_a_function_that_imports_threading_finds_the_name(make_pool: MakePool) -> None:
    pool = make_pool(1, thread_name_prefix="worker")
    assert pool.submit(interpreter(light.thread_name)).result() == ("worker_0", True)
    assert pool.submit(interpreter(light.thread_name)).result() == ("worker_0", True)


def test_an_import_that_has_failed_is_tried_again(make_pool: MakePool) -> None:
    pool = make_pool(1, thread_name_prefix="worker")
    assert pool.submit(interpreter(light.thread_name_after_failed_import)).result() == ("worker_0", True)


def test_finders_may_be_taken_away(make_pool: MakePool) -> None:
    """Only the name is lost then."""
    pool = make_pool(1, thread_name_prefix="worker")
    assert pool.submit(interpreter(light.thread_name_without_finders)).result().startswith("Dummy-")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_operating_system_shows_names_that_tell_threads_apart(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(2, thread_name_prefix="a-rather-long-name")

    async def main() -> None:
        calls = [pool.run(imports_threading_and_waits, gate.ends), pool.run(waits_in_loop, gate.ends)]
        await asyncio.to_thread(gate.wait_for, 2)
        pool.dump_traceback(io.StringIO())  # it needs visitors
        names = names_of_threads()
        assert {"a-rather-name_0", "aioi-visitor"} <= names
        assert names & {"a-rather_0_loop", "a-rather_1_loop"}
        gate.open(2)
        await asyncio.gather(*calls)

    asyncio.run(main())


def names_of_threads() -> set[str]:
    return {path.read_text().rstrip() for path in Path("/proc/self/task").glob("*/comm")}


@interpreter
def imports_threading_and_waits(ends: Ends) -> None:
    import threading

    assert threading.current_thread().name.startswith("a-rather-long-name_")
    hold(ends)


@interpreter
async def waits_in_loop(ends: Ends) -> None:
    hold(ends)
