"""Coroutine functions run in the event loops of the workers' interpreters, many at once in each."""

import asyncio
import functools
import inspect
from collections import Counter
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, NotTransferableError, Runner, TaskInterrupted, interpreter
from aiointerpreters.executors import Future
from support import coroutines, endless, failures, shapes, work
from support import gate as gates
from support.calls import call, submit
from support.gate import Gate
from support.memory import wait_until_back
from support.protocols import MakePool
from support.scripts import run_script


def run(main: Coroutine[Any, Any, Any]) -> Any:
    """Run in a new loop in debug mode, because it reports every misuse."""
    return asyncio.run(main, debug=True)


# ---- Results


def test_results(pool: InterpreterThreadPoolExecutor) -> None:
    assert call(pool, coroutines.square, 3) == 9
    assert call(pool, coroutines.at_once, x=4) == 16
    assert call(pool, coroutines.echo_call, 1, [2], key=(3,)) == ((1, [2]), {"key": (3,)})
    assert call(pool, interpreter(coroutines.square), 5) == 25


def test_they_run_in_an_interpreter(pool: InterpreterThreadPoolExecutor) -> None:
    here, _, thread = call(pool, coroutines.place)
    assert here != work.HERE
    assert thread.startswith("shared")


def test_submit_and_map_run_tagged_ones(pool: InterpreterThreadPoolExecutor) -> None:
    tagged: Callable[..., Any] = interpreter(coroutines.square)
    assert pool.submit(tagged, 3).result() == 9
    tagged_square: Any = coroutines.tagged_square
    assert pool.submit(tagged_square, 4).result() == 16
    assert list(pool.map(tagged, range(20))) == [n * n for n in range(20)]


@pytest.mark.parametrize("chunksize", [1, 3, 100])
def test_map_in_chunks(pool: InterpreterThreadPoolExecutor, chunksize: int) -> None:
    square: Callable[..., Any] = coroutines.square
    assert list(pool.map(interpreter(square), range(20), chunksize=chunksize)) == [n * n for n in range(20)]


def test_a_chunk_fails_with_its_first_failure(pool: InterpreterThreadPoolExecutor) -> None:
    fail: Callable[..., Any] = coroutines.fail
    results = pool.map(interpreter(fail), [failures.Custom(1, "one"), failures.Custom(2, "two")], chunksize=2)
    with pytest.raises(failures.Custom) as caught:
        next(results)
    assert caught.value.args == (1, "one")


def test_a_runner_runs_them() -> None:
    async def main() -> list[Any]:
        async with Runner(workers=1) as runner:
            square: Callable[..., Any] = coroutines.square
            wrapped = runner.wrap(square)
            return [
                await runner.run(square, 3),
                await wrapped(4),
                [result async for result in runner.map(square, range(4))],
            ]

    assert run(main()) == [9, 16, [0, 1, 4, 9]]


def test_a_runner_runs_those_that_it_does_not_import() -> None:
    async def main() -> Any:
        async with Runner(workers=1) as runner:
            return await runner.run_module_function(("module", "support.coroutines", "square"), 5)

    assert run(main()) == 25


def test_to_thread_runs_a_tagged_one(make_pool: MakePool) -> None:
    async def main() -> Any:
        make_pool(1).set_as_event_loop_default()
        return await asyncio.to_thread(coroutines.tagged_square, 3)

    assert run(main()) == 9


def test_an_untagged_one_that_is_submitted_is_only_called(pool: InterpreterThreadPoolExecutor) -> None:
    made = pool.submit(coroutines.square, 3).result()
    assert asyncio.run(made) == 9


def test_a_tagged_one_still_is_a_coroutine_function() -> None:
    assert inspect.iscoroutinefunction(interpreter(coroutines.square))
    assert asyncio.run(interpreter(coroutines.square)(3)) == 9


def _make_closure(factor: int) -> Callable[[int], Coroutine[Any, Any, int]]:
    async def closure(x: int) -> int:
        await asyncio.sleep(0)
        return x * factor

    return closure


