"""How fast an event loop can await small calls: many in one gather, one after the other, and as maps over many items.

`executor.run` and `Runner` are compared with `loop.run_in_executor` on other executors and on this one, and with the
release that this package replaces. `asyncio.sleep(0)` shows the cost of the loop itself. All maps have the same number of
calls under way at a time, with `Runner.map` or with code written by hand. A slow map gets fewer items, because only the
rate counts. For `asyncio.to_thread` the executor is the loop's default. InterpreterPoolExecutor cannot be that, because it
must pickle the context. Each contestant has a loop of its own. For one metric, the benchmark starts a foreign process that
computes at the same time, and ends it afterwards.
"""

import argparse
import asyncio
import sys
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Any

import awaiting
import foreign_load
import harness
import old_release
import rivals
import workloads
from aiointerpreters import InterpreterThreadPoolExecutor, Runner

RUN, RUNNER = "aiointerpreters, run", "aiointerpreters, Runner"
RUN_UVLOOP, SLEEP_UVLOOP = "aiointerpreters, run (uvloop)", "sleep(0) (uvloop)"
SLEEP = "sleep(0)"
TAGGED, PEER, THREADS = rivals.TAGGED.name, rivals.INTERPRETER_POOL.name, rivals.THREAD_POOL.name
OLD_EXECUTOR, OLD_RUNNER = old_release.EXECUTOR, old_release.RUNNER

RUN_TO_THREAD, THREADS_TO_THREAD = "aiointerpreters, to_thread", "ThreadPoolExecutor, to_thread"

MAPS = (awaiting.MAP_IN_ORDER, awaiting.MAP_AS_COMPLETED)

BENCHMARK = harness.Benchmark(
    name="asyncio",
    title="small calls that an event loop awaits",
    metrics=(
        *(
            harness.Metric(name, "calls/s", higher_is_better=True)
            for name in (awaiting.GATHER, awaiting.TO_THREAD, awaiting.TO_THREAD_BUSY, *MAPS)
        ),
        *(harness.Metric(name, "us") for name in (awaiting.P50, awaiting.P99)),
    ),
    claims=(
        harness.Claim(awaiting.GATHER, RUN, PEER, target=18),
        harness.Claim(awaiting.GATHER, RUN, THREADS),
        harness.Claim(awaiting.GATHER, RUN, OLD_EXECUTOR),
        harness.Claim(awaiting.GATHER, RUN, OLD_RUNNER),
        harness.Claim(awaiting.GATHER, RUN, SLEEP, target=1.2),
        harness.Claim(awaiting.GATHER, RUN_UVLOOP, SLEEP_UVLOOP),
        harness.Claim(awaiting.TO_THREAD, TAGGED, THREADS, target=1.3),
        harness.Claim(awaiting.TO_THREAD, TAGGED, OLD_EXECUTOR),
        harness.Claim(awaiting.TO_THREAD_BUSY, TAGGED, THREADS, target=2),
        *(
            harness.Claim(metric, RUNNER, rival)
            for metric in MAPS
            for rival in (PEER, THREADS, OLD_EXECUTOR, OLD_RUNNER, RUN)
        ),
        *(harness.Claim(awaiting.P50, RUN, rival) for rival in (PEER, THREADS, OLD_EXECUTOR)),
        *(harness.Claim(awaiting.P50, RUN, way, target=1) for way in (RUN_TO_THREAD, THREADS_TO_THREAD)),
        harness.Claim(awaiting.P50, RUNNER, OLD_RUNNER, target=200),
        *(harness.Claim(awaiting.P99, RUN, rival) for rival in (PEER, THREADS, OLD_EXECUTOR)),
    ),
    limits=(harness.Limit(awaiting.P50, base=None, ours=RUN, most=8),),
)


async def by_run(pool: InterpreterThreadPoolExecutor, counts: awaiting.Counts) -> awaiting.Sample:
    """Measures `executor.run`, also in maps written by hand."""
    maps = await awaiting.maps_by_hand(pool.run, rivals.as_it_is, counts)
    return await awaiting.small_calls(pool.run, rivals.as_it_is, counts) | maps


async def by_runner(runner: Runner, counts: awaiting.Counts) -> awaiting.Sample:
    """Measures `Runner.run` and `Runner.map`."""
    sample = await awaiting.small_calls(runner.run, rivals.as_it_is, counts)
    for metric in MAPS:
        results = runner.map(workloads.echo, range(counts.map), ordered=metric == awaiting.MAP_IN_ORDER)
        sample[metric] = await awaiting.consume(results, counts.map)
    return sample


