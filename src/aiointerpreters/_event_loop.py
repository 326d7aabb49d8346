"""The event loop of a worker's interpreter, which runs coroutine functions in a thread of its own."""

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable
from typing import Any


def start(
    name: str, fd: int, take_turn: Callable[[asyncio.AbstractEventLoop], bool], end: Callable[[None], object]
) -> threading.Thread:
    """Start the thread and return it.

    fd: becomes readable when there is something to do.
    take_turn: does that; it returns True when there is nothing more to come.
    end: is called last, when the loop has been closed.
    """
    thread = threading.Thread(target=_run, name=f"{name}_loop", args=(fd, take_turn, end))
    thread.start()
    return thread


def _run(fd: int, take_turn: Callable[[asyncio.AbstractEventLoop], bool], end: Callable[[None], object]) -> None:
    try:
        with asyncio.Runner() as runner:  # at the end it cancels what tasks have left, and closes generators and executors
            loop = runner.get_loop()
            done = False

            def turn() -> None:
                nonlocal done
                done = take_turn(loop)
                if done:
                    loop.stop()

            loop.add_reader(fd, turn)
            loop.call_soon(turn)
            while not done:
                with contextlib.suppress(KeyboardInterrupt, SystemExit):  # which asyncio lets out of a callback
                    loop.run_forever()
            loop.remove_reader(fd)
    finally:
        end(None)


async def call_rows(fn: Callable[..., Awaitable[Any]], rows: list[tuple[Any, ...]]) -> list[Any]:
    """Return the results of calls with these arguments, one after the other."""
    return [await fn(*row) for row in rows]
