"""The Runner: functions in interpreters for asyncio, its beginnings and ends, and how workers find functions for it."""

import asyncio
import functools
import gc
import inspect
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

import pytest

from aiointerpreters import (
    InterpreterError,
    InterpreterThreadPoolExecutor,
    NotTransferableError,
    Runner,
    RunnerError,
    interpreter,
)
from aiointerpreters.runner import ModuleInfo, get_module_info
from support import coroutines, endless, failures, shapes, work
from support import gate as gates
from support.gate import Gate
from support.protocols import MakePool
from support.scripts import Running, run_python, run_script

type Run = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture
def run() -> Iterator[Run]:
    """Runs coroutines in one loop, to which nobody complains about anything."""
    complaints: list[dict[str, Any]] = []

    async def watched(main: Coroutine[Any, Any, Any]) -> Any:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        return await main

    with asyncio.Runner(debug=True) as runner:
        yield lambda main: runner.run(watched(main))
        gc.collect()
    assert complaints == []


def threads() -> list[str]:
    """The threads of runners."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("Runner")]


async def turns(count: int = 20) -> None:
    """Let the loop do what it has to do."""
    for _ in range(count):
        await asyncio.sleep(0)


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
            held = [runner.run(_hold_and_tell, gate.ends) for _ in range(2)]
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
        with pytest.raises(RunnerError, match=r"not started: use `with runner.start\(\):` or `async with runner:`"):
            await uses[use]()

    run(main())


def test_a_runner_cannot_be_started_twice(run: Run) -> None:
    async def main() -> None:
        runner = Runner(workers=1)
        async with runner:
            with pytest.raises(RunnerError, match="started already"):
                runner.start().__enter__()
            with pytest.raises(RunnerError, match="started already"):
                await runner.__aenter__()
            assert await runner.run(work.square, 3) == 9
        with runner.start():
            with pytest.raises(RunnerError, match="started already"):
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
    calls: list[Coroutine[Any, Any, int]] = []

    async def use(runner: Runner) -> None:
        calls.extend(runner.run(work.square, n) for n in range(50))
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
    async def use(leaving: asyncio.Event) -> Coroutine[Any, Any, str]:
        async with Runner(workers=1) as runner:
            call = runner.run(gates.hold, gate.ends, "held")
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
    calls: list[Coroutine[Any, Any, Any]] = []

    async def use(runner: Runner) -> None:
        calls.append(runner.run(endless.loop, gate.ends))
        calls.extend(runner.run(endless.loop) for _ in range(3))
        await asyncio.Event().wait()

    async def block() -> None:
        if plain:
            with Runner(workers=1).start() as runner:
                await use(runner)
        else:
            async with Runner(workers=1) as runner:
                await use(runner)

    async def main() -> None:
        task = asyncio.create_task(block())
        await asyncio.to_thread(gate.wait_for)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert threads() == []
        assert not [call for call in calls if not await _was_cancelled(call)]

    run(main())


async def _was_cancelled(call: Coroutine[Any, Any, Any]) -> bool:
    """Whether an await of the call says that it was; who awaits never sees a TaskInterrupted."""
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
    async def use(leaving: asyncio.Event, calls: list[Coroutine[Any, Any, Any]]) -> None:
        async with Runner(workers=1) as runner:
            calls.append(runner.run(endless.loop, gate.ends))
            await asyncio.to_thread(gate.wait_for)
            leaving.set()

    async def main() -> None:
        leaving = asyncio.Event()
        calls: list[Coroutine[Any, Any, Any]] = []
        task = asyncio.create_task(use(leaving, calls))
        await leaving.wait()
        await turns()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await _was_cancelled(calls[0])

    run(main())
    assert threads() == []


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
    calls: list[Coroutine[Any, Any, Any]] = []

    async def begin(runner: Runner) -> None:
        calls.append(runner.run(endless.loop, gate.ends))
        await asyncio.to_thread(gate.wait_for)

    with pytest.raises(KeyboardInterrupt), Runner(workers=1).start() as runner:
        asyncio.run(begin(runner))
        raise KeyboardInterrupt
    assert threads() == []


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
        call = runner.run(endless.loop, gate.ends)
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


# ---- run


def test_arguments_of_every_name(run: Run) -> None:
    async def main() -> Any:
        async with Runner(workers=1) as runner:
            return await runner.run(work.echo_call, 1, (2,), self=3, args=5, kwargs=6)

    assert run(main()) == ((1, (2,)), {"self": 3, "args": 5, "kwargs": 6})


@pytest.mark.parametrize(
    "fn",
    [
        work.square,
        work.tagged_square,
        interpreter(work.square),
        functools.partial(work.square),
        lambda x: x * x,
        shapes.Methods(3).add,
        int.bit_length,
        abs,
        str,
    ],
)
def test_functions_of_all_kinds(run: Run, fn: Callable[..., Any]) -> None:
    async def main() -> list[Any]:
        async with Runner(workers=1) as runner:
            return [await runner.run(fn, 3), await runner.wrap(fn)(3), await anext(runner.map(fn, [3]))]

    assert run(main()) == [fn(3)] * 3


def test_coroutine_functions(run: Run) -> None:
    async def main() -> list[int]:
        async with Runner(workers=1) as runner:
            return [
                await runner.run(coroutines.square, 1),
                await runner.wrap(coroutines.square)(2),
                await anext(runner.map(coroutines.square, [3])),
                await runner.run(functools.partial(coroutines.square, 4)),
            ]

    assert run(main()) == [1, 4, 9, 16]


def test_coroutine_functions_of_modules(run: Run) -> None:
    assert call_module_function(run, ("module", "support.coroutines", "square"), 3) == 9


@pytest.mark.parametrize("fail", [failures.fail_with_custom, failures.fail_with_keyword_only_code, failures.fail_with_cause])
def test_exceptions_arrive_as_themselves(run: Run, fail: Callable[[], Any]) -> None:
    async def main() -> None:
        async with Runner(workers=1) as runner:
            for call in (runner.run(fail), runner.wrap(fail)(), runner.run_module_function(get_module_info(fail))):
                with pytest.raises(type(expected)) as caught:
                    await call
                assert caught.value.args == expected.args

    expected = _raised_by(fail)
    run(main())


def _raised_by(fail: Callable[[], Any]) -> BaseException:
    try:
        fail()
    except Exception as error:
        return error
    raise AssertionError


def test_what_cannot_cross_is_told_by_the_await(run: Run) -> None:
    async def main() -> None:
        async with Runner(workers=1) as runner:
            with pytest.raises(NotTransferableError, match="argument 0: generator objects cannot cross"):
                await runner.run(work.echo, shapes.empty_generator())
            with pytest.raises(NotTransferableError, match="result"):
                await runner.run(shapes.make_generator)

    run(main())


def test_what_is_no_function(run: Run) -> None:
    async def main() -> None:
        async with Runner(workers=1) as runner:
            nothing: Any = 5
            with pytest.raises(TypeError):
                await runner.run(nothing)
            with pytest.raises(TypeError):
                await runner.wrap(nothing)()
            with pytest.raises(TypeError):
                await anext(runner.map(nothing, [3]))

    run(main())


@pytest.mark.parametrize("use", ["run", "wrapped", "run_module_function"])
def test_cancelling_an_await_stops_its_call_and_no_other(run: Run, gate: Gate, use: str) -> None:
    async def main() -> None:
        async with Runner(workers=2) as runner:
            calls: dict[str, Callable[..., Coroutine[Any, Any, Any]]] = {
                "run": functools.partial(runner.run, endless.loop),
                "wrapped": runner.wrap(endless.loop),
                "run_module_function": functools.partial(runner.run_module_function, ("module", "support.endless", "loop")),
            }
            held = runner.run(gates.hold, gate.ends, "other")
            await asyncio.to_thread(gate.wait_for)
            task = asyncio.create_task(calls[use](gate.ends))
            await asyncio.to_thread(gate.wait_for)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await runner.run(work.square, 3) == 9
            gate.open()
            assert await held == "other"

    run(main())


# ---- wrap


def documented(number: int, /, *others: int, keyword: str = "k") -> list[Any]:
    """Has a docstring."""
    return [number, *others, keyword]


documented.attribute = "kept"  # type: ignore[attr-defined]


def test_a_wrapped_function_looks_like_the_original() -> None:
    wrapped: Any = Runner(workers=1).wrap(documented)
    assert wrapped.__name__ == "documented"
    assert wrapped.__qualname__ == documented.__qualname__
    assert wrapped.__module__ == __name__
    assert wrapped.__doc__ == "Has a docstring."
    assert wrapped.__wrapped__ is documented
    assert wrapped.attribute == "kept"
    assert inspect.signature(wrapped) == inspect.signature(documented)
    assert inspect.get_annotations(wrapped) == inspect.get_annotations(documented)
    assert inspect.iscoroutinefunction(wrapped)
    assert not inspect.iscoroutinefunction(documented)


def test_a_wrapped_tag_looks_like_its_function() -> None:
    wrapped: Any = Runner(workers=1).wrap(work.tagged_square)
    assert wrapped.__name__ == "tagged_square"
    assert inspect.signature(wrapped) == inspect.signature(work.tagged_square.fn)
    assert inspect.iscoroutinefunction(wrapped)


def test_wrapped_functions_take_the_same_arguments(run: Run) -> None:
    async def main() -> list[Any]:
        async with Runner(workers=1) as runner:
            wrapped = runner.wrap(documented)
            with pytest.raises(TypeError, match="positional"):
                await wrapped()  # type: ignore[call-arg]
            return [await wrapped(1), await wrapped(1, 2, 3, keyword="other")]

    assert run(main()) == [[1, "k"], [1, 2, 3, "other"]]


def test_wrapping_before_the_start(run: Run) -> None:
    async def main() -> int:
        runner = Runner(workers=1)
        square = runner.wrap(work.square)
        async with runner:
            return await square(3)

    assert run(main()) == 9


def test_wrapped_functions_wherever_asyncio_takes_coroutines(run: Run) -> None:
    async def main() -> list[int]:
        async with Runner(workers=2) as runner:
            square = runner.wrap(work.square)
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(square(n), name=f"task {n}") for n in range(3)]
            results = [task.result() for task in tasks]
            results += await asyncio.gather(square(3), square(4))
            results.append(await asyncio.create_task(square(5)))
            results.append(await asyncio.wait_for(square(6), 100))
            results.append(await asyncio.shield(square(7)))
            results.append(await asyncio.ensure_future(square(8)))
            return results

    assert run(main()) == [n * n for n in range(9)]


def test_wrap_as_decorator_of_a_local_function(run: Run) -> None:
    async def main() -> list[Any]:
        async with Runner(workers=1) as runner:

            @runner.wrap
            def place(x: int) -> tuple[int, str]:
                return x + 1, work.HERE

            return [await place(3), place.__name__]

    (number, where), name = run(main())
    assert (number, name) == (4, "place")
    assert where != work.HERE


DECORATED = """
import asyncio
from aiointerpreters import Runner
from support import work

