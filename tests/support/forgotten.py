"""Coroutine functions whose awaits are cancelled, so their outcomes are never read. Workers import this by name."""

import asyncio
from typing import Any

from support import coroutines, work
from support.gate import Ends


class TellsPickling:
    """Writes to a file when it is pickled."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        work.append_line(self.path, "pickled")
        return str, ("pickled",)


async def return_when_cancelled(ends: Ends, path: str) -> Any:
    """Return a value when cancelled."""
    try:
        await coroutines.sleep(ends)
    except asyncio.CancelledError:
        return TellsPickling(path)


async def all_ended() -> None:
    """Wait until this is the only call of its loop."""
    while len(asyncio.all_tasks()) > 1:  # noqa: ASYNC110  there is nothing to wait for
        await asyncio.sleep(0)
