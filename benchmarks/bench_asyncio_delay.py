"""How late a timer of the event loop fires while workers compute.

The heartbeat is a task that sleeps 1 ms again and again and measures how much longer each sleep was. Even an idle loop is
late by about 0.1 ms, the granularity of its timers. Then one worker or all workers sum up squares in pure Python, in calls
of about 50 ms that follow each other without a pause. The loop has nothing else to do.
"""

import argparse
import asyncio
from contextlib import ExitStack
from functools import partial

import awaiting
import harness
import old_release
import rivals
from aiointerpreters import InterpreterThreadPoolExecutor

RUN = "aiointerpreters, run"
RIVALS = (rivals.INTERPRETER_POOL.name, rivals.THREAD_POOL.name, old_release.EXECUTOR, old_release.RUNNER)
BUSY = awaiting.LOADS[1:]

BENCHMARK = harness.Benchmark(
    name="asyncio_delay",
    title="the delay of an event loop, idle and while workers compute",
    metrics=[harness.Metric(awaiting.delay(part, load), "ms") for load in awaiting.LOADS for part in awaiting.PARTS],
    claims=[harness.Claim(awaiting.delay("p99", load), RUN, rival) for load in BUSY for rival in RIVALS],
    limits=[harness.Limit(awaiting.delay("p99", load), None, RUN, most=2) for load in awaiting.LOADS],
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--seconds", type=harness.amount, default=0.6, help="how long each load is measured in a round (%(default)s)"
    )
    chosen = harness.options(parser, rounds=5)
    seconds, workers = 0.1 if chosen.quick else chosen.seconds, chosen.workers
    with ExitStack() as stack:
        loop = stack.enter_context(asyncio.Runner())
        ways: dict[str, tuple[awaiting.Way, rivals.Function]] = {
            RUN: (stack.enter_context(InterpreterThreadPoolExecutor(workers)).run, rivals.as_it_is)
        }
        for rival in rivals.available(rivals.INTERPRETER_POOL, rivals.THREAD_POOL):
            pool = stack.enter_context(rival.make(workers))
            ways[rival.name] = partial(loop.get_loop().run_in_executor, pool), rival.prepare

        def measure(name: str) -> awaiting.Sample:
            way, prepare = ways[name]
            return loop.run(awaiting.delays(way, prepare, seconds, workers))

        contestants = {name: partial(measure, name) for name in ways} | {
            name: partial(old_release.delays, name, seconds, workers) for name in old_release.available()
        }
        harness.run(BENCHMARK, contestants, chosen)


if __name__ == "__main__":
    main()