runner = Runner(workers=2)

@runner.wrap
def place(x: int) -> tuple[int, bool]:
    return x + 1, work.here() != HOME

@runner.wrap
def twice(x: int) -> int:
    return helper(helper(x))

def helper(x: int) -> int:
    return x * 3

HOME = ""

async def main():
    async with runner:
        print(await place(3), await twice(4))
"""


def test_wrap_as_decorator_in_a_script(tmp_path: Path) -> None:
    run_script(tmp_path, DECORATED + "\nif __name__ == '__main__':\n    asyncio.run(main())\n").check("(4, True) 36")


def test_wrap_as_decorator_in_a_module(tmp_path: Path) -> None:
    (tmp_path / "decorated.py").write_text(DECORATED, encoding="utf-8")
    run_script(
        tmp_path,
        "import asyncio, decorated\nif __name__ == '__main__':\n    asyncio.run(decorated.main())\n",
    ).check("(4, True) 36")


def test_wrapped_methods(run: Run) -> None:
    async def main() -> list[Any]:
        async with Runner(workers=1) as runner:
            counter = shapes.Methods(3)
            return [
                await runner.wrap(counter.add)(4),
                await runner.wrap(shapes.Methods.double)(5),
                await runner.wrap(shapes.Methods.name)(),
                await runner.wrap(counter)(2),
            ]

    assert run(main()) == [7, 10, "Methods", 6]


# ---- run_module_function


FILE = """
import sys
from support import work

