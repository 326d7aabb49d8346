"""The same CPU-bound work four times: in a loop, in threads, in interpreters, and in interpreters under asyncio.

python examples/sums.py
"""

import asyncio
import os
import platform
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from heartbeat import Heartbeat

NUMBERS = 40_000_000
CORES = os.process_cpu_count() or 1
STEPS = [NUMBERS * step // (4 * CORES) for step in range(4 * CORES + 1)]
PIECES = list(pairwise(STEPS))


@interpreter
def sum_of_squares(start: int, stop: int) -> int:
    """Adds up the squares from `start` up to, not including, `stop`."""
    total = 0
    for number in range(start, stop):
        total += number * number
    return total


def serially() -> int:
    return sum(sum_of_squares(*piece) for piece in PIECES)


def in_threads() -> int:
    with ThreadPoolExecutor(CORES) as pool:
        return sum(pool.map(sum_of_squares, *zip(*PIECES, strict=True)))


def in_interpreters() -> int:
    with InterpreterThreadPoolExecutor(CORES) as pool:
        return sum(pool.map(sum_of_squares, *zip(*PIECES, strict=True)))


async def in_interpreters_from_asyncio(heartbeat: Heartbeat) -> int:
    with InterpreterThreadPoolExecutor(CORES) as pool:
        async with heartbeat:
            return sum(await asyncio.gather(*(pool.run(sum_of_squares, *piece) for piece in PIECES)))


def main() -> None:
    heartbeat = Heartbeat()
    ways: dict[str, Callable[[], int]] = {
        "one after the other": serially,
        "in threads": in_threads,
        "in interpreters": in_interpreters,
        "in interpreters, from asyncio": lambda: asyncio.run(in_interpreters_from_asyncio(heartbeat)),
    }
    print(f"The sum of {NUMBERS:,} squares, on {CORES} cores, CPython {platform.python_version()}\n")
    results, times = [], []
    for name, way in ways.items():
        start = time.perf_counter()
        results.append(way())
        times.append(time.perf_counter() - start)
        print(table_row(name, times[-1], times[0] / times[-1]), flush=True)

    if len(set(results)) != 1:
        sys.exit(f"\nThe results differ: {results}")
    print(f"\nAll four say {results[0]:,}.")
    print(
        f"While the interpreters computed, asyncio's heart beat {len(heartbeat.lateness)} times, "
        f"at most {max(heartbeat.lateness) * 1000:.1f} ms late."
    )


def table_row(name: str, seconds: float, speed_up: float) -> str:
    bar = "█" if "utf" in sys.stdout.encoding.lower() else "#"
    return f"  {name:<31}{seconds:6.2f} s {speed_up:6.1f}x  {bar * round(20 * speed_up / CORES)}"


if __name__ == "__main__":
    main()
