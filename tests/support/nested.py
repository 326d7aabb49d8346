"""Runners that functions have of their own, in a worker."""

import asyncio

from aiointerpreters import Runner, interpreter
from support import endless
from support.gate import Ends


def endless_block(ends: Ends, *, in_block: bool) -> None:
    """Have a runner run what never ends, and wait for it in its block or at the block's end."""

    async def wait(runner: Runner) -> None:
        await runner.run(endless.loop, ends)

    with Runner(workers=1) as runner:
        if in_block:
            asyncio.run(wait(runner))
        else:
            runner._started().submit(interpreter(endless.loop), ends)  # no loop whose end would stop it
