"""A program in the form of README's example. bench_memory.py runs it, and measures what its workers' interpreters take.

Workers run this file, so it imports only what such a program imports, and modules that each interpreter has anyway. The
argument is the name of the program (bench_memory.py). An environment variable says whether it imports asyncio.
"""

import _thread
import os
import sys

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

if os.environ.get("IMPORTED_BY_SCRIPT") == "asyncio":
    import asyncio  # noqa: F401


@interpreter
def attend(arrivals: int, leave: int) -> tuple[int, int]:
    """Does what `workloads.attend` does."""
    os.write(arrivals, b".")
    os.read(leave, 1)
    return id(sys.modules), _thread.get_native_id()


if __name__ == "__main__":
    from bench_memory import print_sample

    print_sample(sys.argv[1], InterpreterThreadPoolExecutor, attend)
