"""What `executor.run` returns where no event loop runs."""

import asyncio
from collections.abc import Callable
from typing import Any

from . import _core


async def run(executor: _core.ExecutorBase, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Do what `executor.run` does, once there is a loop. Raises RuntimeError if what awaits this is no loop of asyncio."""
    asyncio.get_running_loop()
    return await _core.ExecutorBase.run(executor, fn, *args, **kwargs)
