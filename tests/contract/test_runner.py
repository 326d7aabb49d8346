"""The Runner: functions in interpreters for asyncio; how it begins and ends."""

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from aiointerpreters import (
    InterpreterError,
    InterpreterThreadPoolExecutor,
    Runner,
    RunnerError,
    TaskInterrupted,
    interpreter,
)
from support import coroutines, endless, failures, nested, runners, work
from support import gate as gates
from support.gate import Gate
from support.runners import Run, begin, threads, turns
from support.scripts import Running, run_script

run = runners.run


# ---- Beginnings and ends


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_a_block_of_an_asynchronous_program(run: Run, workers: int) -> None:
    async def main() -> list[int]:
        async with Runner(workers=workers) as runner:
            assert len(threads()) == workers
            return await asyncio.gather(*(runner.run(work.square, n) for n in range(20)))

    assert run(main()) == [n * n for n in range(20)]
    assert threads() == []


def test_a_plain_block_in_an_asynchronous_program(run: Run) -> None:
    async def main() -> int:
        with Runner(workers=2).start() as runner:
            assert len(threads()) == 2
            return await runner.run(work.square, 3)

    assert run(main()) == 9
    assert threads() == []


def test_a_plain_block_around_event_loops() -> None:
    async def main() -> int:
        return await runner.run(work.square, 3)

    with Runner(workers=1).start() as runner:
        assert [asyncio.run(main()) for _ in range(3)] == [9, 9, 9]
    assert threads() == []


def test_a_block_gives_the_runner_itself(run: Run) -> None:
    async def main() -> None:
        runner = Runner(workers=1)
        with runner as started:
            assert started is runner
        with runner.start() as started:
            assert started is runner
        async with runner as started:
            assert started is runner

    run(main())


def test_blocks_that_do_nothing(run: Run) -> None:
    async def main() -> None:
        with Runner(workers=2).start():
            pass
        async with Runner(workers=2):
            pass

    run(main())
    assert threads() == []


def test_a_runner_starts_again_after_its_end(run: Run) -> None:
    async def main() -> list[int]:
        runner = Runner(workers=1)
        square = runner.wrap(work.square)
        results = []
        for _ in range(2):
            async with runner:
                results.append(await square(3))
            with runner.start():
                results.append(await square(4))
        return results

    assert run(main()) == [9, 16, 9, 16]


def test_interpreters_are_there_from_the_beginning(run: Run) -> None:
    async def main() -> set[str]:
        async with Runner(workers=2) as runner:
            held = [begin(runner.run(_hold_and_tell, gate.ends)) for _ in range(2)]
            await asyncio.to_thread(gate.wait_for, 2)
            gate.open(2)
            return set(await asyncio.gather(*held))

    gate = Gate()
    places = run(main())
    gate.dispose()
    assert len(places) == 2
    assert work.HERE not in places


def _hold_and_tell(ends: gates.Ends) -> str:
    gates.hold(ends)
    return work.HERE


def test_the_workers_bear_the_runner_s_name(run: Run) -> None:
    async def main() -> str:
        async with Runner(workers=1) as runner:
            _, _, name = await runner.run(work.here_and_thread)
            assert [name] == threads()
            return name

    assert run(main()).startswith("Runner-")


