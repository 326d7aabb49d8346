"""Tasks that wait for pools of their own. Workers import this by name."""

import asyncio
from typing import Any

from aiointerpreters import InterpreterThreadPoolExecutor, Runner, interpreter
from support import endless
from support.gate import Ends


def in_a_result(ends: Ends) -> Any:
    """Wait for the result of an endless call."""
    with InterpreterThreadPoolExecutor(1) as pool:
        return pool.submit(interpreter(endless.loop), ends).result()


def at_the_end_of_a_block(ends: Ends) -> None:
    """Wait for the same at the end of the block."""
    with InterpreterThreadPoolExecutor(1) as pool:
        pool.submit(interpreter(endless.loop), ends)


def in_a_pool_of_a_pool(ends: Ends) -> Any:
    """Wait for a task that waits."""
    with InterpreterThreadPoolExecutor(1) as pool:
        return pool.submit(interpreter(in_a_result), ends).result()


def with_more_in_the_queue(ends: Ends) -> None:
    """Queue further endless calls for the only worker."""
    with InterpreterThreadPoolExecutor(1) as pool:
        futures = [pool.submit(interpreter(endless.loop), ends) for _ in range(3)]
        for future in futures:
            future.result()


def in_two_blocks(ends: Ends) -> Any:
    """Leave two blocks one after the other."""
    with InterpreterThreadPoolExecutor(1) as outer, InterpreterThreadPoolExecutor(1) as inner:
        outer.submit(interpreter(endless.sleep), ends)
        return inner.submit(interpreter(endless.loop), ends).result()


async def _await(ends: Ends) -> None:
    async with Runner(workers=1) as runner:
        await runner.run(endless.loop, ends)


async def _start(ends: Ends) -> None:
    with Runner(workers=1).start() as runner:
        await runner.run(endless.loop, ends)


def in_a_runner(ends: Ends) -> None:
    """Await it."""
    asyncio.run(_await(ends))


def in_a_runner_s_block(ends: Ends) -> None:
    """Await it in a block that blocks the event loop at its end."""
    asyncio.run(_start(ends))


# Each with the number of calls that report that they are running.
WAYS = [
    (in_a_result, 1),
    (at_the_end_of_a_block, 1),
    (in_a_pool_of_a_pool, 1),
    (with_more_in_the_queue, 1),
    (in_two_blocks, 2),
    (in_a_runner, 1),
    (in_a_runner_s_block, 1),
]


def endless_block(ends: Ends, *, in_block: bool) -> None:
    """Let a runner run an endless call, and wait for it in its block or at the block's end."""

    async def wait(runner: Runner) -> None:
        await runner.run(endless.loop, ends)

    with Runner(workers=1) as runner:
        if in_block:
            asyncio.run(wait(runner))
        else:
            runner._started().submit(interpreter(endless.loop), ends)  # not by a loop, whose end would stop the call
