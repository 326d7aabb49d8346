"""Tools that replace ThreadPoolExecutor.submit see the calls, and the calls work."""

import asyncio
import functools
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, as_completed, wait
from pathlib import Path
from typing import Any

import pytest

from aiointerpreters import TaskInterrupted, interpreter
from aiointerpreters.executors import Future as OurFuture
from support import endless, failures, work
from support.gate import Gate, hold
from support.protocols import MakePool, Tag
from support.scripts import run_script
from support.submit_tools import INSTALLS, Tool, by_assignment, by_code, by_descriptor, request


@pytest.fixture(params=INSTALLS, ids=lambda install: install.__name__)
def install(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[Tool], None]:
    return lambda tool: request.param(monkeypatch, tool)


@pytest.fixture
def tool(install: Callable[[Tool], None]) -> Tool:
    """An installed tool."""
    tool = Tool()
    install(tool)
    return tool


@pytest.fixture
def value() -> Iterator[str]:
    """The context of the submitting code."""
    token = request.set("mine")
    yield "mine"
    request.reset(token)


def test_an_untagged_call_runs_in_the_context_of_who_submits(make_pool: MakePool, tool: Tool, value: str) -> None:
    pool = make_pool(1)
    assert pool.submit(request.get).result() == value
    assert [seen for _, seen in tool.ran_in] == [value]
    assert {thread for thread, _ in tool.ran_in} == pool._threads
    assert tool.submitted == [request.get]


def test_a_tagged_call_is_seen_and_runs_in_an_interpreter(make_pool: MakePool, tool: Tool, value: str) -> None:
    pool = make_pool(1)
    tagged = interpreter(work.here)
    future = pool.submit(tagged)
    assert future.result() != work.HERE
    assert tool.submitted == [tagged]
    assert isinstance(future, OurFuture)


@pytest.mark.parametrize("tagged", [interpreter(sorted), functools.partial(interpreter(sorted))], ids=["tag", "partial"])
def test_arguments_arrive(make_pool: MakePool, tool: Tool, tagged: Any) -> None:
    pool = make_pool(1)
    assert pool.submit(tagged, [1, 3, 2]).result() == [1, 2, 3]
    assert pool.submit(tagged, [1, 3, 2], reverse=True).result() == [3, 2, 1]
    assert pool.submit(sorted, [1, 3, 2], reverse=True).result() == [3, 2, 1]


def test_an_executor_of_before(make_pool: MakePool, install: Callable[[Tool], None], value: str) -> None:
    pool = make_pool(1)
    assert pool.submit(interpreter(work.square), 2).result() == 4
    tool = Tool()
    install(tool)
    assert pool.submit(request.get).result() == value
    assert pool.submit(interpreter(work.here)).result() != work.HERE
    assert len(tool.submitted) == 2


def test_a_tool_that_leaves_again(make_pool: MakePool, value: str) -> None:
    pool = make_pool(1)
    for install in [*INSTALLS, *INSTALLS]:
        tool = Tool()
        with pytest.MonkeyPatch.context() as patch:
            install(patch, tool)
            assert pool.submit(request.get).result() == value
        assert pool.submit(request.get).result() == "none"
        assert pool.submit(interpreter(work.here)).result() != work.HERE
        assert len(tool.submitted) == 1