KINDS: dict[str, tuple[Callable[..., Any], int]] = {
    "partial": (functools.partial(coroutines.square, 3), 9),
    "partial of a tagged one": (functools.partial(coroutines.tagged_square, 3), 9),
    "tagged partial": (interpreter(functools.partial(coroutines.square, 3)), 9),
    "method": (functools.partial(coroutines.Squarer(2).method, 3), 18),
    "class method": (functools.partial(coroutines.Squarer.of_class, 3), 9),
    "static method": (functools.partial(coroutines.Squarer.of_nobody, 3), 9),
    "callable instance": (functools.partial(coroutines.Squarer(2), 3), 11),
    "decorated": (functools.partial(coroutines.decorated, 3), 9),
    "closure": (functools.partial(_make_closure(5), 3), 15),
}


@pytest.mark.parametrize(("fn", "result"), KINDS.values(), ids=KINDS.keys())
def test_every_kind(pool: InterpreterThreadPoolExecutor, fn: Callable[..., Any], result: int) -> None:
    assert call(pool, fn) == result
    tagged = fn if isinstance(fn, interpreter) else interpreter(fn)
    assert pool.submit(tagged).result() == result


def test_methods_and_instances_without_a_partial(pool: InterpreterThreadPoolExecutor) -> None:
    squarer = coroutines.Squarer(2)
    assert call(pool, squarer.method, 3) == 18
    assert call(pool, squarer, 3) == 11
    assert call(pool, coroutines.Squarer.of_class, 3) == 9
    assert call(pool, _make_closure(5), 3) == 15


UNAWAITED = pytest.mark.parametrize(
    ("fn", "kind"),
    [
        (coroutines.unmarked, "coroutine"),
        (coroutines.marked, "coroutine"),
        (coroutines.generate, "async_generator"),
        (lambda x: coroutines.square(x), "coroutine"),
    ],
    ids=["returns a coroutine", "is only marked", "asynchronous generator", "lambda"],
)


@UNAWAITED
def test_what_only_returns_something_to_await_is_refused(
    pool: InterpreterThreadPoolExecutor, fn: Callable[..., Any], kind: str
) -> None:
    with pytest.raises(NotTransferableError, match=f"result: {kind} objects cannot cross interpreters"):
        call(pool, fn, 3)


def test_arguments_that_do_not_fit(pool: InterpreterThreadPoolExecutor) -> None:
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        call(pool, coroutines.square)


def test_what_cannot_cross_is_told(pool: InterpreterThreadPoolExecutor) -> None:
    with pytest.raises(NotTransferableError, match="argument 0: generator objects cannot cross interpreters"):
        call(pool, coroutines.echo, shapes.empty_generator())
    with pytest.raises(NotTransferableError, match="result: generator objects cannot cross interpreters"):
        call(pool, coroutines.make_generator)


def test_large_arguments(pool: InterpreterThreadPoolExecutor) -> None:
    value = {"rows": list(range(100_000)), "text": "x" * 1_000_000, "bytes": bytes(5_000_000)}
    assert call(pool, coroutines.echo, value) == value


@pytest.mark.parametrize("fn", [coroutines.nbytes, coroutines.fail_at_once], ids=lambda fn: fn.__name__)
def test_lent_memory_is_back_with_the_result(make_pool: MakePool, fn: Callable[..., Any]) -> None:
    pool = make_pool(1)
    for _ in range(50):
        memory_here = bytearray(100)
        with memoryview(memory_here) as view:
            submit(pool, fn, view).exception()
        memory_here.append(1)