@pytest.mark.parametrize("use", ["run", "wrapped", "run_module_function", "map", "leave"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_runner_that_is_not_started_says_so(run: Run, use: str, when: str) -> None:
    async def main() -> None:
        runner = Runner(workers=1)
        if when == "after":
            async with runner:
                pass
        uses: dict[str, Callable[[], Any]] = {
            "run": lambda: runner.run(work.square, 3),
            "wrapped": lambda: runner.wrap(work.square)(3),
            "run_module_function": lambda: runner.run_module_function(("module", "support.work", "square"), 3),
            "map": lambda: anext(runner.map(work.square, [3])),
            "leave": lambda: runner.__aexit__(None, None, None),
        }
        with pytest.raises(RunnerError, match="not started: use `async with runner:` or `with runner:`"):
            await uses[use]()

    run(main())


def test_a_runner_cannot_be_started_twice(run: Run) -> None:
    async def main() -> None:
        runner = Runner(workers=1)
        async with runner:
            with pytest.raises(RunnerError, match="already started"):
                runner.start().__enter__()
            with pytest.raises(RunnerError, match="already started"):
                await runner.__aenter__()
            assert await runner.run(work.square, 3) == 9
        with runner.start():
            with pytest.raises(RunnerError, match="already started"):
                runner.start().__enter__()
            assert await runner.run(work.square, 3) == 9

    run(main())
    assert threads() == []


def test_a_runner_that_could_not_start_can_be_started_later(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    async def main() -> int:
        runner = Runner(workers=1)
        with monkeypatch.context() as patch:
            patch.setattr(InterpreterThreadPoolExecutor, "_start_thread", refuse)
            with pytest.raises(RuntimeError, match="can't start new thread"):
                await runner.__aenter__()
            with pytest.raises(RuntimeError, match="can't start new thread"):
                runner.start().__enter__()
        async with runner:
            return await runner.run(work.square, 3)

    assert run(main()) == 9


def test_misuse_of_runners_is_an_interpreter_error() -> None:
    assert issubclass(RunnerError, InterpreterError)


@pytest.mark.parametrize(
    ("workers", "error"), [(0, ValueError), (-1, ValueError), (1.5, TypeError), ("2", TypeError), (None, TypeError)]
)
def test_numbers_of_workers_that_are_none(workers: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="workers must be"):
        Runner(workers=workers)


def test_workers_are_given_by_name() -> None:
    make: Callable[..., Any] = Runner
    with pytest.raises(TypeError):
        make()
    with pytest.raises(TypeError):
        make(2)


def test_as_many_workers_as_processors(run: Run) -> None:
    async def main() -> int:
        async with Runner(workers=os.process_cpu_count() or 1) as runner:
            return await runner.run(work.square, 3)

    assert run(main()) == 9


# ---- Ends with work under way


@pytest.mark.parametrize("plain", [True, False], ids=["start", "async with"])
@pytest.mark.parametrize("error", [None, LookupError, SystemExit], ids=["no error", "LookupError", "SystemExit"])
def test_the_end_of_a_block_waits_for_what_was_submitted(run: Run, plain: bool, error: type[BaseException] | None) -> None:
    calls: list[asyncio.Task[int]] = []

    async def use(runner: Runner) -> None:
        calls.extend(begin(runner.run(work.square, n)) for n in range(50))
        if error is not None:
            raise error

    async def main() -> list[int]:
        with suppress(*filter(None, [error])):
            if plain:
                with Runner(workers=2).start() as runner:
                    await use(runner)
            else:
                async with Runner(workers=2) as runner:
                    await use(runner)
        assert threads() == []
        return await asyncio.gather(*calls)

    assert run(main()) == [n * n for n in range(50)]


def test_an_exception_leaves_a_block_as_it_is(run: Run) -> None:
    async def main() -> None:
        with pytest.raises(failures.Custom):
            async with Runner(workers=1) as runner:
                await runner.run(failures.fail_with_custom)
        with pytest.raises(failures.Custom), Runner(workers=1).start() as runner:
            await runner.run(failures.fail_with_custom)

    run(main())


def test_the_loop_goes_on_while_a_block_ends(run: Run, gate: Gate) -> None:
    async def use(leaving: asyncio.Event) -> asyncio.Task[str]:
        async with Runner(workers=1) as runner:
            call = begin(runner.run(gates.hold, gate.ends, "held"))
            await asyncio.to_thread(gate.wait_for)
            leaving.set()
        return call

    async def main() -> None:
        leaving = asyncio.Event()
        task = asyncio.create_task(use(leaving))
        await leaving.wait()
        await turns()
        assert not task.done()
        gate.open()  # only this loop can open it
        assert await (await task) == "held"

    run(main())


def test_the_results_of_other_tasks_arrive_when_a_block_ends(run: Run, gate: Gate) -> None:
    async def call(runner: Runner) -> str:
        result: str = await runner.run(gates.hold, gate.ends, "late")
        return result

    async def main() -> str:
        async with Runner(workers=1) as runner:
            task = asyncio.create_task(call(runner))
            await asyncio.to_thread(gate.wait_for)
            asyncio.get_running_loop().call_soon(gate.open)
        return await task

    assert run(main()) == "late"


@pytest.mark.parametrize("plain", [True, False], ids=["start", "async with"])
def test_a_cancelled_block_stops_what_runs_and_what_is_queued(run: Run, gate: Gate, plain: bool) -> None:
    calls: list[asyncio.Task[Any]] = []

    async def use(runner: Runner) -> None:
        calls.append(begin(runner.run(endless.loop, gate.ends)))
        calls.extend(begin(runner.run(endless.loop)) for _ in range(3))
        await asyncio.Event().wait()

    async def block() -> None:
        if plain:
            with Runner(workers=1).start() as runner:
                await use(runner)
        else:
            async with Runner(workers=1) as runner:
                await use(runner)

    async def main() -> None:
        await _cancel_once_it_runs(block(), gate)
        assert threads() == []
        assert not [call for call in calls if not await _was_cancelled(call)]

    run(main())


async def _cancel_once_it_runs(block: Coroutine[Any, Any, None], gate: Gate) -> None:
    task = asyncio.create_task(block)
    await asyncio.to_thread(gate.wait_for)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def _was_cancelled(call: asyncio.Task[Any]) -> bool:
    """Return whether awaiting the call raises CancelledError. The awaiting code never sees TaskInterrupted."""
    try:
        await call
    except BaseException as error:
        return isinstance(error, asyncio.CancelledError)
    return False


@pytest.mark.parametrize("plain", [True, False], ids=["start", "async with"])
def test_a_block_that_takes_too_long(run: Run, gate: Gate, plain: bool) -> None:
    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                if plain:
                    with Runner(workers=1).start() as runner:
                        await runner.run(endless.loop)
                else:
                    async with Runner(workers=1) as runner:
                        await runner.run(endless.loop)
        assert threads() == []

    run(main())


def test_cancelling_while_the_end_of_a_block_waits_stops_what_runs(run: Run, gate: Gate) -> None:
    async def use(leaving: asyncio.Event, calls: list[asyncio.Task[Any]]) -> None:
        async with Runner(workers=1) as runner:
            calls.append(begin(runner.run(endless.loop, gate.ends)))
            await asyncio.to_thread(gate.wait_for)
            leaving.set()

    async def main() -> None:
        leaving = asyncio.Event()
        calls: list[asyncio.Task[Any]] = []
        task = asyncio.create_task(use(leaving, calls))
        await leaving.wait()
        await turns()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await _was_cancelled(calls[0])

    run(main())
    assert threads() == []


def test_the_loop_goes_on_however_often_the_end_of_a_block_is_cancelled(run: Run, gate: Gate) -> None:
    calls: list[asyncio.Task[Any]] = []

    async def use() -> None:
        async with Runner(workers=1) as runner:
            calls.append(begin(runner.run(endless.ignores, gate.ends)))
            await asyncio.Event().wait()

    async def main() -> None:
        task = asyncio.create_task(use())
        await asyncio.to_thread(gate.wait_for)
        for _ in range(3):
            task.cancel()
            await turns()
        await asyncio.to_thread(gate.wait_for)  # the function has swallowed its interrupt, so the block goes on
        assert not task.done()
        gate.open()  # only this loop can open it
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.gather(*calls, return_exceptions=True)  # the function may swallow any of the interrupts

    run(main())
    assert threads() == []


def test_a_cancelled_block_stops_the_threads_of_coroutine_functions(run: Run, gate: Gate) -> None:
    async def block() -> None:
        async with Runner(workers=1) as runner:
            await runner.run(coroutines.in_threads, gate.ends, 4)

    async def main() -> None:
        for _ in range(5):
            await _cancel_once_it_runs(block(), gate)
        assert threads() == []

    run(main())


def test_a_failing_task_group_stops_the_calls_of_its_tasks(run: Run, gate: Gate) -> None:
    async def fail() -> None:
        await asyncio.to_thread(gate.wait_for)
        raise LookupError

    async def main() -> None:
        async with Runner(workers=1) as runner:
            with pytest.raises(ExceptionGroup):
                async with asyncio.TaskGroup() as group:
                    group.create_task(runner.run(endless.loop, gate.ends))
                    group.create_task(fail())
            assert await runner.run(work.square, 3) == 9

    run(main())


def test_keyboard_interrupt_leaves_a_plain_block_at_once(gate: Gate) -> None:
    calls: list[asyncio.Task[Any]] = []

    async def start(runner: Runner) -> None:
        calls.append(begin(runner.run(endless.loop, gate.ends)))
        await asyncio.to_thread(gate.wait_for)

    with pytest.raises(KeyboardInterrupt), Runner(workers=1).start() as runner:
        asyncio.run(start(runner))
        raise KeyboardInterrupt
    assert threads() == []


@pytest.mark.parametrize("end", [KeyboardInterrupt, TaskInterrupted, asyncio.CancelledError])
@pytest.mark.parametrize("plain", [True, False], ids=["with", "async with"])
def test_what_ends_work_ends_the_block_s_work(run: Run, gate: Gate, plain: bool, end: type[BaseException]) -> None:
    calls: list[asyncio.Task[Any]] = []

    async def use(runner: Runner) -> None:
        calls.append(begin(runner.run(endless.loop, gate.ends)))
        await asyncio.to_thread(gate.wait_for)
        raise end

    async def main() -> None:
        caught = None
        try:
            if plain:
                with Runner(workers=1) as runner:
                    await use(runner)
            else:
                async with Runner(workers=1) as runner:
                    await use(runner)
        except end as error:
            caught = error
        assert caught is not None
        assert threads() == []
        assert await _was_cancelled(calls[0])

    run(main())


@pytest.mark.timeout(20)  # short, because a failure here is a wait without end
@pytest.mark.parametrize("waits", ["in the block", "at its end"])
def test_a_call_with_a_runner_of_its_own_is_stopped(gate: Gate, waits: str) -> None:
    with InterpreterThreadPoolExecutor(1) as pool:
        future = pool.submit(interpreter(nested.endless_block), gate.ends, in_block=waits == "in the block")
        gate.wait_for()
        assert future.interrupt()
        with pytest.raises(TaskInterrupted):
            future.result()
        assert pool.submit(interpreter(work.square), 3).result() == 9


def test_a_runner_says_what_is_going_on(run: Run, gate: Gate) -> None:
    async def main() -> None:
        runner = Runner(workers=1)
        assert repr(runner) == "<Runner of 1 worker, not started>"
        async with runner:
            held = begin(runner.run(gates.hold, gate.ends, "held"))
            await asyncio.to_thread(gate.wait_for)
            assert repr(runner) == "<Runner of 1 worker, started, 1 call under way, 0 of them queued>"
            queued = begin(runner.run(work.square, 3))
            results = runner.map(work.square, range(10), limit=2)
            first = asyncio.ensure_future(anext(results))
            await turns()
            assert repr(runner) == "<Runner of 1 worker, started, 4 calls under way, 3 of them queued>"
            gate.open()
            assert [await held, await queued, await first] == ["held", 9, 0]
            await results.aclose()
            assert repr(runner) == "<Runner of 1 worker, started, 0 calls under way, 0 of them queued>"
        assert repr(Runner(workers=3)) == "<Runner of 3 workers, not started>"

    run(main())


PLAIN, ASYNCHRONOUS = "with Runner(workers=2).start() as runner", "async with Runner(workers=2) as runner"


@pytest.mark.parametrize(
    ("block", "where"),
    [
        (PLAIN, "await call"),
        (PLAIN, "await asyncio.Event().wait()"),
        (ASYNCHRONOUS, "await call"),
        (ASYNCHRONOUS, "await asyncio.Event().wait()"),
        (ASYNCHRONOUS, "pass"),
    ],
)
def test_ctrl_c_ends_a_program_with_a_runner(tmp_path: Path, block: str, where: str) -> None:
    script = f"""
import asyncio
from aiointerpreters import Runner
from support import endless
from support.gate import Gate

async def main(gate):
    {block}:
        call = asyncio.create_task(runner.run(endless.loop, gate.ends))
        await asyncio.to_thread(gate.wait_for)
        print("running")
        {where}

if __name__ == "__main__":
    asyncio.run(main(Gate()))
"""
    with Running(tmp_path, script) as running:
        running.wait_for("running")
        running.interrupt()
        finished = running.finish()
    assert finished.code == -signal.SIGINT
    assert finished.stderr.splitlines()[-1] == "KeyboardInterrupt"
    assert "never retrieved" not in finished.stderr


def test_a_program_that_ends_inside_a_block(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        """
import asyncio, sys
from aiointerpreters import Runner
from support import work

async def main():
    async with Runner(workers=2) as runner:
        print(await runner.run(work.square, 3))
        sys.exit(5)

if __name__ == "__main__":
    asyncio.run(main())
""",
        options=["-W", "error"],
    ).check("9", code=5)
