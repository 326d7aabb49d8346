"""A program in the form of README's example. bench_memory.py runs it, and measures what its workers' interpreters take.

Workers run this file, so it imports only what such a program imports, and modules that each interpreter has anyway.
"""

import _thread
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
    from bench_memory import SCRIPT, print_sample

    print_sample(SCRIPT, InterpreterThreadPoolExecutor, attend)
