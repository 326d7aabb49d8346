"""A result that cancels the future that awaits it."""

import asyncio
from typing import Any

targets: list[asyncio.Future[Any]] = []


class Cancels:
    """Cancels the targets of the interpreter where it is unpickled."""

    def __reduce__(self) -> Any:
        return cancel, ()


def cancel() -> None:
    """Cancel them."""
    while targets:
        targets.pop().cancel()
