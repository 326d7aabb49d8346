"""The same work three times: in a loop, in threads, in interpreters. Then both pools compute beside an event loop.

python examples/sums.py
"""

import argparse
import asyncio
import os
import platform
import sys
import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from itertools import pairwise

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from heartbeat import Heartbeat

NUMBERS = 40_000_000
CORES = os.process_cpu_count() or 1
STEPS = [NUMBERS * step // (4 * CORES) for step in range(4 * CORES + 1)]
PIECES = list(pairwise(STEPS))
HALVES = [PIECES[::2], PIECES[1::2]]

type Pieces = list[tuple[int, int]]


@interpreter
def sum_of_squares(start: int, stop: int) -> int:
    """Adds up the squares from `start` up to, not including, `stop`."""
    total = 0
    for number in range(start, stop):
        total += number * number
    return total


def in_a_loop(pieces: Pieces) -> int:
    return sum(sum_of_squares(*piece) for piece in pieces)


def in_threads(pieces: Pieces) -> int:
    with ThreadPoolExecutor(CORES) as pool:
        return sum(pool.map(sum_of_squares, *zip(*pieces, strict=True)))


def in_interpreters(pieces: Pieces) -> int:
    with InterpreterThreadPoolExecutor(CORES) as pool:
        return sum(pool.map(sum_of_squares, *zip(*pieces, strict=True)))


async def lateness_beside(pool: Executor) -> float:
    """Has the pool compute half of it and returns how late the event loop's timers are meanwhile, in seconds."""
    loop = asyncio.get_running_loop()
    with pool:
        async with Heartbeat() as heartbeat:
            await asyncio.gather(*(loop.run_in_executor(pool, sum_of_squares, *piece) for piece in HALVES[0]))
    return heartbeat.percentile(0.99)


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    print(f"Adding up {NUMBERS:,} squares in Python, in {len(PIECES)} pieces.")
    print(f"CPython {platform.python_version()}, {CORES} {'processor' if CORES == 1 else 'processors'}.\n", flush=True)
    ways: dict[str, Callable[[Pieces], int]] = {
        "in a loop": in_a_loop,
        f"in {CORES} threads": in_threads,
        f"in {CORES} interpreters": in_interpreters,
    }
    results, times = dict.fromkeys(ways, 0), dict.fromkeys(ways, 0.0)
    for half in HALVES:  # the ways take turns, so that other programs slow all of them
        for name, way in ways.items():
            start = time.perf_counter()
            results[name] += way(half)
            times[name] += time.perf_counter() - start
    if len(set(results.values())) != 1:
        sys.exit(f"The results differ: {results}")
    for name, seconds in times.items():
        speed_up = times["in a loop"] / seconds
        print(f"  {name:<20}{seconds:6.2f} s {speed_up:6.1f} times as fast  {bar(speed_up / CORES)}")
    print(f"\nThe sum is {results['in a loop']:,} each time. Threads take turns, because they share one GIL")
    print("(global interpreter lock). Each interpreter has its own GIL. So interpreters compute at the same time, unless")
    print("other programs need the processors.\n")

    print(
        "How late an asyncio timer is while the workers compute (99 of 100 times, it is less late than that):\n", flush=True
    )
    lateness = {
        "threads": asyncio.run(lateness_beside(ThreadPoolExecutor(CORES))),
        "interpreters": asyncio.run(lateness_beside(InterpreterThreadPoolExecutor(CORES))),
    }
    for name, late in lateness.items():
        print(f"  {name:<20}{late * 1000:6.1f} ms {'':21}{bar(late / max(lateness.values()))}")
    if CORES == 1:
        print("\nThere is only one processor, so the pieces cannot be computed at the same time.")


def bar(share: float) -> str:
    """Returns a bar of 20 characters for a share of 1."""
    return ("█" if "utf" in sys.stdout.encoding.lower() else "#") * round(20 * share)


if __name__ == "__main__":
    main()
