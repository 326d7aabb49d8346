"""Programs written for release 0.6.0 run unchanged: its documentation, its examples, its names."""

import asyncio
import importlib
import inspect
import sys
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from aiointerpreters.executors import InterpreterThreadPoolExecutor, interpreter
from aiointerpreters.runner import InterpreterError, Runner, RunnerError, get_module_info
from support import failures, work
from support.protocols import MakePool
from support.scripts import run_python, run_script

STRICT = ["-W", "error"]

# ---- Its documentation

README = """
import asyncio, time
from aiointerpreters.executors import InterpreterThreadPoolExecutor, interpreter

runs, argument = 3, 10

def cpu_bound(n: int) -> int:
    return sum(range(n))

def io_bound(n: int) -> int:
    time.sleep(0.001)
    return -n
"""


def test_map_in_a_with_block(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        README
        + """
if __name__ == "__main__":
    with InterpreterThreadPoolExecutor() as executor:
        executor.map(interpreter(cpu_bound), (argument for _ in range(runs)))
        print(list(executor.map(interpreter(cpu_bound), (argument for _ in range(runs)))))
""",
        options=STRICT,
    ).check("[45, 45, 45]")


@pytest.mark.parametrize(
    "shortcut",
    [
        "InterpreterThreadPoolExecutor().set_as_event_loop_default()",
        "asyncio.get_running_loop().set_default_executor(InterpreterThreadPoolExecutor())",
    ],
)
def test_to_thread_with_the_executor_as_default(tmp_path: Path, shortcut: str) -> None:
    run_script(
        tmp_path,
        README
        + f"""
async def main():
    {shortcut}
    async with asyncio.TaskGroup() as tg:
        cpu = tg.create_task(asyncio.to_thread(interpreter(cpu_bound), argument))
        io = tg.create_task(asyncio.to_thread(io_bound, argument))
    print(cpu.result(), io.result())

if __name__ == "__main__":
    asyncio.run(main())
""",
        options=STRICT,
    ).check("45 -10")


def test_the_docstring_of_set_as_event_loop_default(make_pool: MakePool) -> None:
    async def main() -> int:
        asyncio.get_running_loop().set_default_executor(make_pool())
        return await asyncio.to_thread(interpreter(work.square), 3)

    assert asyncio.run(main()) == 9


# ---- Its examples

EXAMPLE = """
import asyncio, os
from aiointerpreters.runner import Runner

def sum_of_squares(num: int) -> int:
    return sum(i * i for i in range(num + 1))
"""


def test_a_wrapped_function_in_a_task_group(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        EXAMPLE
        + """
async def main() -> None:
    with Runner(workers=os.cpu_count() or 10).start() as runner:
        async_sum_of_squares = runner.wrap(sum_of_squares)
        async with asyncio.TaskGroup() as tg:
            tasks = [tg.create_task(async_sum_of_squares(1_000)) for _ in range(10)]
    print(sum(task.result() for task in tasks))

if __name__ == "__main__":
    asyncio.run(main())
""",
        options=STRICT,
    ).check("3338335000")


def test_calls_with_keywords_from_named_tasks(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        EXAMPLE
        + """
def parse(content: bytes) -> int:
    return content.count(b"href")

async def fetch_and_count(runner: Runner, url: str) -> None:
    await asyncio.sleep(0)
    links = await runner.run(parse, content=b"<a href=" + url.encode() + b">")
    print(f"{url = } {links = }")

async def run_all(urls: list[str]) -> None:
    with Runner(workers=12).start() as executor:
        semaphore = asyncio.Semaphore(1)
        async with asyncio.TaskGroup() as tg:
            for url in urls:
                await semaphore.acquire()
                tg.create_task(fetch_and_count(executor, url), name=url).add_done_callback(lambda _: semaphore.release())

if __name__ == "__main__":
    asyncio.run(run_all(["here", "there"]))
""",
        options=STRICT,
    ).check("url = 'here' links = 1", "url = 'there' links = 1")