calls = 0
LOADED_AS = __name__
work.append_line({log!r}, "loaded")

if __name__ == "__main__":
    work.append_line({log!r}, "as a program")

class Refused(Exception):
    pass

def add(a, b=1):
    global calls
    calls += 1
    return a + b, calls, work.HERE

def refuse():
    raise LookupError("no")

def refuse_with_own_class():
    raise Refused("by a class of this file")

not_a_function = 5
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    """A file with functions, which notes in a log when it is run."""
    path = tmp_path / "functions of mine.py"
    path.write_text(FILE.format(log=str(tmp_path / "log")), encoding="utf-8")
    return str(path)


def call_module_function(run: Run, info: Any, *args: Any, **kwargs: Any) -> Any:
    """What a runner's await gives."""

    async def main() -> Any:
        async with Runner(workers=1) as runner:
            return await runner.run_module_function(info, *args, **kwargs)

    return run(main())


@pytest.mark.parametrize(
    ("info", "args", "result"),
    [
        (("module", "support.work", "square"), (3,), 9),
        (("module", "support.work", "tagged_square"), (3,), 9),
        (("module", "support.shapes", "Named"), ("n", 1), shapes.Named("n", 1)),
        (("module", "builtins", "abs"), (-3,), 3),
        (("module", "math", "gcd"), (12, 18), 6),
        (("module", "os.path", "basename"), ("/a/b",), "b"),
        (["module", "math", "gcd"], (12, 18), 6),
    ],
)
def test_functions_of_modules(run: Run, info: Any, args: tuple[Any, ...], result: Any) -> None:
    assert call_module_function(run, info, *args) == result


