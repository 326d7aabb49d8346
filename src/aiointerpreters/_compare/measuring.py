"""Measures a function: calls one after the other, calls in a pool, single calls, and calls beside an event loop."""

import asyncio
import gc
import itertools
import math
import os
import time
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import Any

from .._other_load import process_tree
from .findings import DIFFERENT, EQUAL, UNKNOWN
from .target import Call

_WINDOW = 1024  # maximum number of calls under way, because results wait in memory until they are taken
_TICK = 0.002  # seconds between two ticks of the event loop


class Plain:
    """Calls the function directly."""

    def __init__(self, function: Callable[..., Any], calls: list[Call]) -> None:
        self._function = function
        self._calls = calls
        self.feeders = 1

    def batch(self, number: int) -> float:
        """Make `number` calls and return the seconds that they took."""
        function = self._function
        started = time.perf_counter()
        for args, kwargs in itertools.islice(itertools.cycle(self._calls), number):
            function(*args, **kwargs)
        return time.perf_counter() - started

    def one(self, index: int) -> Any:
        """Make one call and return its result."""
        args, kwargs = self._calls[index % len(self._calls)]
        return self._function(*args, **kwargs)

    async def from_loop(self, index: int) -> None:
        """Make one call on the event loop, like a program without a pool."""
        self.one(index)
        await asyncio.sleep(0)


class Pooled:
    """Calls the function through a pool."""

    def __init__(self, pool: Executor, function: Callable[..., Any], calls: list[Call], workers: int) -> None:
        self._pool = pool
        self._function = function
        self._calls = calls
        self.feeders = 2 * workers

    def batch(self, number: int) -> float:
        """Make `number` calls, as many at once as the limit allows, and return the seconds until the last result."""
        submit, function = self._pool.submit, self._function
        under_way: deque[Any] = deque()
        started = time.perf_counter()
        for args, kwargs in itertools.islice(itertools.cycle(self._calls), number):
            if len(under_way) == _WINDOW:
                under_way.popleft().result()
            under_way.append(submit(function, *args, **kwargs))
        while under_way:
            under_way.popleft().result()
        return time.perf_counter() - started

    def one(self, index: int) -> Any:
        """Make one call and return its result."""
        args, kwargs = self._calls[index % len(self._calls)]
        return self._pool.submit(self._function, *args, **kwargs).result()

    async def from_loop(self, index: int) -> None:
        """Make one call from a loop."""
        args, kwargs = self._calls[index % len(self._calls)]
        if hasattr(self._pool, "run"):
            await self._pool.run(self._function, *args, **kwargs)
        else:
            call = partial(self._function, *args, **kwargs)
            await asyncio.get_running_loop().run_in_executor(self._pool, call)


type Way = Plain | Pooled


def fastest(call: Callable[[int], object], seconds: float, most: int) -> float:
    """Return the seconds of a single call that is waited for: the shortest of at most `most` calls, within a time limit.

    The shortest call counts, because other activity on the machine can only make calls longer.
    """
    least = math.inf
    started = now = time.perf_counter()
    for number in range(most):
        before = now
        call(number)
        now = time.perf_counter()
        least = min(least, now - before)
        if now - started > seconds and number >= 2:
            break
    return least


def busy_seconds() -> float:
    """Return the seconds that this process has computed, plus those that its main thread has waited for a processor."""
    try:
        waited = int(Path("/proc/self/schedstat").read_text(encoding="ascii").split()[1]) / 1e9
    except (OSError, IndexError):
        waited = 0.0
    return time.process_time() + waited


def number_of_calls(rate: float, seconds: float, workers: int, inputs: int, most: int = 20_000) -> int:
    """Return the number of calls that fill the given seconds: the same for each worker, with all inputs equally often."""
    wanted = min(most, rate * seconds)
    if inputs > 1:
        return inputs * max(1, round(wanted / inputs))
    return workers * max(1, math.ceil(wanted / workers))


async def beside_a_loop(way: Way, calls: int, seconds: float) -> tuple[float, float]:
    """Make calls from an event loop that also has a timer: at most `calls`, and no new ones after a time limit.

    Returns the calls per second, and the lateness of the timer in seconds (99th percentile).
    """
    numbers = iter(range(calls))
    lateness: list[float] = []
    done = 0

    async def feed() -> None:
        nonlocal done
        for number in numbers:
            await way.from_loop(number)
            done += 1
            if time.perf_counter() > deadline:
                break

    ticking = asyncio.create_task(_tick(lateness))
    await asyncio.sleep(_TICK)
    started = time.perf_counter()
    deadline = started + seconds
    feeding: list[Awaitable[None]] = [feed() for _ in range(way.feeders)]
    await asyncio.gather(*feeding)
    ended = time.perf_counter()
    await asyncio.sleep(_TICK)  # lets the ticks that are due now be counted
    ticking.cancel()
    return done / (ended - started), percentile(lateness, 0.99)


async def _tick(lateness: list[float]) -> None:
    now = asyncio.get_running_loop().time
    due = now() + _TICK
    while True:
        await asyncio.sleep(due - now())
        while due <= now():
            lateness.append(now() - due)
            due += _TICK


def percentile(values: list[float], share: float) -> float:
    """Return the value that `share` (0 to 1) of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else 0.0


def memory() -> int | None:
    """Return the memory of this process and its descendants, in bytes. Shared pages are divided among their users."""
    gc.collect()
    total, known = 0, False
    for pid in process_tree(os.getpid()):
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
        except OSError:  # it has just ended, or this is not Linux
            continue
        known = True
        total += sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
    return total * 1024 if known else None


def sameness(one: object, other: object) -> str:
    """Return whether two results are equal: arrays and frames are compared by their elements."""
    try:
        return EQUAL if _truth(one == other) else DIFFERENT
    except Exception:  # `==` may run user code
        return UNKNOWN


def _truth(equal: Any) -> bool:
    # `==` of arrays gives one truth value for each element. `all` of a DataFrame gives one for each column, and a second
    # `all` gives a single one. A loop "while it has `all`" would never end, because NumPy's truth values have it too.
    for _ in range(2):
        if hasattr(equal, "all"):
            equal = equal.all()
    return bool(equal)
