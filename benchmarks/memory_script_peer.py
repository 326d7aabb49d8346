"""The program of memory_script.py, with InterpreterPoolExecutor."""

import _thread
import os
import sys
from concurrent.futures import InterpreterPoolExecutor

if os.environ.get("IMPORTED_BY_SCRIPT") == "asyncio":
    import asyncio  # noqa: F401


def attend(arrivals: int, leave: int) -> tuple[int, int]:
    """Does what `workloads.attend` does."""
    os.write(arrivals, b".")
    os.read(leave, 1)
    return id(sys.modules), _thread.get_native_id()


if __name__ == "__main__":
    from bench_memory import print_sample

    print_sample(sys.argv[1], InterpreterPoolExecutor, attend)