@pytest.mark.parametrize("command", [["program.py"], ["-m", "program"]], ids=["file", "module"])
def test_get_module_info_and_run_module_function_of_a_script(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "program.py").write_text(
        EXAMPLE
        + """
from aiointerpreters.runner import get_module_info

async def main() -> None:
    kind, path, name = get_module_info(sum_of_squares)
    print(kind, os.path.basename(path), name)
    with Runner(workers=1).start() as runner:
        print(await runner.run_module_function((kind, path, name), 3))
        print(await runner.run_module_function(("path", path, "sum_of_squares"), num=4))
        print(await runner.run_module_function(("module", "math", "gcd"), 12, 18))

if __name__ == "__main__":
    asyncio.run(main())
""",
        encoding="utf-8",
    )
    run_python(*STRICT, *command, cwd=tmp_path).check("path program.py sum_of_squares", "14", "30", "6")


# ---- Its coroutines can be created anywhere and run by any loop


CALLS: dict[str, Callable[[Runner], Coroutine[Any, Any, int]]] = {
    "run": lambda runner: runner.run(work.square, 3),
    "wrap": lambda runner: runner.wrap(work.square)(3),
    "run_module_function": lambda runner: runner.run_module_function(("module", "support.work", "square"), 3),
}
each_call = pytest.mark.parametrize("make", CALLS.values(), ids=CALLS.keys())


@each_call
@pytest.mark.parametrize("how", ["asyncio.run", "Runner", "run_until_complete"])
def test_the_loop_may_start_after_the_call(make: Callable[[Runner], Coroutine[Any, Any, int]], how: str) -> None:
    with Runner(workers=1).start() as runner:
        called = make(runner)
        if how == "asyncio.run":
            result = asyncio.run(called)
        elif how == "Runner":
            with asyncio.Runner() as asyncio_runner:
                result = asyncio_runner.run(called)
        else:
            loop = asyncio.new_event_loop()
            result = loop.run_until_complete(called)
            loop.close()
    assert result == 9


@each_call
def test_another_thread_gives_calls_to_the_loop(make: Callable[[Runner], Coroutine[Any, Any, int]]) -> None:
    async def main() -> int:
        loop = asyncio.get_running_loop()
        with Runner(workers=1).start() as runner:
            return await asyncio.to_thread(lambda: asyncio.run_coroutine_threadsafe(make(runner), loop).result())

    assert asyncio.run(main()) == 9


@each_call
def test_tasks_of_calls_are_waited_for(make: Callable[[Runner], Coroutine[Any, Any, int]]) -> None:
    async def main() -> list[int]:
        with Runner(workers=2).start() as runner:
            tasks = [asyncio.ensure_future(make(runner)), asyncio.create_task(make(runner))]
            done, _ = await asyncio.wait(tasks)
            assert done == set(tasks)
            return [task.result() for task in tasks]

    assert asyncio.run(main()) == [9, 9]


@each_call
def test_a_call_begins_when_it_is_awaited(make: Callable[[Runner], Coroutine[Any, Any, int]]) -> None:
    async def main() -> int:
        runner = Runner(workers=1)
        called = make(runner)  # an early start would be refused: the runner is not started yet
        with runner.start():
            return await called

    assert asyncio.run(main()) == 9


def test_its_functions_are_coroutine_functions() -> None:
    runner = Runner(workers=1)
    assert inspect.iscoroutinefunction(runner.run)
    assert inspect.iscoroutinefunction(runner.run_module_function)
    assert inspect.iscoroutinefunction(runner.wrap(work.square))


# ---- Its names


@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("runner", ["InterpreterError", "ModuleInfo", "Runner", "RunnerError", "get_module_info"]),
        ("executors", ["InterpreterThreadPoolExecutor", "interpreter"]),
        ("types", ["Shareable"]),
    ],
)
def test_names_are_where_they_were(module: str, names: list[str]) -> None:
    found = importlib.import_module(f"aiointerpreters.{module}")
    assert [name for name in names if not hasattr(found, name)] == []


@pytest.mark.parametrize("module", ["runner", "executors"])
def test_star_imports_bring_what_they_brought(module: str) -> None:
    brought: dict[str, Any] = {}
    exec(f"from aiointerpreters.{module} import *", brought)
    before = {
        "runner": {"InterpreterError", "Runner", "RunnerError", "get_module_info"},
        "executors": {"InterpreterThreadPoolExecutor", "interpreter"},
    }
    assert before[module] - brought.keys() == set()