def test_lent_memory_is_back_when_a_cancelled_call_has_ended(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(1)
    memory_here = bytearray(100)

    async def main() -> None:
        with memoryview(memory_here) as view:
            future = pool.run(coroutines.hold, gate.ends, view)
        gate.wait_for()
        future.cancel()

    run(main())
    wait_until_back(memory_here)


def test_what_is_returned_of_lent_memory_is_the_same_memory(pool: InterpreterThreadPoolExecutor) -> None:
    memory_here = bytearray(b"abc")
    with memoryview(memory_here) as view:
        result = call(pool, coroutines.echo, view)
    memory_here[0] = ord("x")
    assert bytes(result) == b"xbc"


def test_the_initializer_runs_before(make_pool: MakePool) -> None:
    pool = make_pool(1, initializer=interpreter(work.remember), initargs=("config", 5))
    assert call(pool, coroutines.recall, "config") == 5


def test_a_loop_serves_all_calls_of_an_interpreter(make_pool: MakePool) -> None:
    pool = make_pool(1)
    places = {call(pool, coroutines.place) for _ in range(5)}
    assert len(places) == 1
    assert {pool.submit(interpreter(work.here)).result()} == {here for here, _, _ in places}


def test_asyncio_shows_the_coroutine_s_name(pool: InterpreterThreadPoolExecutor) -> None:
    name, shown, listed = call(pool, coroutines.use_names)
    assert name == "use_names"
    assert "use_names" in shown
    assert listed


# ---- Many at once


def test_a_thousand_at_once_in_one_interpreter(make_pool: MakePool) -> None:
    pool = make_pool(1)

    async def main() -> list[int]:
        return await asyncio.gather(*(pool.run(coroutines.meet, 1000) for _ in range(1000)))

    assert sorted(run(main())) == list(range(1, 1001))


def test_a_thousand_at_once_by_submit(make_pool: MakePool) -> None:
    pool = make_pool(1)
    futures = [submit(pool, coroutines.meet, 1000) for _ in range(1000)]
    assert sorted(future.result() for future in futures) == list(range(1, 1001))


def test_they_spread_over_the_interpreters(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(3)
    held = [submit(pool, coroutines.place_at_gate, gate.ends) for _ in range(30)]
    gate.wait_for(30)
    gate.open_wide()
    assert sorted(Counter(future.result() for future in held).values()) == [10, 10, 10]


def test_three_that_hold_up_their_loops_are_in_three_interpreters(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(3)
    futures = [submit(pool, coroutines.call, gates.hold_then, gate.ends, work.here) for _ in range(3)]
    gate.wait_for(3)
    gate.open(3)
    assert len({future.result() for future in futures}) == 3


def test_no_more_interpreters_than_allowed(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(4, max_interpreters=1)
    held = [submit(pool, coroutines.hold, gate.ends) for _ in range(4)]
    gate.wait_for(4)
    mixed: list[Future[Any]] = [submit(pool, coroutines.place) for _ in range(3)]
    mixed += [pool.submit(interpreter(work.here_and_thread)) for _ in range(3)]
    untagged = [pool.submit(work.here) for _ in range(3)]
    assert len({future.result()[0] for future in mixed}) == 1
    assert {future.result() for future in untagged} == {work.HERE}
    gate.open_wide()
    assert [future.result() for future in held] == [None] * 4


def test_they_are_no_obstacle_to_other_calls(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(1)
    held = submit(pool, coroutines.hold, gate.ends, "held")
    gate.wait_for()
    assert pool.submit(interpreter(work.square), 3).result() == 9
    assert pool.submit(work.square, 4).result() == 16
    gate.open()
    assert held.result() == "held"


@pytest.mark.parametrize("way", [gates.hold, endless.loop], ids=["in C", "in Python"])
def test_other_calls_are_no_obstacle_to_them(make_pool: MakePool, gate: Gate, way: Callable[..., Any]) -> None:
    pool = make_pool(1)
    assert submit(pool, coroutines.square, 2).result() == 4
    busy: Future[Any] = pool.submit(interpreter(way), gate.ends)
    gate.wait_for()
    assert [submit(pool, coroutines.square, n).result() for n in range(10)] == [n * n for n in range(10)]
    assert busy.running()
    gate.open()
    busy.interrupt()


def test_an_endless_step_is_no_obstacle_to_other_calls(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(1)
    stuck = submit(pool, coroutines.loop, gate.ends)
    gate.wait_for()
    assert [pool.submit(interpreter(work.square), n).result() for n in range(10)] == [n * n for n in range(10)]
    assert stuck.interrupt()
    assert isinstance(stuck.exception(), TaskInterrupted)


def test_a_worker_that_makes_its_loop_loses_no_call_that_waits_beside_it(make_pool: MakePool, gate: Gate) -> None:
    for other in (work.square, interpreter(work.square), interpreter(coroutines.square)):
        pool = make_pool(1)
        held = pool.submit(gates.hold, gate.ends)
        gate.wait_for()
        first = submit(pool, coroutines.square, 3)
        queued = [pool.submit(other, n) for n in range(3)]
        gate.open()
        assert first.result() == 9
        assert [future.result(20) for future in queued] == [0, 1, 4]
        assert held.result() is None


def test_one_call_tells_another_one_of_its_interpreter(make_pool: MakePool) -> None:
    pool = make_pool(1)

    async def main() -> Any:
        waiting = pool.run(coroutines.wait_for, "news")
        await pool.run(coroutines.square, 1)
        assert not waiting.done()
        return await asyncio.gather(waiting, pool.run(coroutines.tell, "news"))

    assert run(main()) == ["news", None]


# ---- asyncio inside


FACILITIES: dict[Callable[[], Coroutine[Any, Any, Any]], Any] = {
    coroutines.use_create_task: 2,
    coroutines.use_gather: 20,
    coroutines.use_task_group: 20,
    coroutines.use_timeout: "timed out",
    coroutines.use_queue: [0, 1, 2, 3, 4],
    coroutines.use_lock: ["a", "a", "b", "b"],
    coroutines.use_to_thread: (True, True),
    coroutines.use_call_later: "called",
    coroutines.use_subprocess: "out 0",
    coroutines.use_streams: b"HELLO\n",
    coroutines.use_context: ("nothing", "set here"),
    coroutines.use_async_generator: [3],
    coroutines.fail_in_callback: "ValueError",
    coroutines.child_that_leaves: "exit 3",
    coroutines.stop_loop: "goes on",
}


@pytest.mark.parametrize(("fn", "result"), FACILITIES.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_asyncio_works_inside(pool: InterpreterThreadPoolExecutor, fn: Callable[[], Any], result: Any) -> None:
    for _ in range(2):
        assert call(pool, fn) == result
    assert call(pool, coroutines.square, 3) == 9


def test_a_loop_cannot_be_run_inside(pool: InterpreterThreadPoolExecutor) -> None:
    with pytest.raises(RuntimeError, match=r"asyncio\.run\(\) cannot be called from a running event loop"):
        call(pool, coroutines.use_run)


def test_the_loop_cannot_be_closed_inside(pool: InterpreterThreadPoolExecutor) -> None:
    with pytest.raises(RuntimeError, match="Cannot close a running event loop"):
        call(pool, coroutines.close_loop)
    assert call(pool, coroutines.square, 3) == 9


def test_the_loop_may_be_stopped_while_others_run(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(1)
    held = submit(pool, coroutines.hold, gate.ends, "held")
    gate.wait_for()
    for _ in range(10):
        assert submit(pool, coroutines.stop_loop).result() == "goes on"
    gate.open()
    assert held.result() == "held"


def test_an_eager_loop_ends_with_its_pool(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        """
        from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
        from support import coroutines

        with InterpreterThreadPoolExecutor(1) as pool:
            pool.submit(interpreter(coroutines.run_eagerly), True).result()
            print(pool.submit(interpreter(coroutines.at_once), 3).result())
            print(list(pool.map(coroutines.tagged_square, range(4))))
        """,
    ).check("9", "[0, 1, 4, 9]")


def test_a_task_factory_that_fails_is_no_matter_of_other_calls(make_pool: MakePool) -> None:
    pool = make_pool(1)
    submit(pool, coroutines.refuse_tasks, True).result()
    assert submit(pool, coroutines.square, 3).result() == 9
    assert pool.submit(interpreter(work.square), 3).result() == 9


@pytest.mark.parametrize("call", ["'send', None", "'throw', LookupError()", "'close'"])
def test_the_coroutine_of_a_call_refuses_to_be_driven_from_inside(tmp_path: Path, call: str) -> None:
    run_script(
        tmp_path,
        f"""
        from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
        from support import coroutines

        with InterpreterThreadPoolExecutor(1) as pool:
            print(pool.submit(interpreter(coroutines.meddle), {call}).result())
            print(pool.submit(coroutines.tagged_square, 3).result())
        """,
    ).check("coroutine already executing", "9")


def test_context_variables_are_each_call_s_own(make_pool: MakePool) -> None:
    pool = make_pool(1)
    results = [submit(pool, coroutines.use_context) for _ in range(5)]
    assert {future.result() for future in results} == {("nothing", "set here")}


def test_declared_context_variables_come_along(make_pool: MakePool) -> None:
    pool = make_pool(1, context_vars=[coroutines.variable])

    async def main() -> list[Any]:
        coroutines.variable.set("from home")
        return await asyncio.gather(*(pool.run(coroutines.use_context) for _ in range(3)))

    assert run(main()) == [("from home", "set here")] * 3
