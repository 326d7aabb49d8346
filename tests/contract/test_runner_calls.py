"""What a Runner runs: calls, wrapped functions; several runners and several loops."""

import asyncio
import functools
import inspect
import threading
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from aiointerpreters import (
    NotTransferableError,
    Runner,
    interpreter,
)
from aiointerpreters.runner import get_module_info
from support import coroutines, endless, failures, runners, shapes, work
from support import gate as gates
from support.gate import Gate
from support.protocols import MakePool
from support.runners import Run, begin, threads
from support.scripts import run_script

run = runners.run


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
    assert call_module_function(run, ("module", "support.coroutines", "squarer"), 3) == 10


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
            held = begin(runner.run(gates.hold, gate.ends, "other"))
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


def test_a_method_that_a_module_has_is_that_of_the_worker(run: Run) -> None:
    async def main() -> list[int]:
        async with Runner(workers=1) as runner:
            tally = runner.wrap(shapes.tally)
            mapped = [count async for count in runner.map(shapes.tally, [0, 10])]
            return [*mapped, await runner.run(shapes.tally), await tally(), await tally(10)]

    assert run(main()) == [1, 12, 3, 4, 15]
    assert shapes.tally() == 1


def test_a_coroutine_method_that_a_module_has(run: Run) -> None:
    async def main() -> list[int]:
        async with Runner(workers=1) as runner:
            mapped = [result async for result in runner.map(coroutines.method, [3, 4])]
            return [*mapped, await runner.run(coroutines.method, 5), await runner.wrap(coroutines.method)(6)]

    assert run(main()) == [9, 16, 25, 36]


def call_module_function(run: Run, info: Any, *args: Any, **kwargs: Any) -> Any:
    """Await this call of a runner and return the result."""

    async def main() -> Any:
        async with Runner(workers=1) as runner:
            return await runner.run_module_function(info, *args, **kwargs)

    return run(main())


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
    """Return whether the tagged call went to an interpreter and the other one stayed here."""
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
