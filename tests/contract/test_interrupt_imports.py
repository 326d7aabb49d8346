"""Interrupts spare imports: for later calls on that worker, a module is either whole or not there at all."""

import asyncio
import logging
import logging.handlers
import queue
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, TaskInterrupted, interpreter
from aiointerpreters.executors import Future
from support import endless, work
from support.gate import Ends, Gate
from support.protocols import MakePool

MakeModule = Callable[[str, str], str]


@pytest.fixture
def make_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeModule:
    """Writes a module where workers find it."""
    folder = tmp_path / "modules"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))

    def make(name: str, source: str) -> str:
        path = folder.joinpath(*name.split(".")).with_suffix(".py")
        path.parent.mkdir(exist_ok=True)
        path.write_text(source, encoding="utf-8")
        return name

    return make


def interrupt_in_the_midst(future: Future[Any], gate: Gate) -> None:
    """Interrupt a call that waits at the gate during an import. Then open the gate; the call ends."""
    gate.wait_for()
    assert future.interrupt()
    gate.open()
    assert isinstance(future.exception(), TaskInterrupted)


def slow(gate: Gate, *, first: str = "", then: str = "") -> str:
    """The source of a module that does not end before the gate is opened, and that reports that it has started."""
    return f"from support import gate\nstate = 'half done'\n{first}\ngate.hold({gate.ends!r})\n{then}\nstate = 'whole'\n"


def import_and_go_on(name: str, ends: Ends) -> None:
    """Import it, then loop for ever."""
    __import__(name)
    endless.loop(ends)


async def import_and_go_on_in_loop(name: str, ends: Ends) -> None:
    """The same in the worker's event loop."""
    __import__(name)
    endless.arrive(ends)
    await asyncio.sleep(1000)


def import_and_return(name: str) -> str:
    """Import it and return."""
    return __import__(name).__name__


def state_of(name: str) -> str | None:
    """The progress of this interpreter with a module, or None if it does not have it."""
    import sys

    return getattr(sys.modules.get(name), "state", None)


def check(pool: InterpreterThreadPoolExecutor, name: str, state: str | None = "whole") -> None:
    """The module of the pool's worker is in this state, for functions of both kinds."""

    async def state_in_loop() -> str | None:
        return state_of(name)

    fns: list[Callable[[], Any]] = [partial(state_of, name), state_in_loop]
    assert [pool.submit(interpreter(fn)).result() for fn in fns] == [state, state]


@pytest.mark.parametrize("fn", [import_and_go_on, import_and_go_on_in_loop])
def test_a_module_that_is_being_imported_is_whole_afterwards(
    make_pool: MakePool, gate: Gate, make_module: MakeModule, fn: Callable[..., Any]
) -> None:
    pool = make_pool(1)
    name = make_module("slow_module", slow(gate))
    future = pool.submit(interpreter(fn), name, gate.ends)
    gate.wait_for()
    assert future.interrupt()
    gate.open()
    gate.wait_for()  # the call has passed it: an interrupt in the module would have come earlier
    assert isinstance(future.exception(), TaskInterrupted)
    check(pool, name)


def test_a_call_that_ends_with_the_import_is_interrupted_all_the_same(
    make_pool: MakePool, gate: Gate, make_module: MakeModule
) -> None:
    pool = make_pool(1)
    name = make_module("last_module", slow(gate))
    future = pool.submit(interpreter(import_and_return), name)
    gate.wait_for()
    assert future.interrupt()
    assert future.interrupt()
    gate.open()
    assert isinstance(future.exception(), TaskInterrupted)
    check(pool, name)


@pytest.mark.parametrize("fn", [import_and_go_on, import_and_go_on_in_loop])
def test_cancelling_run_spares_it_too(
    make_pool: MakePool, gate: Gate, make_module: MakeModule, fn: Callable[..., Any]
) -> None:
    pool = make_pool(1)
    name = make_module("module_of_run", slow(gate))

    async def main() -> None:
        future = pool.run(fn, name, gate.ends)
        await asyncio.to_thread(gate.wait_for)
        future.cancel()
        with pytest.raises(asyncio.CancelledError):
            await future  # it does not wait for the import
        gate.open()
        await asyncio.to_thread(gate.wait_for)
        assert await pool.run(work.square, 3) == 9

    asyncio.run(main(), debug=True)
    check(pool, name)


def test_a_module_that_computes_for_long_is_spared(make_pool: MakePool, gate: Gate, make_module: MakeModule) -> None:
    """A module that waits in C is spared too, but it could not be interrupted anyway."""
    pool = make_pool(1)
    name = make_module("computing_module", slow(gate, then="for _ in range(3_000_000): pass"))
    future = pool.submit(interpreter(import_and_go_on), name, gate.ends)
    interrupt_in_the_midst(future, gate)
    check(pool, name)


def test_modules_that_are_imported_by_modules(make_pool: MakePool, gate: Gate, make_module: MakeModule) -> None:
    pool = make_pool(1)
    make_module("slow_package.inner", slow(gate))
    name = make_module("slow_package.__init__", "from slow_package import inner\nfrom slow_package.inner import state\n")
    future = pool.submit(interpreter(import_and_go_on), name.removesuffix(".__init__"), gate.ends)
    interrupt_in_the_midst(future, gate)
    for module in ("slow_package", "slow_package.inner"):
        check(pool, module)


