"""Measures functions that an event loop awaits, for every way to send them to a worker.

A way is called as `way(function, *arguments)` and returns an awaitable. The functions here run on the measured loop and
import nothing of this package. Therefore the same code measures an old release in a process of its own.
"""

import asyncio
import statistics
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import workloads

type Function = Callable[..., Any]
type Way = Callable[..., Awaitable[Any]]
type Sample = dict[str, float]
"""Metric's name -> value in its unit."""

GATHER = "gather of no-ops"
TO_THREAD = "gather of to_thread"
TO_THREAD_BUSY = "gather of to_thread beside a computing process"
MAP_IN_ORDER = "map in order"
MAP_AS_COMPLETED = "map as completed"
P50 = "p50 of one awaited no-op"
P99 = "p99 of one awaited no-op"
PARTS = ("p50", "p99", "maximum")
LOADS = ("idle", "one worker computing", "all workers computing")

PERIOD = 0.001
"""Seconds between two heartbeats."""

CALLS_AT_ONCE = 32
"""Calls under way in a map, for each worker: the default of `Runner.map`."""

CHUNK = 1_000_000
"""The argument of a busy worker's call (sum of squares): about 50 ms."""


@dataclass(frozen=True)
class Counts:
    """The number of calls of each kind in a sample. Maps have `at_once` calls under way at a time."""

    gather: int
    one_by_one: int
    map: int
    at_once: int


async def warm_up(way: Way, prepare: Function, workers: int) -> None:
    """Makes sure that all workers exist, by keeping each one busy while the next one is created."""
    await asyncio.gather(*(way(prepare(workloads.sum_of_squares), CHUNK) for _ in range(2 * workers)))


async def small_calls(way: Way, prepare: Function, counts: Counts) -> Sample:
    """Returns GATHER, P50 and P99. `prepare` turns a function into the callable to submit."""
    noop = prepare(workloads.noop)
    p50, p99 = await one_by_one(way, noop, counts.one_by_one)
    return {GATHER: await gather(way, noop, counts.gather), P50: p50, P99: p99}


async def maps_by_hand(way: Way, prepare: Function, counts: Counts) -> Sample:
    """Returns MAP_IN_ORDER and MAP_AS_COMPLETED, written by hand for pools without such a map."""
    echo, count = prepare(workloads.echo), counts.map
    return {
        MAP_IN_ORDER: await consume(map_in_order(way, echo, count, counts.at_once), count),
        MAP_AS_COMPLETED: await consume(map_as_completed(way, echo, count, counts.at_once), count),
    }


async def gather(way: Way, argument: object, count: int) -> float:
    """Returns the calls per second of one `asyncio.gather` of `count` calls of `way(argument)`."""
    start = time.perf_counter()
    await asyncio.gather(*(way(argument) for _ in range(count)))
    return count / (time.perf_counter() - start)


async def one_by_one(way: Way, noop: Function, calls: int) -> tuple[float, float]:
    """Returns p50 and p99 in microseconds of `calls` calls. Each is awaited before the next."""
    now, taken = time.perf_counter_ns, []
    for _ in range(calls):
        start = now()
        await way(noop)
        taken.append((now() - start) / 1000)
    percentiles = statistics.quantiles(taken, n=100, method="inclusive")
    return percentiles[49], percentiles[98]


async def map_in_order(way: Way, echo: Function, count: int, limit: int) -> AsyncIterator[int]:
    """Yields the results of `count` calls in order: the oldest of `limit` calls is awaited, then the next one is started."""
    under_way: deque[Awaitable[int]] = deque()
    for item in range(count):
        under_way.append(asyncio.ensure_future(way(echo, item)))
        if len(under_way) >= limit:
            yield await under_way.popleft()
    while under_way:
        yield await under_way.popleft()


async def map_as_completed(way: Way, echo: Function, count: int, limit: int) -> AsyncIterator[int]:
    """Yields the results of `count` calls as they end. Each call has a task that waits at a semaphore."""
    room = asyncio.Semaphore(limit)

    async def call(item: int) -> int:
        async with room:
            result: int = await way(echo, item)
            return result

    for ended in asyncio.as_completed([call(item) for item in range(count)]):
        yield await ended


async def consume(results: AsyncIterator[int], count: int) -> float:
    """Returns the results per second. Raises RuntimeError if the results are not 0 .. `count` - 1."""
    start = time.perf_counter()
    total = 0
    async for result in results:
        total += result
    elapsed = time.perf_counter() - start
    if total != sum(range(count)):
        raise RuntimeError(f"the results of {count} calls are not their arguments")
    return count / elapsed


def delay(part: str, load: str) -> str:
    """Returns the name of a metric of the loop's delay: p50, p99 or maximum under that load."""
    return f"{part} of the loop's delay, {load}"


async def delays(way: Way, prepare: Function, seconds: float, workers: int) -> Sample:
    """Returns how late the loop's heartbeat is while no worker, one worker or all workers compute, in milliseconds."""
    sum_of_squares = prepare(workloads.sum_of_squares)
    sample: Sample = {}
    for load, busy in zip(LOADS, (0, 1, workers), strict=True):
        values = await lateness(way, sum_of_squares, busy, seconds)
        sample |= {delay(part, load): value for part, value in zip(PARTS, values, strict=True)}
    return sample


@asynccontextmanager
async def heartbeat() -> AsyncIterator[list[float]]:
    """Runs a heartbeat in the loop. Yields the list to which each beat appends its lateness in milliseconds.

    A beat is a sleep of `PERIOD`. It is late by the granularity of timers, about 0.1 ms, and by blocking of the loop.
    """
    late: list[float] = []

    async def beat() -> None:
        while True:
            due = time.perf_counter() + PERIOD
            await asyncio.sleep(PERIOD)
            late.append((time.perf_counter() - due) * 1000)

    heart = asyncio.create_task(beat())
    try:
        yield late
    finally:
        heart.cancel()
        await asyncio.wait([heart])


async def lateness(way: Way, sum_of_squares: Function, busy: int, seconds: float) -> tuple[float, float, float]:
    """Returns p50, p99 and the maximum of the beats' lateness in `seconds`, in ms, while `busy` workers compute."""
    over = False

    async def keep_busy() -> None:
        while not over:
            await way(sum_of_squares, CHUNK)

    working = [asyncio.create_task(keep_busy()) for _ in range(busy)]
    await asyncio.sleep(50 * PERIOD)  # they are computing after that
    async with heartbeat() as late:
        await asyncio.sleep(seconds)
    over = True
    await asyncio.gather(*working)
    percentiles = statistics.quantiles(late, n=100, method="inclusive")
    return percentiles[49], percentiles[98], max(late)
