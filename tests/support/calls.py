"""Ways to call functions in interpreters, typed for coroutine functions and others alike."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter


def call(pool: InterpreterThreadPoolExecutor, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Await one call in a fresh loop, in debug mode: it complains about everything."""

    async def main() -> Any:
        return await pool.run(fn, *args, **kwargs)

    return asyncio.run(main(), debug=True)


def submit(pool: InterpreterThreadPoolExecutor, fn: Callable[..., Any], /, *args: Any) -> Any:
    """Return the future of a tagged call."""
    future: Future[Any] = pool.submit(interpreter(fn), *args)
    return future
