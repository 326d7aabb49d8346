"""Tools that replace `submit` see the calls of `run`, and these calls work as before."""

import asyncio
import functools
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any, cast

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, NotTransferableError, Runner, TaskInterrupted, interpreter
from support import coroutines, endless, failures, loops, work
from support.gate import Gate, hold, hold_then
from support.loops import Run, Way
from support.protocols import MakePool
from support.submit_tools import INSTALLS, Tool, request

make_loop = loops.make_loop
run = loops.run

type Install = Callable[[pytest.MonkeyPatch, Tool], type[InterpreterThreadPoolExecutor]]


def in_a_subclass(_: pytest.MonkeyPatch, tool: Tool) -> type[InterpreterThreadPoolExecutor]:
    """In a class of the user's."""

    class Own(InterpreterThreadPoolExecutor):
        def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
            return super().submit(tool.around(fn), *args, **kwargs)

    return Own


def in_our_class(patch: pytest.MonkeyPatch, tool: Tool) -> type[InterpreterThreadPoolExecutor]:
    """In the way of a tool that knows this package."""
    original: Any = InterpreterThreadPoolExecutor.submit

    def submit(self: Any, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        return original(self, tool.around(fn), *args, **kwargs)

    patch.setattr(InterpreterThreadPoolExecutor, "submit", submit)
    return InterpreterThreadPoolExecutor


def in_the_instance(_: pytest.MonkeyPatch, tool: Tool) -> type[InterpreterThreadPoolExecutor]:
    """In the way of a tool for a single executor."""

    class Instrumented(InterpreterThreadPoolExecutor):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            original = self.submit

            def submit(fn: Any, /, *args: Any, **kwargs: Any) -> Any:
                return original(tool.around(fn), *args, **kwargs)

            self.submit = submit  # type: ignore[method-assign]

    return Instrumented


def _in_the_standard_class(install: Callable[[pytest.MonkeyPatch, Tool], None]) -> Install:
    @functools.wraps(install)
    def place(patch: pytest.MonkeyPatch, tool: Tool) -> type[InterpreterThreadPoolExecutor]:
        install(patch, tool)
        return InterpreterThreadPoolExecutor

    return place


PLACES: list[Install] = [*map(_in_the_standard_class, INSTALLS), in_a_subclass, in_our_class, in_the_instance]


class Traced:
    """Makes executors whose calls a tool sees."""

    def __init__(self, make: Callable[..., InterpreterThreadPoolExecutor], tool: Tool) -> None:
        self.make = make
        self.tool = tool


@pytest.fixture(params=PLACES, ids=lambda place: place.__name__)
def traced(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """All places in which a tool can replace `submit`."""
    made: list[InterpreterThreadPoolExecutor] = []
    tool = Tool()
    cls = request.param(monkeypatch, tool)

    def make(*args: Any, **kwargs: Any) -> InterpreterThreadPoolExecutor:
        made.append(cls(*args, **kwargs))
        return made[-1]

    yield Traced(make, tool)
    for pool in made:
        pool._stop()
        pool.shutdown()


@pytest.mark.parametrize("tag", [lambda fn: fn, interpreter], ids=["untagged", "tagged"])
def test_a_call_is_seen_once_and_runs_in_an_interpreter(traced: Traced, run: Run, tag: Any) -> None:
    pool = traced.make(1)

    async def main() -> Any:
        return await pool.run(tag(work.here))

    assert run(main()) != work.HERE
    assert len(traced.tool.submitted) == 1
    assert traced.tool.submitted[0].fn is work.here
    assert traced.tool.ran_in == []  # the wrapper of the tool has a meaning only at home


@pytest.mark.parametrize("way", loops.WAYS, ids=lambda way: way.__name__)
def test_every_way_to_await(traced: Traced, run: Run, way: Way) -> None:
    pool = traced.make(2)

    async def main() -> None:
        assert await way(pool.run(work.square, 3)) == 9
        with pytest.raises(ValueError):
            await pool.run(failures.fail_below)

    run(main())
    assert len([fn for fn in traced.tool.submitted if isinstance(fn, interpreter)]) == 2


def test_arguments_and_callables_of_all_kinds(traced: Traced, run: Run) -> None:
    pool = traced.make(1)
    offset = 5

    async def main() -> None:
        assert await pool.run(sorted, [1, 3, 2], reverse=True) == [3, 2, 1]
        assert await pool.run(lambda x: x + offset, 1) == 6
        assert await pool.run(functools.partial(sorted, reverse=True), [1, 3, 2]) == [3, 2, 1]
        assert await pool.run(functools.partial(interpreter(work.add), 1), 2) == 3
        assert await pool.run("a,b".split, ",") == ["a", "b"]
        assert await asyncio.gather(*(pool.run(work.square, n) for n in range(50))) == [n * n for n in range(50)]
        with pytest.raises(NotTransferableError, match="argument 0"):
            await pool.run(work.echo, threading.Lock())
        with pytest.raises(TypeError, match="needs a callable, not"):
            pool.run(cast(Any, 5))

    run(main())


def test_coroutine_functions_run_in_the_loop_of_a_worker(traced: Traced, run: Run) -> None:
    pool = traced.make(1)

    async def main() -> Any:
        return await pool.run(coroutines.place)

    assert run(main())[0] != work.HERE


def test_cancelling_stops_what_runs_and_what_is_queued(traced: Traced, gate: Gate, run: Run) -> None:
    pool = traced.make(1)

    async def main() -> None:
        running: Any = pool.run(endless.loop, gate.ends)
        queued = asyncio.create_task(pool.run(work.remember, "ran", True))
        await asyncio.sleep(0)
        gate.wait_for()
        queued.cancel()
        running.cancel()
        await loops.cancelled(queued)
        await loops.cancelled(running)
        assert await pool.run(work.recall, "ran") is None  # the worker is free

    run(main())


def test_another_loop_may_await_it(traced: Traced, run: Run) -> None:
    pool = traced.make(1)

    async def main() -> Any:
        return await asyncio.to_thread(asyncio.run, pool.run(work.square, 3))

    assert run(main()) == 9


def test_where_no_loop_runs_the_call_is_seen_when_it_is_awaited(traced: Traced) -> None:
    pool = traced.make(1)
    later = pool.run(work.square, 3)
    assert traced.tool.submitted == []
    assert asyncio.run(loops.plainly(later)) == 9
    assert len(traced.tool.submitted) == 1


def test_after_shutdown(traced: Traced, run: Run) -> None:
    pool = traced.make(1)
    pool.shutdown()

    async def main() -> None:
        with pytest.raises(RuntimeError, match="after shutdown"):
            pool.run(work.square, 3)

    run(main())


def test_a_runner_is_seen(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    for install in INSTALLS:
        with monkeypatch.context() as patch:
            tool = Tool()
            install(patch, tool)

            async def main() -> None:
                async with Runner(workers=1) as runner:
                    before = len(tool.submitted)  # noqa: B023 - it runs at once
                    assert await runner.run(work.square, 3) == 9
                    assert await runner.wrap(work.square)(4) == 16
                    assert len(tool.submitted) == before + 2  # noqa: B023

            run(main())


def test_several_tools_see_a_call_once_each(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    by_assignment, by_descriptor, by_code, *_ = PLACES
    places = [by_code, by_assignment, by_descriptor, in_our_class, in_the_instance]
    tools = [Tool() for _ in places]
    made = [place(monkeypatch, tool) for place, tool in zip(places, tools, strict=True)]
    with made[-1](1) as pool:

        async def main() -> Any:
            return await pool.run(work.here)

        assert run(main()) != work.HERE
    assert [len(tool.submitted) for tool in tools] == [1, 1, 1, 1, 1]


# ---- Other things that a `submit` may do

local: ContextVar[str] = ContextVar("local", default="none")


def run_any(pool: Any, fn: Callable[..., Any], *args: Any) -> Any:
    """Call `run` if its result differs from the function's."""
    return pool.run(fn, *args)


def _pool_with(submit: Callable[..., Any]) -> InterpreterThreadPoolExecutor:
    made = type("Traced", (InterpreterThreadPoolExecutor,), {"submit": submit})(1)
    assert isinstance(made, InterpreterThreadPoolExecutor)
    return made


def test_a_callable_that_shows_nothing_runs_in_a_thread_as_the_tool_wants_it(run: Run) -> None:
    hidden: dict[int, Any] = {}

    def call(key: int, *args: Any) -> Any:
        local.set("of the tool")
        return hidden[key](*args)

    def submit(self: Any, fn: Any, /, *args: Any) -> Any:
        hidden[len(hidden)] = fn
        return InterpreterThreadPoolExecutor.submit(self, call, len(hidden) - 1, *args)

    with _pool_with(submit) as pool:

        async def main() -> None:
            assert await asyncio.create_task(pool.run(local.get)) == "of the tool"
            assert await pool.run(work.here) == work.HERE
            with pytest.raises(ValueError):
                await pool.run(failures.fail_below)

        run(main())


def test_arguments_that_a_tool_changes_are_changed(run: Run) -> None:
    def submit(self: Any, fn: Any, number: int) -> Any:
        return InterpreterThreadPoolExecutor.submit(self, lambda n: fn(n), number + 1)

    with _pool_with(submit) as pool:

        async def main() -> Any:
            return await pool.run(work.square, 2)

        assert run(main()) == 9


def test_what_a_submit_returns_is_what_is_awaited(gate: Gate, run: Run) -> None:
    given: list[Future[Any]] = []

    def submit(self: Any, fn: Any, /, *args: Any) -> Any:
        inner = InterpreterThreadPoolExecutor.submit(self, fn, *args)
        outer: Future[Any] = Future()
        given.append(outer)

        def end(_: Any) -> None:
            if outer.set_running_or_notify_cancel():
                outer.set_result(["changed", inner.result()])

        inner.add_done_callback(end)
        return outer

    with _pool_with(submit) as pool:

        async def main() -> None:
            assert await run_any(pool, work.square, 3) == ["changed", 9]
            assert await asyncio.create_task(run_any(pool, work.square, 4)) == ["changed", 16]
            stopped: Any = pool.run(endless.loop, gate.ends)
            gate.wait_for()
            stopped.cancel()
            await loops.cancelled(stopped)
            assert await run_any(pool, work.square, 5) == ["changed", 25]  # the worker is free
            assert given[2].cancelled()

        run(main())


def test_a_submit_that_runs_the_call_itself(run: Run) -> None:
    def submit(_: Any, fn: Any, /, *args: Any) -> Any:
        done: Future[Any] = Future()
        done.set_result(fn(*args))
        return done

    with _pool_with(submit) as pool:

        async def main() -> Any:
            return await pool.run(work.here)

        assert run(main()) == work.HERE


def test_a_submit_that_calls_run(run: Run) -> None:
    def submit(self: Any, fn: Any, /, *args: Any) -> Any:
        return self.run(fn, *args)

    with _pool_with(submit) as pool:

        async def main() -> None:
            assert await pool.run(work.here) != work.HERE
            assert await asyncio.create_task(pool.run(work.square, 3)) == 9

        run(main())


def test_a_submit_that_returns_no_future(run: Run) -> None:
    def forgets(self: Any, fn: Any, /, *args: Any) -> Any:
        InterpreterThreadPoolExecutor.submit(self, fn, *args)

    def does_nothing(*_: Any) -> Any:
        pass

    async def main(pool: InterpreterThreadPoolExecutor) -> Any:
        return await pool.run(work.square, 3)

    with _pool_with(forgets) as pool:
        assert run(main(pool)) == 9
    with _pool_with(does_nothing) as pool, pytest.raises(TypeError, match="must return a future, not None"):
        run(main(pool))


def test_a_submit_that_submits_more(run: Run) -> None:
    others: list[Future[Any]] = []

    def submit(self: Any, fn: Any, /, *args: Any) -> Any:
        ours = InterpreterThreadPoolExecutor.submit
        others.append(ours(self, work.here))
        future = ours(self, lambda *args: fn(*args), *args)
        others.append(ours(self, interpreter(work.square), 7))
        return future

    with _pool_with(submit) as pool:

        async def main() -> Any:
            return await pool.run(work.here)

        assert run(main()) != work.HERE
        assert [other.result() for other in others] == [work.HERE, 49]


class TestWhatAToolGets:
    """The tool gets a future of concurrent.futures. It ends as the awaited one does."""

    @pytest.fixture
    def seen(self, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
        original: Any = ThreadPoolExecutor.submit
        seen: list[Any] = []

        def submit(self: Any, fn: Any, /, *args: Any) -> Any:
            seen.append(original(self, fn, *args))
            return seen[-1]

        monkeypatch.setattr(ThreadPoolExecutor, "submit", submit)
        return seen

    def test_it_ends_as_the_call_does(self, make_pool: MakePool, run: Run, seen: list[Any]) -> None:
        pool = make_pool(1)

        async def main() -> None:
            ended: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            first = pool.run(work.square, 3)
            seen[0].add_done_callback(ended.set_result)
            assert await first == 9
            assert (await ended) is seen[0]
            assert seen[0].result() == 9
            with pytest.raises(ValueError) as caught:
                await pool.run(failures.fail_below)
            await asyncio.to_thread(seen[1].exception)  # another thread may wait for it
            assert seen[1].exception() is caught.value

        run(main())

    def test_it_stops_the_call_from_any_thread(self, make_pool: MakePool, gate: Gate, run: Run, seen: list[Any]) -> None:
        pool = make_pool(1)

        async def main() -> None:
            for name in ("cancel", "interrupt"):
                for is_elsewhere in (False, True):
                    awaited: Any = pool.run(endless.loop, gate.ends)
                    future = seen[-1]
                    gate.wait_for()
                    assert future.running()
                    stop = getattr(future, name)
                    assert await asyncio.to_thread(stop) if is_elsewhere else stop()
                    await loops.cancelled(awaited)
                    future.add_done_callback(lambda _: None)  # from the first look at it, it follows the call
                    await asyncio.sleep(0)
                    assert future.cancelled()

        run(main())

    def test_the_loops_own_thread_cannot_wait_for_it(
        self, make_pool: MakePool, gate: Gate, run: Run, seen: list[Any]
    ) -> None:
        pool = make_pool(1)

        async def main() -> None:
            awaited = pool.run(hold, gate.ends, 5)
            with pytest.raises(RuntimeError, match="event loop"):
                seen[0].result()
            with pytest.raises(TimeoutError):
                seen[0].exception(timeout=0)
            gate.open()
            assert await awaited == 5

        run(main())


def test_an_interrupt_of_the_tools_future_is_a_cancellation(make_pool: MakePool, gate: Gate, run: Run) -> None:
    ours = InterpreterThreadPoolExecutor.submit
    given: list[Any] = []

    def submit(self: Any, fn: Any, /, *args: Any) -> Any:
        def attempt(*args: Any) -> Any:
            return fn(*args)

        given.append(ours(self, interpreter(hold_then), gate.ends, endless.loop))
        outer: Future[Any] = Future()
        given[-1].add_done_callback(lambda inner: outer.set_exception(inner.exception()))
        return outer

    with _pool_with(submit) as pool:

        async def main() -> None:
            awaited = pool.run(work.square, 3)
            gate.wait_for()
            gate.open()
            given[0].interrupt()
            await loops.cancelled(awaited)

        run(main())
    assert isinstance(given[0].exception(), TaskInterrupted)


def test_the_value_of_who_submits(traced: Traced, run: Run) -> None:
    """Apart from that the tool sees the same as for `submit`."""
    pool = traced.make(1)

    async def main() -> Any:
        request.set("mine")
        return await asyncio.wrap_future(pool.submit(request.get))

    assert run(main()) == "mine"
    assert [value for _, value in traced.tool.ran_in] == ["mine"]