def test_errors_are_exceptions() -> None:
    assert issubclass(InterpreterError, Exception)
    assert issubclass(RunnerError, Exception)


def test_executors_are_made_with_the_same_arguments() -> None:
    with (
        InterpreterThreadPoolExecutor(1, "named", work.nothing, ("argument",)) as by_place,
        InterpreterThreadPoolExecutor(
            max_workers=1, thread_name_prefix="named", initializer=work.nothing, initargs=("argument",)
        ) as by_name,
    ):
        assert [each.submit(interpreter(work.square), 3).result() for each in (by_place, by_name)] == [9, 9]
        assert isinstance(by_place, ThreadPoolExecutor)
        assert isinstance(by_place, Executor)


def test_runners_show_and_change_the_number_of_workers() -> None:
    async def main(runner: Runner) -> int:
        return await runner.run(work.square, 3)

    runner = Runner(workers=3)
    assert runner.workers == 3
    runner.workers = 1
    with runner.start() as started:
        assert started is runner
        assert asyncio.run(main(runner)) == 9


def test_arguments_of_runners_by_name() -> None:
    async def main(runner: Runner) -> list[Any]:
        run: Callable[..., Any] = runner.run
        run_module_function: Callable[..., Any] = runner.run_module_function
        return [
            await run(fn=work.square, x=3),
            await run_module_function(module_info=("module", "support.work", "square"), x=4),
            await runner.wrap(fn=work.square)(x=5),
        ]

    with Runner(workers=1).start() as runner:
        assert asyncio.run(main(runner)) == [9, 16, 25]
    assert get_module_info(fn=work.square) == ("module", "support.work", "square")


# ---- Its tag


def test_the_tag_is_a_callable_with_its_function() -> None:
    tagged = interpreter(fn=work.square)
    assert isinstance(tagged, interpreter)
    assert tagged.fn is work.square
    assert tagged(3) == 9


def test_tags_of_one_function_are_equal() -> None:
    tagged, same, other = (interpreter(fn) for fn in (work.square, work.square, work.echo))
    assert tagged == same
    assert tagged != other


def test_the_tag_can_be_matched() -> None:
    found: Any = None
    match interpreter(work.square):
        case interpreter(fn):
            found = fn
    assert found is work.square


def test_the_tag_can_be_matched_by_name() -> None:
    found: Any = None
    match interpreter(work.square):
        case interpreter(fn=fn):
            found = fn
    assert found is work.square


def test_the_tag_is_generic() -> None:
    tagged: Callable[[int], int] = interpreter[[int], int](work.square)
    assert tagged(3) == 9


# ---- The values that it could pass


@pytest.mark.parametrize("value", ["s", b"b", 1, 1.5, True, None, (1, ("nested", b"")), ()])
def test_shareable_values(value: Any) -> None:
    async def main(runner: Runner) -> Any:
        return await runner.run(work.echo, value)

    with Runner(workers=1).start() as runner:
        assert asyncio.run(main(runner)) == value


def test_memoryviews_are_shared() -> None:
    async def main(runner: Runner) -> None:
        await runner.run(exec, "view[0] = 7", {"view": memoryview(memory)})

    memory = bytearray(3)
    with Runner(workers=1).start() as runner:
        asyncio.run(main(runner))
    assert memory == b"\7\0\0"


@pytest.mark.skipif(sys.version_info < (3, 14), reason="queues between interpreters came with CPython 3.14")
def test_queues_are_shareable() -> None:
    queues = importlib.import_module("concurrent.interpreters")
    types = importlib.import_module("aiointerpreters.types")

    async def main(runner: Runner) -> None:
        await runner.run(exec, "queue.put('from the worker')\nassert queue.get() == 'from home'", {"queue": queue})

    queue = queues.create_queue()
    queue.put("from home")
    with Runner(workers=1).start() as runner:
        asyncio.run(main(runner))
        assert queue.get() == "from the worker"
    assert queues.Queue in types.Shareable.__value__.__args__


# ---- Intended differences


def test_exceptions_arrive_as_themselves_not_as_interpreter_errors() -> None:
    async def main(runner: Runner) -> None:
        await runner.run(failures.fail_with_custom)

    with Runner(workers=1).start() as runner, pytest.raises(failures.Custom):
        asyncio.run(main(runner))
