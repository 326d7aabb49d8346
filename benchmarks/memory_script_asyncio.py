"""memory_script.py with an import of asyncio, as services have it."""

import _thread
import asyncio  # noqa: F401
import os
import sys

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter


@interpreter
def attend(arrivals: int, leave: int) -> tuple[int, int]:
    """Does what `workloads.attend` does."""
    os.write(arrivals, b".")
    os.read(leave, 1)
    return id(sys.modules), _thread.get_native_id()


if __name__ == "__main__":
    from bench_memory import SCRIPT_WITH_ASYNCIO, print_sample

    print_sample(SCRIPT_WITH_ASYNCIO, InterpreterThreadPoolExecutor, attend)