async def by_executor(rival: rivals.Rival, pool: Executor, counts: awaiting.Counts) -> awaiting.Sample:
    """Measures `loop.run_in_executor`, and `asyncio.to_thread` if that is possible."""
    loop = asyncio.get_running_loop()
    way = partial(loop.run_in_executor, pool)
    maps = await awaiting.maps_by_hand(way, rival.prepare, counts)
    sample = await awaiting.small_calls(way, rival.prepare, counts) | maps
    if rival is not rivals.INTERPRETER_POOL:
        loop.set_default_executor(pool)
        noop = rival.prepare(workloads.noop)
        sample[awaiting.TO_THREAD] = await awaiting.gather(asyncio.to_thread, noop, counts.gather)
        with foreign_load.computing(1):
            sample[awaiting.TO_THREAD_BUSY] = await awaiting.gather(asyncio.to_thread, noop, counts.gather)
    return sample


async def by_to_thread(rival: rivals.Rival, pool: Executor, counts: awaiting.Counts) -> awaiting.Sample:
    """Measures single calls of `asyncio.to_thread`."""
    asyncio.get_running_loop().set_default_executor(pool)
    p50, p99 = await awaiting.one_by_one(asyncio.to_thread, rival.prepare(workloads.noop), counts.one_by_one)
    return {awaiting.P50: p50, awaiting.P99: p99}


async def by_sleep(counts: awaiting.Counts) -> awaiting.Sample:
    """Measures the loop alone."""
    return {awaiting.GATHER: await awaiting.gather(asyncio.sleep, 0, counts.gather)}


def uvloop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Returns a factory of uvloop's loops. Returns None, with a message on stderr, if uvloop is not installed."""
    try:
        import uvloop
    except ImportError as error:
        print(f"left out: uvloop ({error})", file=sys.stderr)
        return None
    return uvloop.new_event_loop


def contestants(stack: ExitStack, counts: awaiting.Counts, workers: int) -> dict[str, harness.Measure]:
    """Returns all contestants that are available, each on a loop of its own. The stack ends loops, executors and runners."""

    def on_loop(
        sample: Callable[..., Coroutine[Any, Any, awaiting.Sample]],
        *args: object,
        factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
    ) -> harness.Measure:
        loop = stack.enter_context(asyncio.Runner(loop_factory=factory))
        return lambda: loop.run(sample(*args))

    fewer = replace(counts, map=counts.map // 20)
    pool = stack.enter_context(InterpreterThreadPoolExecutor(workers))
    runner = stack.enter_context(Runner(workers=workers).start())
    found = {RUN: on_loop(by_run, pool, counts), RUNNER: on_loop(by_runner, runner, counts)}
    for rival in rivals.available(rivals.TAGGED, rivals.INTERPRETER_POOL, rivals.THREAD_POOL):
        found[rival.name] = on_loop(by_executor, rival, stack.enter_context(rival.make(workers)), fewer)
    for name, rival in ((RUN_TO_THREAD, rivals.TAGGED), (THREADS_TO_THREAD, rivals.THREAD_POOL)):
        found[name] = on_loop(by_to_thread, rival, stack.enter_context(rival.make(workers)), fewer)
    for name in old_release.available():
        few = replace(fewer, one_by_one=min(100, counts.one_by_one)) if name == OLD_RUNNER else fewer
        found[name] = partial(old_release.calls, name, few, workers)
    found[SLEEP] = on_loop(by_sleep, counts)
    if factory := uvloop_factory():
        found[RUN_UVLOOP] = on_loop(by_run, pool, counts, factory=factory)
        found[SLEEP_UVLOOP] = on_loop(by_sleep, counts, factory=factory)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gather", type=harness.count, default=20_000, help="calls in a gather (%(default)s)")
    parser.add_argument(
        "--items", type=harness.count, default=100_000, help="items of a map (%(default)s; a twentieth if that is slow)"
    )
    parser.add_argument(
        "--calls", type=harness.count, default=1_000, help="calls one by one (%(default)s; 100 at most if that is slow)"
    )
    chosen = harness.options(parser, rounds=5)
    part = 20 if chosen.quick else 1
    counts = awaiting.Counts(
        gather=max(1, chosen.gather // part),
        one_by_one=max(1, chosen.calls // part),
        map=max(1, chosen.items // part),
        at_once=awaiting.CALLS_AT_ONCE * chosen.workers,
    )
    with ExitStack() as stack:
        harness.run(BENCHMARK, contestants(stack, counts, chosen.workers), chosen)


if __name__ == "__main__":
    main()
