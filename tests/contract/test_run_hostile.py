"""Event loops and coroutine functions that misbehave: they lose only the calls that they spoil themselves."""

import asyncio
import contextvars
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, Runner, interpreter
from support import coroutines, variables, work
from support import gate as gates
from support.calls import submit
from support.gate import Gate
from support.protocols import MakePool
from support.scripts import run_script


class DeafLoop(asyncio.SelectorEventLoop):
    """Accepts readers and forgets them."""

    def add_reader(self, *_: Any) -> None:  # type: ignore[override]
        """Do nothing."""


class SlowLoop(asyncio.SelectorEventLoop):
    """Lets other code act while a reader is added."""

    meanwhile: Callable[[], object]

    def add_reader(  # type: ignore[override]
        self, fd: Any, callback: Callable[..., Any], *args: Any
    ) -> None:
        """Do this in another thread."""
        thread = threading.Thread(target=self.meanwhile)
        thread.start()
        thread.join()
        super().add_reader(fd, callback, *args)


def test_a_loop_that_forgets_its_readers(pool: InterpreterThreadPoolExecutor) -> None:
    async def main() -> list[int]:
        return await asyncio.gather(*(pool.run(work.square, n) for n in range(20)))

    with asyncio.Runner(loop_factory=DeafLoop) as runner:
        assert runner.run(main()) == [n * n for n in range(20)]


def test_a_callback_that_comes_while_a_loop_begins_to_await_is_called(
    pool: InterpreterThreadPoolExecutor, gate: Gate
) -> None:
    told: list[Future[Any]] = []
    called = threading.Event()

    def tell(future: Future[Any]) -> None:
        told.append(future)
        called.set()

    async def main() -> Any:
        future = pool.submit(interpreter(gates.hold), gate.ends, "held")
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SlowLoop)
        loop.meanwhile = lambda: future.add_done_callback(tell)
        wrapped = asyncio.wrap_future(future)
        gate.open()
        result = await wrapped
        called.wait()
        assert told == [future]
        return result

    with asyncio.Runner(loop_factory=SlowLoop) as runner:
        assert runner.run(main()) == "held"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
@pytest.mark.parametrize("end", ["loop.close(); os._exit(0)", "os._exit(0)"])
def test_a_child_does_not_take_the_wake_up_of_its_parent_s_loop(tmp_path: Path, end: str) -> None:
    run_script(
        tmp_path,
        f"""
import asyncio, os
from aiointerpreters import InterpreterThreadPoolExecutor
from support import gate as gates
from support.gate import Gate

async def begin(pool, gate):
    held = pool.run(gates.hold, gate.ends, "held")
    await asyncio.to_thread(gate.wait_for)
    return held

async def end(held):
    print(await held)

if __name__ == "__main__":
    loop, pool, gate = asyncio.new_event_loop(), InterpreterThreadPoolExecutor(1), Gate()
    held = loop.run_until_complete(begin(pool, gate))
    gate.open()
    pool.submit(print, "its end is in the mailbox").result()
    pid = os.fork()
    if pid == 0:
        {end}
    os.waitpid(pid, 0)
    loop.run_until_complete(end(held))
    loop.close()
""",
        options=["-W", "ignore::DeprecationWarning"],
    ).check("its end is in the mailbox", "held")


def test_a_coroutine_that_is_driven_after_its_loop(make_pool: MakePool, tmp_path: Path) -> None:
    pool = make_pool(1)
    path = tmp_path / "refusals"
    assert submit(pool, coroutines.drive_itself_at_the_end, str(path)).result() is None
    pool.shutdown()
    assert path.read_text().split() == ["send", "RuntimeError", "throw", "RuntimeError", "close", "None"]


def test_a_task_factory_that_makes_none(make_pool: MakePool) -> None:
    pool = make_pool(1)
    assert submit(pool, coroutines.set_useless_factory).result() is None
    assert submit(pool, coroutines.square, 3).result() == 9


def test_what_a_call_has_set_is_not_seen_by_calls_that_declare_it(make_pool: MakePool) -> None:
    pool = make_pool(1)
    declared = interpreter.with_context(variables.request)(variables.read)
    here = contextvars.Context()  # an empty context, whatever other tests have set
    assert here.run(pool.submit, declared).result() == "no request"
    pool.submit(interpreter(variables.replace), "leaked").result()
    assert pool.submit(interpreter(variables.read)).result() == "leaked"
    assert here.run(pool.submit, declared).result() == "no request"
    here.run(variables.request.set, "carried")
    assert here.run(pool.submit, declared).result() == "carried"


@pytest.mark.parametrize("busy", [True, False], ids=["busy", "shut down"])
def test_a_runner_ends_without_the_loop_s_executor(gate: Gate, busy: bool) -> None:
    async def main() -> int:
        executor = ThreadPoolExecutor(1)
        asyncio.get_running_loop().set_default_executor(executor)
        if busy:
            executor.submit(gates.hold, gate.ends)
            gate.wait_for()
        else:
            executor.shutdown()
        async with Runner(workers=1) as runner:
            result = await runner.run(work.square, 3)
        gate.open_wide()
        return result

    assert asyncio.run(main()) == 9


def test_the_loop_goes_on_while_a_map_fills_its_window() -> None:
    async def main() -> int:
        turns = 0

        async def turn() -> None:
            nonlocal turns
            while True:
                await asyncio.sleep(0)
                turns += 1

        async with Runner(workers=1) as runner:
            turning = asyncio.create_task(turn())
            results = [result async for result in runner.map(work.square, range(50_000), limit=100_000)]
            turning.cancel()
        assert results == [n * n for n in range(50_000)]
        return turns

    assert asyncio.run(main()) > 5
