"""Functions that ask where they run. Workers import this by name."""

import asyncio
import threading
from typing import Any

from aiointerpreters import Current, InterpreterThreadPoolExecutor, current, interpreter

seen: list[Current] = []


def note() -> None:
    """Remember where this runs; an initializer."""
    seen.append(current())


def noted() -> Current:
    """Where the last `note` of this interpreter has run."""
    return seen[-1]


def in_a_new_thread() -> Current:
    """Where a thread of this task is."""
    found: list[Current] = []
    thread = threading.Thread(target=lambda: found.append(current()))
    thread.start()
    thread.join()
    return found[0]


async def in_a_coroutine() -> Current:
    """Where a coroutine function is, after an await."""
    await asyncio.sleep(0)
    return current()


def in_own_pool(prefix: str) -> tuple[Current, Current, Current]:
    """Where a task is, and its untagged and tagged calls of a pool of its own."""
    with InterpreterThreadPoolExecutor(1, prefix) as pool:
        return current(), pool.submit(current).result(), pool.submit(interpreter(current)).result()


def interpreter_id() -> Any:
    """The ID of this interpreter, by CPython's own account."""
    import _interpreters  # type: ignore[import-not-found, unused-ignore]

    return _interpreters.get_current()[0]