def test_two_tools_at_once(make_pool: MakePool, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    tools = [Tool() for _ in INSTALLS]
    for install, tool in zip([by_code, by_assignment, by_descriptor], tools, strict=True):
        install(monkeypatch, tool)
    pool = make_pool(1)
    assert pool.submit(request.get).result() == value
    assert [len(tool.ran_in) for tool in tools] == [1, 1, 1]
    assert pool.submit(interpreter(work.here)).result() != work.HERE
    assert [len(tool.submitted) for tool in tools] == [2, 2, 2]


def test_map_is_seen(make_pool: MakePool, tag: Tag, tool: Tool) -> None:
    pool = make_pool(2)
    assert list(pool.map(tag(work.square), range(5))) == [0, 1, 4, 9, 16]
    assert len(tool.submitted) == 5


def test_chunks_of_map_are_seen(make_pool: MakePool, tool: Tool) -> None:
    pool = make_pool(2)
    places = list(pool.map(interpreter(work.here_and_thread), range(4), chunksize=2))
    assert all(place != work.HERE for place, *_ in places)
    assert len(tool.submitted) == 2


def test_errors_are_those_of_the_call(make_pool: MakePool, tag: Tag, tool: Tool) -> None:
    pool = make_pool(1)
    with pytest.raises(ValueError):
        pool.submit(tag(failures.fail_below)).result()
    pool.shutdown()
    with pytest.raises(RuntimeError, match="after shutdown"):
        pool.submit(tag(work.square), 3)


def test_asyncio_comes_by_it(make_pool: MakePool, tool: Tool, value: str) -> None:
    pool = make_pool(1)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        pool.set_as_event_loop_default()
        assert await asyncio.to_thread(request.get) == value
        assert await asyncio.to_thread(interpreter(work.here)) != work.HERE
        assert await loop.run_in_executor(pool, request.get) == value
        assert await loop.run_in_executor(pool, interpreter(work.here)) != work.HERE
        assert await loop.run_in_executor(pool, functools.partial(interpreter(work.square), 3)) == 9

    asyncio.run(main())
    assert len(tool.submitted) == 5


def test_a_callable_that_shows_nothing_runs_in_a_thread(make_pool: MakePool, monkeypatch: pytest.MonkeyPatch) -> None:
    original: Any = ThreadPoolExecutor.submit
    hidden: dict[int, Any] = {}

    def call(key: int, *args: Any) -> Any:
        return hidden[key](*args)

    def submit(self: Any, fn: Any, *args: Any) -> Any:
        hidden[len(hidden)] = fn
        return original(self, call, len(hidden) - 1, *args)

    monkeypatch.setattr(ThreadPoolExecutor, "submit", submit)
    pool = make_pool(1)
    assert pool.submit(interpreter(work.here)).result() == work.HERE
    assert pool.submit(interpreter(work.square), 3).result() == 9


def test_arguments_that_a_tool_changes_are_changed(make_pool: MakePool, tag: Tag, monkeypatch: pytest.MonkeyPatch) -> None:
    original: Any = ThreadPoolExecutor.submit

    def submit(self: Any, fn: Any, number: int) -> Any:
        return original(self, lambda n: fn(n), number + 1)

    monkeypatch.setattr(ThreadPoolExecutor, "submit", submit)
    assert make_pool(1).submit(tag(work.square), 2).result() == 9


def test_a_tool_may_wait_for_the_call_itself(make_pool: MakePool, tag: Tag, monkeypatch: pytest.MonkeyPatch) -> None:
    original: Any = ThreadPoolExecutor.submit
    seen: list[Any] = []

    def submit(self: Any, fn: Any, *args: Any) -> Any:
        future = original(self, fn, *args)
        future.add_done_callback(seen.append)
        assert future.result() == 9
        assert len(wait([future]).done) == 1
        assert list(as_completed([future])) == [future]
        return future

    monkeypatch.setattr(ThreadPoolExecutor, "submit", submit)
    future = make_pool(1).submit(tag(work.square), 3)
    assert (future.result(), future.done(), future.running(), future.cancelled()) == (9, True, False, False)
    assert seen == [future]


@pytest.fixture
def touching(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tool that adds a callback to each future."""
    original: Any = ThreadPoolExecutor.submit

    def submit(self: Any, fn: Any, *args: Any) -> Any:
        future = original(self, fn, *args)
        future.add_done_callback(lambda _: None)
        return future

    monkeypatch.setattr(ThreadPoolExecutor, "submit", submit)


def test_futures_that_a_tool_has_touched_can_be_stopped(make_pool: MakePool, gate: Gate, touching: None) -> None:
    pool = make_pool(1)
    running: Any = pool.submit(interpreter(endless.loop), gate.ends)
    queued: Future[Any] = pool.submit(interpreter(work.square), 3)
    gate.wait_for()
    assert running.running()
    assert not queued.running()
    assert queued.cancel()
    assert queued.cancelled()
    with pytest.raises(CancelledError):
        queued.result()
    assert not running.cancel()
    assert running.interrupt()
    with pytest.raises(TaskInterrupted):
        running.result()


def test_futures_that_a_tool_has_touched_are_cancelled_at_shutdown(
    make_pool: MakePool, gate: Gate, tag: Tag, touching: None
) -> None:
    pool = make_pool(1)
    running = pool.submit(tag(hold), gate.ends, 5)
    queued = pool.submit(tag(work.square), 3)
    gate.wait_for()
    pool.shutdown(wait=False, cancel_futures=True)
    assert queued.cancelled()
    gate.open()
    assert running.result() == 5


def test_the_function_of_the_standard_library_takes_our_executors(make_pool: MakePool, tag: Tag) -> None:
    future = ThreadPoolExecutor.submit(make_pool(1), tag(work.square), 3)
    assert future.result() == 9


BEFORE = """
from concurrent.futures import ThreadPoolExecutor
original = ThreadPoolExecutor.submit
seen = []
def submit(self, fn, *args, **kwargs):
    seen.append(fn)
    return original(self, lambda *args: fn(*args), *args, **kwargs)
ThreadPoolExecutor.submit = submit
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import work
with InterpreterThreadPoolExecutor(1) as pool:
    print(pool.submit(interpreter(work.here)).result() != work.HERE, pool.submit(work.here).result() == work.HERE, len(seen))
    ThreadPoolExecutor.submit = original
    print(pool.submit(interpreter(work.here)).result() != work.HERE, pool.submit(work.here).result() == work.HERE, len(seen))
"""


def test_a_tool_that_was_there_before_the_package(tmp_path: Path) -> None:
    run_script(tmp_path, BEFORE).check("True True 2", "True True 2")
