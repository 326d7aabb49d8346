"""Takes one sample of one pool in this process: `pool_sample.py PEER MEASURE WORKERS SETTINGS`; prints it as JSON.

Each sample has a process of its own, so pools do not disturb each other, and the other Pythons (release 0.6.0,
free-threaded CPython) run the same code. A pool is warm when the clock starts, unless its start is measured.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import peers
import workloads

type Sample = dict[str, float]
"""Metric's name -> value in its unit."""

NOOP, INTS, BYTES = "one no-op call", "10 k ints there and back", "1 MB of bytes there and back"
BATCH, CPU = "no-op calls in a batch", "CPU-bound work"
FIRST, MEMORY = "first result of a new pool", "memory for each worker"
WARM_UP = 20_000
"""The argument of the call by which a worker shows its identity (sum of squares): about 1 ms."""


def workers_of(pool: peers.Pool, workers: int) -> set[tuple[int, int]]:
    """Returns the identities of the workers when all of them have computed. Raises RuntimeError if some never did.

    Batches grow, because in some pools one worker takes many calls before another one gets any.
    """
    seen: set[tuple[int, int]] = set()
    for attempt in range(8):
        seen |= {tuple(answer) for answer in pool.batch(workloads.who, [WARM_UP] * (4 * workers << attempt))}
        if len(seen) >= workers:
            return seen
    raise RuntimeError(f"only {len(seen)} of {workers} workers did something")


def warm_up(pool: peers.Pool, workers: int) -> None:
    """Makes sure that all workers exist and have found each function."""
    pool.batch(workloads.who, [WARM_UP * 5] * (4 * workers))
    pool.latencies(workloads.noop, (), 3)


def median(pool: peers.Pool, function: peers.Function, arguments: tuple[object, ...], seconds: float) -> float:
    """Returns the median in microseconds of 5 to 2,000 calls: as many as fit into about this number of seconds."""
    tried = statistics.median(pool.latencies(function, arguments, 3))
    return statistics.median(pool.latencies(function, arguments, max(5, min(2000, int(seconds * 1e6 / tried)))))


def echo(pool: peers.Pool, value: object, seconds: float) -> float:
    """Returns the median in microseconds of a value's round trip. First checks that it comes back unchanged."""
    if pool.batch(workloads.echo, [value]) != [value]:
        raise RuntimeError("what came back is not what was sent")
    return median(pool, workloads.echo, (value,), seconds)


def rate(pool: peers.Pool, in_flight: int, seconds: float) -> float:
    """Returns no-op calls per second, with this number of calls in flight, over at least this number of seconds."""
    arguments = [None] * in_flight
    done, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds:
        pool.batch(workloads.ignore, arguments)
        done += in_flight
    return done / elapsed


def computing(pool: peers.Pool, pieces: int, numbers: int) -> float:
    """Returns the milliseconds for pieces of pure Python work that are all submitted at the same time."""
    start = time.perf_counter()
    results = pool.batch(workloads.sum_of_squares, [numbers] * pieces)
    elapsed = time.perf_counter() - start
    if len(set(results)) != 1 or len(results) != pieces:
        raise RuntimeError("the results are not those of the work")
    return elapsed * 1000


def calls(peer: peers.Peer, workers: int, settings: dict[str, Any]) -> Sample:
    """Measures a warm pool."""
    seconds = settings["seconds"]
    with peer.open(workers) as pool:
        warm_up(pool, workers)
        return {
            NOOP: median(pool, workloads.noop, (), seconds),
            INTS: echo(pool, list(range(10_000)), seconds) / 1000,
            BYTES: echo(pool, bytes(1_000_000), seconds) / 1000,
            BATCH: rate(pool, settings["batch"], seconds),
            CPU: computing(pool, 8, settings["numbers"]),
        }


def first(peer: peers.Peer, workers: int, settings: dict[str, Any]) -> Sample:
    """Measures the time from before the pool is created, including the import of its library, to its first result."""
    start = time.perf_counter()
    with peer.open(workers) as pool:
        pool.latencies(workloads.noop, (), 1)
        return {FIRST: (time.perf_counter() - start) * 1000}


def memory(peer: peers.Peer, workers: int, settings: dict[str, Any]) -> Sample:
    """Measures the memory that a pool adds to this process and its descendants, for each of its workers."""
    before = peers.memory_of_the_tree()
    with peer.open(workers) as pool:
        workers_of(pool, 1 if peer.shared else workers)
        return {MEMORY: (peers.memory_of_the_tree() - before) / workers}


def sizes(peer: peers.Peer, workers: int, settings: dict[str, Any]) -> Sample:
    """Measures the time of bytes of each size to a worker and back, in microseconds."""
    with peer.open(workers) as pool:
        warm_up(pool, workers)
        return {settings["name"].format(size): echo(pool, bytes(size), settings["seconds"]) for size in settings["sizes"]}


def in_flight(peer: peers.Peer, workers: int, settings: dict[str, Any]) -> Sample:
    """Measures the rate of no-op calls for each number of calls in flight."""
    with peer.open(workers) as pool:
        warm_up(pool, workers)
        return {settings["name"].format(count): rate(pool, count, settings["seconds"]) for count in settings["counts"]}


def growing(peer: peers.Peer, workers: int, settings: dict[str, Any]) -> Sample:
    """Measures the rate of no-op calls for each number of workers."""
    sample: Sample = {}
    for count in settings["counts"]:
        with peer.open(count) as pool:
            workers_of(pool, 1 if peer.shared else count)
            sample[settings["name"].format(count)] = rate(pool, settings["in_flight"], settings["seconds"])
    return sample


MEASURES: dict[str, Callable[[peers.Peer, int, dict[str, Any]], Sample]] = {
    function.__name__: function for function in (calls, first, memory, sizes, in_flight, growing)
}


def main() -> None:
    name, measure, workers, settings = sys.argv[1:]
    print(json.dumps(MEASURES[measure](peers.BY_NAME[name], int(workers), json.loads(settings))))


if __name__ == "__main__":
    main()