def test_functions_that_an_import_calls_are_spared(make_pool: MakePool, gate: Gate, make_module: MakeModule) -> None:
    pool = make_pool(1)
    make_module("helper_of_module", "def help(n):\n    return n and help(n - 1)\n")
    calls = "import helper_of_module\nfor _ in range(30_000): helper_of_module.help(10)\n"
    name = make_module("module_with_helper", slow(gate, then=calls))
    future = pool.submit(interpreter(import_and_go_on), name, gate.ends)
    interrupt_in_the_midst(future, gate)
    check(pool, name)


def test_the_module_of_the_function_itself_is_spared(make_pool: MakePool, gate: Gate, make_module: MakeModule) -> None:
    pool = make_pool(1)
    name = make_module("module_of_function", slow(gate, then="def value():\n    return state\n"))
    gate.open()
    home = __import__(name)
    gate.wait_for()
    future = pool.submit(interpreter(home.value))
    interrupt_in_the_midst(future, gate)
    assert pool.submit(interpreter(home.value)).result() == "whole"


def test_the_module_of_an_argument_is_spared(make_pool: MakePool, gate: Gate, make_module: MakeModule) -> None:
    pool = make_pool(1)
    name = make_module("module_of_argument", slow(gate, then="class Argument:\n    pass\n"))
    gate.open()
    home = __import__(name)
    gate.wait_for()
    future = pool.submit(interpreter(work.nothing), home.Argument())
    interrupt_in_the_midst(future, gate)
    check(pool, name)


def test_an_import_that_fails_is_the_end_of_the_sparing(make_pool: MakePool, gate: Gate, make_module: MakeModule) -> None:
    pool = make_pool(1)
    name = make_module("failing_module", slow(gate, then="raise LookupError('on purpose')"))

    def go_on(name: str, ends: Ends) -> None:
        try:
            __import__(name)
        except LookupError:
            endless.loop(ends)

    future = pool.submit(interpreter(go_on), name, gate.ends)
    interrupt_in_the_midst(future, gate)
    check(pool, name, None)


def test_many_slow_imports_one_after_the_other_are_stopped_between(
    make_pool: MakePool, gate: Gate, make_module: MakeModule
) -> None:
    """Each of these modules takes longer than the time between two looks."""
    pool = make_pool(1)
    names = [make_module(f"slow_in_a_row_{n}", "for _ in range(200_000): pass\nstate = 'whole'\n") for n in range(30)]

    def import_all(names: list[str], ends: Ends) -> None:
        import sys

        endless.arrive(ends)
        while True:
            for name in names:
                __import__(name)
                for _ in range(1000):
                    pass
            for name in names:
                del sys.modules[name]

    future = pool.submit(interpreter(import_all), names, gate.ends)
    gate.wait_for()
    assert future.interrupt()
    assert isinstance(future.exception(), TaskInterrupted)
    for name in names:
        assert pool.submit(interpreter(state_of), name).result() in ("whole", None)


def test_a_task_beside_it_in_the_worker_s_loop_is_cancelled_and_the_module_is_whole(
    make_pool: MakePool, gate: Gate, make_module: MakeModule
) -> None:
    """While one task imports, the loop cannot cancel other tasks. This does not count as ignoring the interrupt."""
    pool = make_pool(1)
    name = make_module("module_beside", slow(gate))

    async def waits(ends: Ends) -> None:
        endless.arrive(ends)
        await asyncio.sleep(1000)

    beside = pool.submit(interpreter(waits), gate.ends)
    gate.wait_for()
    future = pool.submit(interpreter(import_and_go_on_in_loop), name, gate.ends)
    gate.wait_for()
    assert beside.interrupt()
    gate.open()
    gate.wait_for()
    assert isinstance(beside.exception(), TaskInterrupted)
    assert not future.done()
    assert future.interrupt()
    assert isinstance(future.exception(), TaskInterrupted)
    check(pool, name)


def test_an_import_that_never_ends_is_named_in_the_log_and_broken_in_the_end(
    make_pool: MakePool, gate: Gate, make_module: MakeModule
) -> None:
    """One test for both kinds of function, because it takes several seconds until the import is broken."""
    name = make_module("endless_module", slow(gate, then="while True: pass"))
    pools = [make_pool(1), make_pool(1)]
    logged: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    handler = logging.handlers.QueueHandler(logged)
    logging.getLogger("aiointerpreters").addHandler(handler)
    try:
        plain = pools[0].submit(interpreter(import_and_return), name)
        in_loop = pools[1].submit(interpreter(import_and_go_on_in_loop), name, gate.ends)
        gate.wait_for(2)
        assert plain.interrupt()
        assert in_loop.interrupt()
        gate.open(2)
        messages = sorted(logged.get(timeout=60).getMessage() for _ in range(2))
    finally:
        logging.getLogger("aiointerpreters").removeHandler(handler)
    assert "import_and_go_on_in_loop" in messages[0]
    assert "import_and_return" in messages[1]
    assert isinstance(plain.exception(), TaskInterrupted)
    assert isinstance(in_loop.exception(), TaskInterrupted)
    for pool in pools:
        check(pool, name, None)
