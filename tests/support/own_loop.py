"""Event loops and executors that a function creates in a worker."""

import asyncio
import select
from collections.abc import Callable
from typing import Any

from aiointerpreters import InterpreterThreadPoolExecutor
from aiointerpreters.types import RunFuture
from support import endless, work
from support.gate import Ends, Gate


def squares(count: int) -> tuple[list[int], str, str]:
    """Return squares computed by a pool of this function, and the names of this interpreter and of the pool's."""

    async def main() -> tuple[list[int], str, str]:
        with InterpreterThreadPoolExecutor(1) as pool:
            results = await asyncio.gather(*(pool.run(work.square, n) for n in range(count)))
            return results, work.HERE, await pool.run(work.here)

    return asyncio.run(main())


def stops_a_call() -> tuple[bool, bool]:
    """Cancel a running and a queued call. Return whether their futures say so."""

    async def main(gate: Gate) -> tuple[bool, bool]:
        with InterpreterThreadPoolExecutor(1) as pool:
            running: RunFuture[Any] = pool.run(endless.loop, gate.ends)
            queued: RunFuture[Any] = pool.run(endless.loop)
            gate.wait_for()
            queued.cancel()
            running.cancel()
            await pool.run(work.nothing)
            return running.cancelled(), queued.cancelled()

    gate = Gate()
    try:
        return asyncio.run(main(gate))
    finally:
        gate.dispose()


def awaits(fn: Callable[..., Any], *args: Any) -> Any:
    """Await a call in a pool of this function."""

    async def main(pool: InterpreterThreadPoolExecutor) -> Any:
        return await pool.run(fn, *args)

    with InterpreterThreadPoolExecutor(1) as pool:
        return asyncio.run(main(pool))


def look_at(ends: Ends, _: object = None) -> None:
    """Check the gate again and again, in Python, until it is open."""
    endless.arrive(ends)
    while not select.select([ends[1]], [], [], 0.001)[0]:
        pass
