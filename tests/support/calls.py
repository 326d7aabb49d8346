"""Ways to call functions in interpreters, with types for both coroutine functions and other functions."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter


def call(pool: InterpreterThreadPoolExecutor, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Await one call in a new loop in debug mode, because it reports every misuse."""

    async def main() -> Any:
        return await pool.run(fn, *args, **kwargs)

    return asyncio.run(main(), debug=True)


def submit(pool: InterpreterThreadPoolExecutor, fn: Callable[..., Any], /, *args: Any) -> Any:
    """Return the future of a tagged call."""
    future: Future[Any] = pool.submit(interpreter(fn), *args)
    return future