def test_functions_of_a_package_that_home_has_not_imported(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "package_of_workers"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "inner.py").write_text("from . import other\ndef triple(x):\n    return other.times(x, 3)\n")
    (package / "other.py").write_text("def times(x, n):\n    return x * n\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert call_module_function(run, ("module", "package_of_workers.inner", "triple"), 4) == 12
    assert not any(name.startswith("package_of_workers") for name in sys.modules)


def test_a_file_is_run_once_in_each_interpreter_and_not_as_a_program(run: Run, file: str, tmp_path: Path) -> None:
    async def main() -> list[Any]:
        async with Runner(workers=1) as runner:
            add: ModuleInfo = ("path", file, "add")
            return [await runner.run_module_function(add, 1), await runner.run_module_function(add, 1, b=2)]

    first, second = run(main())
    assert (first[:2], second[:2]) == ((2, 1), (3, 2))
    assert first[2] != work.HERE
    assert (tmp_path / "log").read_text().split("\n") == ["loaded", ""]


def test_files_of_the_same_name_are_different(run: Run, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "same.py").write_text(f"def tell():\n    return {folder!r}\n")

    async def main() -> list[Any]:
        async with Runner(workers=1) as runner:
            infos: list[ModuleInfo] = [("path", str(tmp_path / folder / "same.py"), "tell") for folder in "ab"]
            return [await runner.run_module_function(info) for info in infos]

    assert run(main()) == ["a", "b"]


def test_a_file_with_data_classes(run: Run, tmp_path: Path) -> None:
    """Their decorator looks for the module among those that are imported."""
    path = tmp_path / "classes.py"
    path.write_text(
        "from __future__ import annotations\n"
        "from dataclasses import dataclass\n"
        "from typing import ClassVar\n"
        "@dataclass\n"
        "class Point:\n"
        "    count: ClassVar[int] = 0\n"
        "    x: int = 3\n"
        "def make():\n"
        "    return Point().x\n"
    )
    assert call_module_function(run, ("path", str(path), "make")) == 3


def test_exceptions_of_functions_of_files(run: Run, file: str) -> None:
    with pytest.raises(LookupError, match="no"):
        call_module_function(run, ("path", file, "refuse"))
    with pytest.raises(InterpreterError, match="by a class of this file"):
        call_module_function(run, ("path", file, "refuse_with_own_class"))


@pytest.mark.parametrize(
    ("info", "error"),
    [
        (("module", "no_such_module", "fn"), ModuleNotFoundError),
        (("module", "support.no_such_module", "fn"), ModuleNotFoundError),
        (("module", "math", "no_such_function"), AttributeError),
        (("module", "math", "pi"), TypeError),
        (("module", "", "fn"), ValueError),
        (("path", "/nonexistent/file.py", "fn"), FileNotFoundError),
        (("path", "", "fn"), ImportError),
    ],
)
def test_functions_that_are_not_there(run: Run, info: ModuleInfo, error: type[Exception]) -> None:
    with pytest.raises(error):
        call_module_function(run, info)


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("functions.txt", "def fn(): pass", ImportError),
        ("functions", "def fn(): pass", ImportError),
        ("functions.py", "def fn(:", SyntaxError),
        ("functions.py", "raise LookupError('while it is run')", LookupError),
        ("functions.py", "fn = 5", TypeError),
        ("functions.py", "", AttributeError),
    ],
)
def test_files_without_the_function(run: Run, tmp_path: Path, name: str, content: str, error: type[Exception]) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(error):
        call_module_function(run, ("path", str(tmp_path / name), "fn"))


