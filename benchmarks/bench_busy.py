"""How long one call takes while other programs keep all processors busy, and on a quiet machine.

The benchmark creates the load itself: none, one and two foreign processes for each processor, which compute without end.
Each call is awaited before the next one is made, with `submit(...).result()` or with `await`. A thread that spins while it
waits uses up its share of a busy processor. Then it has to wait while the others compute.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import harness
import rivals
import values
import workloads
from aiointerpreters import InterpreterThreadPoolExecutor

RUN = "aiointerpreters, run"
TAGGED, PEER, THREADS = rivals.TAGGED.name, rivals.INTERPRETER_POOL.name, rivals.THREAD_POOL.name

LOADS = {"quiet": 0, "1 foreign process a core": 1, "2 foreign processes a core": 2}
NOOP, PERSON, AWAITED = "no-op", "one dataclass", "awaited no-op"
KINDS = (NOOP, PERSON, AWAITED)
FIGURES = ("mean", "p90")
PROMISED = {NOOP: (TAGGED, PEER, 10), PERSON: (TAGGED, PEER, 10), AWAITED: (RUN, THREADS, 1 / 0.7)}

COMPUTE = """
import os, sys, threading

def end_with_the_benchmark():
    sys.stdin.read()
    os._exit(0)

threading.Thread(target=end_with_the_benchmark, daemon=True).start()
print("computing", flush=True)
while True:
    pass
"""

SETTLING = 0.2
"""Seconds in which the scheduler spreads new processes over the processors."""

type Take = Callable[[float], list[float]]
"""Makes one call after the other for the given seconds. Returns the microseconds of each."""


def metric(kind: str, figure: str, load: str) -> str:
    """Returns a metric's name."""
    return f"{kind}, {figure}, {load}"


def claims() -> Iterator[harness.Claim]:
    """Yields the claims for each metric, with a target for a busy machine."""
    for load, processes in LOADS.items():
        for kind, (ours, rival, target) in PROMISED.items():
            for figure in FIGURES:
                yield harness.Claim(metric(kind, figure, load), ours, rival, target=target if processes else None)


BENCHMARK = harness.Benchmark(
    name="busy",
    title="one call after the other, on a quiet machine and while other programs compute",
    metrics=[harness.Metric(metric(kind, figure, load), "us") for load in LOADS for kind in KINDS for figure in FIGURES],
    claims=list(claims()),
    limits=[harness.Limit(metric(AWAITED, "mean", "quiet"), None, RUN, most=8)],
)


@contextmanager
def foreign_load(processes: int, settling: float = SETTLING) -> Iterator[None]:
    """Lets this number of processes compute, and begins `settling` seconds later.

    They end with the block. If this process is killed, they read the end of their input and end too.
    """
    with ExitStack() as stack:
        started = []
        for _ in range(processes):
            process = stack.enter_context(
                subprocess.Popen([sys.executable, "-IS", "-c", COMPUTE], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            )
            stack.callback(process.kill)
            started.append(process)
        for process in started:
            assert process.stdout is not None
            process.stdout.readline()
        time.sleep(settling if processes else 0)
        yield


def submitted(pool: Executor, function: Callable[..., object], arguments: tuple[object, ...], seconds: float) -> list[float]:
    """Submits one call after another. See `Take`."""
    submit, now, taken = pool.submit, time.perf_counter_ns, []
    end = start = now()
    last = start + round(seconds * 1e9)
    while end < last:
        submit(function, *arguments).result()
        start, end = end, now()
        taken.append((end - start) / 1000)
    return taken


async def awaited(call: Callable[[], Any], seconds: float) -> list[float]:
    """Awaits one call after another. See `Take`."""
    now, taken = time.perf_counter_ns, []
    end = start = now()
    last = start + round(seconds * 1e9)
    while end < last:
        await call()
        start, end = end, now()
        taken.append((end - start) / 1000)
    return taken


def sample(takes: Mapping[str, Take], seconds: float, settling: float, cores: int) -> dict[str, float]:
    """Returns mean and p90 of each kind of call under each load."""
    result = {}
    for load, processes in LOADS.items():
        with foreign_load(processes * cores, settling):
            for kind, take in takes.items():
                taken = take(seconds)
                result[metric(kind, "mean", load)] = statistics.fmean(taken)
                result[metric(kind, "p90", load)] = statistics.quantiles(taken, n=10, method="inclusive")[8]
    return result


def submits(rival: rivals.Rival, pool: Executor) -> dict[str, Take]:
    """Returns the measurements of `submit(...).result()`."""
    return {
        NOOP: partial(submitted, pool, rival.prepare(workloads.noop), ()),
        PERSON: partial(submitted, pool, rival.prepare(workloads.echo), (values.PERSON.make(),)),
    }


def awaits(stack: ExitStack, call: Callable[[], Any]) -> dict[str, Take]:
    """Returns the measurements of `await call()` on a loop of its own. The stack closes the loop."""
    loop = stack.enter_context(asyncio.Runner())

    def take(seconds: float) -> list[float]:
        measured: Coroutine[Any, Any, list[float]] = awaited(call, seconds)
        return loop.run(measured)

    return {AWAITED: take}


def in_executor(rival: rivals.Rival, pool: Executor) -> Callable[[], Any]:
    """Returns a call to await: `loop.run_in_executor`."""
    noop = rival.prepare(workloads.noop)
    return lambda: asyncio.get_running_loop().run_in_executor(pool, noop)


def contestants(stack: ExitStack, workers: int) -> dict[str, dict[str, Take]]:
    """Returns the measurements of all contestants that are available here. The stack ends executors and loops."""
    ours = stack.enter_context(InterpreterThreadPoolExecutor(workers))
    takes = {
        TAGGED: submits(rivals.TAGGED, ours),
        RUN: awaits(stack, partial(ours.run, workloads.noop)),
    }
    for rival in rivals.available(rivals.INTERPRETER_POOL, rivals.THREAD_POOL):
        pool = stack.enter_context(rival.make(workers))
        takes[rival.name] = submits(rival, pool) | awaits(stack, in_executor(rival, pool))
    return takes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--seconds", type=harness.amount, default=0.4, help="how long each kind of call is made (%(default)s)"
    )
    chosen = harness.options(parser, rounds=5, quick_rounds=1)
    seconds, settling = (0.01, 0.0) if chosen.quick else (chosen.seconds, SETTLING)
    cores = os.process_cpu_count() or 1
    with ExitStack() as stack:
        measures = {
            name: partial(sample, takes, seconds, settling, cores)
            for name, takes in contestants(stack, chosen.workers).items()
        }
        harness.run(BENCHMARK, measures, chosen)


if __name__ == "__main__":
    main()
