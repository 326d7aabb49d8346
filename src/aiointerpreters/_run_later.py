"""The coroutine that `executor.run` returns if no event loop runs."""

import asyncio
from collections.abc import Callable
from typing import Any

from . import _core


async def run(executor: _core.ExecutorBase, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Call `executor.run` and await the result. Raises RuntimeError if no asyncio event loop awaits this coroutine."""
    asyncio.get_running_loop()
    return await _core.ExecutorBase.run(executor, fn, *args, **kwargs)