def test_a_file_that_failed_is_tried_again(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "functions.py"

    async def main() -> Any:
        async with Runner(workers=1) as runner:
            with pytest.raises(FileNotFoundError):
                await runner.run_module_function(("path", str(path), "fn"))
            path.write_text("def fn():\n    return 'there'\n")
            return await runner.run_module_function(("path", str(path), "fn"))

    assert run(main()) == "there"


@pytest.mark.parametrize(
    "info",
    [
        None,
        "module",
        (),
        ("module", "math"),
        ("module", "math", "gcd", 1),
        ("file", "a.py", "fn"),
        ("module", 1, "gcd"),
        ("path", Path("a.py"), "fn"),
    ],
)
def test_what_is_no_module_info(run: Run, info: Any) -> None:
    with pytest.raises(RunnerError, match="module_info has to be"):
        call_module_function(run, info)


def test_keywords_of_every_name_for_module_functions(run: Run) -> None:
    info: ModuleInfo = ("module", "support.work", "echo_call")
    names = {"self": 1, "kind": 2, "place": 3, "name": 4, "fn": 5}
    assert call_module_function(run, info, **names) == ((), names)


def test_errors_of_finding_a_script_s_function_come_from_the_await(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        """
import asyncio
from aiointerpreters import Runner

async def main():
    async with Runner(workers=1) as runner:
        call = runner.run_module_function(("path", __file__, "no_such_function"))
        try:
            await call
        except AttributeError as error:
            print("no_such_function" in str(error))

if __name__ == "__main__":
    asyncio.run(main())
""",
    ).check("True")


# ---- get_module_info


@pytest.mark.parametrize(
    ("fn", "info"),
    [
        (work.square, ("module", "support.work", "square")),
        (interpreter(work.square), ("module", "support.work", "square")),
        (work.tagged_square, ("module", "support.work", "tagged_square")),
        (work.cached_square, ("module", "support.work", "cached_square")),
        (shapes.Point, ("module", "support.shapes", "Point")),
        (coroutines.square, ("module", "support.coroutines", "square")),
        (len, ("module", "builtins", "len")),
        (inspect.getfile, ("module", "inspect", "getfile")),
    ],
)
def test_where_a_function_is(fn: Callable[..., Any], info: ModuleInfo) -> None:
    assert get_module_info(fn) == info


def _make_local() -> Callable[..., Any]:
    def local() -> None:
        pass

    return local


class Unhashable:
    """Can be called, and not be a key."""

    __hash__ = None  # type: ignore[assignment]

    def __call__(self) -> None:
        pass


unnamed = lambda: None  # noqa: E731
a_lambda = unnamed


@pytest.mark.parametrize(
    "fn",
    [
        pytest.param(_make_local(), id="local"),
        pytest.param(lambda: None, id="lambda"),
        pytest.param(a_lambda, id="lambda of a module"),
        pytest.param(shapes.Methods(3).add, id="method"),
        pytest.param(shapes.Methods.double, id="static method"),
        pytest.param(shapes.Methods.name, id="class method"),
        pytest.param(shapes.Counter.Inner, id="nested class"),
        pytest.param(shapes.Methods(3), id="callable instance"),
        pytest.param([].append, id="method of a builtin"),
        pytest.param(str.upper, id="descriptor"),
        pytest.param(functools.partial(work.square), id="partial"),
        pytest.param(Unhashable(), id="unhashable"),
        pytest.param(None, id="None"),
    ],
)
def test_what_is_no_top_level_function(fn: Any) -> None:
    with pytest.raises(RunnerError, match="is not a top level function"):
        get_module_info(fn)
    if callable(fn):
        with pytest.raises(RunnerError, match="is not a top level function"):
            get_module_info(interpreter(fn))


SCRIPT = """
import asyncio, os
from dataclasses import dataclass
from aiointerpreters import Runner, interpreter
from aiointerpreters.runner import get_module_info
from support import work

FACTOR = 3

@dataclass
class Point:
    x: int

def scale(point):
    return Point(point.x * FACTOR)

@interpreter
def tagged(n):
    return n * FACTOR

async def main():
    for fn in (scale, tagged):
        kind, path, name = get_module_info(fn)
        print(kind, os.path.basename(path), name)
    print(get_module_info(work.square))
    async with Runner(workers=1) as runner:
        point = await runner.run_module_function(get_module_info(scale), Point(2))
        print(point, type(point) is Point)
        print(await runner.run_module_function(get_module_info(tagged), 5))
        print(await runner.run(scale, Point(3)), await runner.wrap(scale)(Point(4)))
        print([point async for point in runner.map(scale, [Point(5), Point(6)])])

if __name__ == "__main__":
    asyncio.run(main())
"""


@pytest.mark.parametrize(
    "command", [["program.py"], ["-m", "program"], ["-m", "package.program"]], ids=["file", "module", "package"]
)
def test_functions_of_the_program_s_own_script(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").touch()
    for folder in (tmp_path, tmp_path / "package"):
        (folder / "program.py").write_text(SCRIPT, encoding="utf-8")
    run_python("-W", "error", *command, cwd=tmp_path).check(
        "path program.py scale",
        "path program.py tagged",
        "('module', 'support.work', 'square')",
        "Point(x=6) True",
        "15",
        "Point(x=9) Point(x=12)",
        "[Point(x=15), Point(x=18)]",
    )


def test_what_is_no_top_level_function_of_the_program_s_script(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        """
import functools
from aiointerpreters import RunnerError, interpreter
from aiointerpreters.runner import get_module_info

def top():
    return lambda: None

class Callable:
    def __call__(self):
        pass

    def method(self):
        pass

a_lambda = lambda: None

if __name__ == "__main__":
    for fn in (top(), functools.partial(top), Callable(), Callable().method, Callable.method, a_lambda):
        try:
            print(get_module_info(fn))
        except RunnerError:
            print("RunnerError")
""",
    ).check(*["RunnerError"] * 6)


# ---- Several runners, several loops


def test_several_runners_at_once(run: Run) -> None:
    async def main() -> list[Any]:
        async with Runner(workers=1) as first, Runner(workers=1) as second:
            with Runner(workers=1).start() as third:
                return [await runner.run(work.here) for runner in (first, second, third)]

    places = run(main())
    assert len({*places, work.HERE}) == 4


def test_a_runner_of_several_loops_one_after_the_other() -> None:
    async def main(n: int) -> list[int]:
        return [await square(n), await runner.run(work.square, n + 1)]

    with Runner(workers=2).start() as runner:
        square = runner.wrap(work.square)
        assert [asyncio.run(main(n)) for n in range(3)] == [[0, 1], [1, 4], [4, 9]]


def test_a_runner_of_several_loops_at_once() -> None:
    results: dict[int, list[int]] = {}

    async def main(number: int) -> None:
        calls = [runner.run(work.square, number * 100 + n) for n in range(100)]
        mapped = [result async for result in runner.map(work.square, range(number, number + 100), limit=7)]
        results[number] = [*await asyncio.gather(*calls), *mapped]

    with Runner(workers=2).start() as runner:
        loops = [threading.Thread(target=asyncio.run, args=(main(number),)) for number in range(4)]
        for loop in loops:
            loop.start()
        for loop in loops:
            loop.join()
    assert results == {
        number: [(number * 100 + n) ** 2 for n in range(100)] + [n**2 for n in range(number, number + 100)]
        for number in range(4)
    }


def test_a_runner_whose_block_is_left_in_another_loop() -> None:
    async def call() -> int:
        return await runner.run(work.square, 3)

    async def leave() -> None:
        await runner.__aexit__(None, None, None)

    async def enter() -> Runner:
        return await Runner(workers=1).__aenter__()

    runner = asyncio.run(enter())
    assert asyncio.run(call()) == 9
    asyncio.run(leave())
    assert threads() == []


# ---- set_as_event_loop_default


async def _places() -> tuple[str, str]:
    return await asyncio.to_thread(work.tagged_here), await asyncio.to_thread(work.here)


def is_divided(places: tuple[str, str]) -> bool:
    """Whether the tagged call went to an interpreter, and the other one stayed here."""
    tagged, untagged = places
    return tagged != work.HERE and untagged == work.HERE


def test_the_default_of_the_running_loop(make_pool: MakePool) -> None:
    async def main() -> tuple[str, str]:
        make_pool(2).set_as_event_loop_default()
        return await _places()

    assert is_divided(asyncio.run(main()))


@pytest.mark.parametrize("factory", [asyncio.new_event_loop, "uvloop"])
def test_the_default_of_a_loop(make_pool: MakePool, factory: Any) -> None:
    loop = pytest.importorskip("uvloop").new_event_loop() if factory == "uvloop" else factory()
    make_pool(2).set_as_event_loop_default(loop)
    assert is_divided(loop.run_until_complete(_places()))
    assert loop.run_until_complete(loop.run_in_executor(None, work.tagged_square, 3)) == 9
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


def test_the_default_of_an_asyncio_runner(make_pool: MakePool) -> None:
    pool = make_pool(2)
    with asyncio.Runner() as runner:
        pool.set_as_event_loop_default(runner)
        assert is_divided(runner.run(_places()))
    with pytest.raises(RuntimeError, match="shutdown"):
        pool.submit(work.square, 3)


def test_the_default_of_an_asyncio_runner_before_its_block(make_pool: MakePool) -> None:
    runner = asyncio.Runner()
    make_pool(2).set_as_event_loop_default(runner)
    with runner:
        assert is_divided(runner.run(_places()))


def test_no_loop_to_be_the_default_of(make_pool: MakePool) -> None:
    pool = make_pool(1)
    with pytest.raises(RuntimeError, match="no running event loop"):
        pool.set_as_event_loop_default()
    with pytest.raises(RuntimeError, match="no running event loop"):
        pool.set_as_event_loop_default(None)
    with asyncio.Runner() as closed:
        closed.run(asyncio.sleep(0))
    with pytest.raises(RuntimeError, match="closed"):
        pool.set_as_event_loop_default(closed)


@pytest.mark.parametrize("ctx", [5, "loop", asyncio, asyncio.new_event_loop, Runner(workers=1)])
def test_what_cannot_have_a_default_executor(make_pool: MakePool, ctx: Any) -> None:
    with pytest.raises(TypeError, match=r"ctx must be an event loop, an asyncio\.Runner or None"):
        make_pool(1).set_as_event_loop_default(ctx)


def test_a_runner_can_be_nested_in_blocks_of_others(run: Run) -> None:
    async def use(block: AbstractContextManager[Runner]) -> int:
        with block as runner:
            return await runner.run(work.square, 3)

    async def main() -> list[int]:
        return await asyncio.gather(*(use(Runner(workers=1).start()) for _ in range(3)))

    assert run(main()) == [9, 9, 9]
