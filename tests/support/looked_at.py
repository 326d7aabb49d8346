"""Functions whose stacks are looked at while they run in a worker."""

import asyncio
import atexit
import io
import threading
from functools import partial
from pathlib import Path

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

from .gate import Ends, Gate, hold


def outer(ends: Ends) -> str:
    def inner(ends: Ends) -> str:
        return str(hold(ends, "done"))

    return inner(ends)


def loop(ends: Ends) -> None:
    import os

    os.write(ends[0], b".")
    while True:
        pass


def between_files(begun: Path, go_on: Path) -> bytes:
    begun.write_bytes(b"")
    return go_on.read_bytes()


def in_c(ends: Ends) -> int:
    import os

    os.write(ends[0], b".")
    return sum(range(300_000_000))


async def awaits(ends: Ends) -> None:
    await awaits_more(ends)


async def awaits_more(ends: Ends) -> None:
    import os

    os.write(ends[0], b".")
    await asyncio.get_running_loop().create_future()


async def blocks_loop(ends: Ends) -> None:
    hold(ends)


def with_thread(ends: Ends) -> None:
    thread = threading.Thread(target=hold, args=(ends,), name="of a call")
    thread.start()
    hold(ends)
    thread.join()


def deep(depth: int, ends: Ends) -> None:
    if depth:
        deep(depth - 1, ends)
    else:
        hold(ends)


def hold_at_end(ends: Ends) -> None:
    atexit.register(partial(hold, ends))


def short(value: int) -> int:
    return value


def dump_nested() -> str:
    gate = Gate()
    with InterpreterThreadPoolExecutor(1) as executor:
        future = executor.submit(interpreter(hold), gate.ends)
        gate.wait_for()
        file = io.StringIO()
        executor.dump_traceback(file)
        gate.open()
        future.result()
    gate.dispose()
    return file.getvalue()
