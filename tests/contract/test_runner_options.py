"""The options of a Runner: interpreters that are ready early, broadcasts, and calls that run elsewhere."""

import asyncio
import os
import threading
from concurrent.futures.thread import BrokenThreadPool

import pytest

from aiointerpreters import NotTransferableError, Runner, RunnerError, interpreter
from support import coroutines, endless, runners, work
from support.gate import Gate
from support.runners import Run

run = runners.run


def test_preload_and_warm_up(run: Run) -> None:
    async def main() -> None:
        async with Runner(workers=2, preload=["wave", "support.light"]) as runner:
            await runner.warm_up()
            assert await asyncio.gather(*(runner.run(work.is_imported, "wave") for _ in range(8))) == [True] * 8
            await runner.warm_up()  # nothing is left to do

    run(main())


def test_a_module_that_cannot_be_preloaded_breaks_tagged_calls(run: Run) -> None:
    async def main() -> None:
        async with Runner(workers=1, preload=["nowhere_at_all"]) as runner:
            with pytest.raises(BrokenThreadPool):
                await runner.warm_up()
            with pytest.raises(BrokenThreadPool):
                await runner.run(work.square, 3)

    run(main())


@pytest.mark.parametrize(("preload", "error"), [("json", TypeError), ([1], TypeError), ([".json"], ValueError)])
def test_wrong_names_are_refused_before_the_start(preload: list[str], error: type[Exception]) -> None:
    with pytest.raises(error):
        Runner(workers=1, preload=preload)


def test_a_broadcast_runs_once_in_every_interpreter(run: Run) -> None:
    async def main() -> None:
        async with Runner(workers=2) as runner:
            await runner.warm_up()
            places = await runner.broadcast(work.here)
            assert len(set(places)) == len(places) == 2
            await runner.broadcast(work.remember, "broadcast", 5)
            assert await asyncio.gather(*(runner.run(work.recall, "broadcast") for _ in range(8))) == [5] * 8

    run(main())


def test_a_broadcast_that_fails_or_cannot_cross_raises(run: Run) -> None:
    async def main() -> None:
        async with Runner(workers=1) as runner:
            await runner.warm_up()
            with pytest.raises(ZeroDivisionError):
                await runner.broadcast(work.divide, 1, 0)
            with pytest.raises(NotTransferableError):
                await runner.broadcast(work.echo, threading.Lock())
            with pytest.raises(TypeError):
                await runner.broadcast(coroutines.square, 3)
            assert await runner.run(work.square, 3) == 9

    run(main())


def test_a_cancelled_broadcast_stops(run: Run, gate: Gate) -> None:
    async def main() -> None:
        async with Runner(workers=1) as runner:
            await runner.warm_up()
            task = asyncio.ensure_future(runner.broadcast(endless.loop, gate.ends))
            await asyncio.to_thread(gate.wait_for)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await runner.run(work.square, 3) == 9

    run(main())


def test_before_the_start_there_is_nothing_to_warm_up(run: Run) -> None:
    async def main() -> None:
        runner = Runner(workers=1)
        with pytest.raises(RunnerError):
            await runner.warm_up()
        with pytest.raises(RunnerError):
            await runner.broadcast(work.nothing)

    run(main())


@pytest.mark.filterwarnings("ignore::aiointerpreters.FallbackWarning")
def test_options_of_the_tag_and_of_the_runner(run: Run) -> None:
    async def main() -> None:
        lock = threading.Lock()
        async with Runner(workers=1, fallback="thread") as runner:
            assert await runner.run(work.is_same, lock, lock) is True
            assert await runner.wrap(interpreter(os.getpid, lane="process"))() != os.getpid()
            with pytest.raises(NotTransferableError):
                await runner.run(interpreter(work.echo, fallback="error"), lock)

    run(main())
