"""How long it takes to stop a running function: with `Future.interrupt()`, and a program with Ctrl-C.

The standard library's executors cannot stop running functions, so there is no rival. For a loop in pure Python, the switch
interval of its interpreter (5 ms, `sys.setswitchinterval`) decides the result.
"""

import argparse
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial

import harness
import rivals
import workloads
from aiointerpreters import InterpreterThreadPoolExecutor, TaskInterrupted
from aiointerpreters.executors import Future

KINDS = {"loop": "a loop in pure Python", "sleep": "a loop of sleeps of 1 ms"}
"""Function of workloads.py -> its description."""


def p50(kind: str) -> harness.Metric:
    """The metric of the median interrupt."""
    return harness.Metric(f"p50 of an interrupt, {KINDS[kind]}", "ms")


def p99(kind: str) -> harness.Metric:
    """The metric of the slowest interrupts."""
    return harness.Metric(f"p99 of an interrupt, {KINDS[kind]}", "ms")


def ctrl_c(kind: str) -> harness.Metric:
    """The metric of a whole process."""
    return harness.Metric(f"Ctrl-C to the process's end, {KINDS[kind]}", "ms")


BENCHMARK = harness.Benchmark(
    name="interrupt",
    title="the time from an interrupt until a function that would run forever has stopped",
    metrics=[metric(kind) for kind in KINDS for metric in (p50, p99, ctrl_c)],
    claims=(),
)

PROGRAM = """
import os, sys
import workloads
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

pool = InterpreterThreadPoolExecutor(2)
arrived, arrivals = os.pipe()
future = pool.submit(interpreter(getattr(workloads, sys.argv[1])), arrivals)
os.read(arrived, 1)
print("running", flush=True)
future.result()
"""


def interrupt(pool: InterpreterThreadPoolExecutor, task: Callable[[int], None], pipe: tuple[int, int]) -> float:
    """Returns the milliseconds until a running task has stopped."""
    arrived, arrivals = pipe
    future: Future[None] = pool.submit(task, arrivals)
    os.read(arrived, 1)
    start = time.perf_counter()
    if not future.interrupt() or not isinstance(future.exception(), TaskInterrupted):
        raise RuntimeError(f"the task was not stopped: {future}")
    return (time.perf_counter() - start) * 1000


def press_ctrl_c(task: str) -> float:
    """Returns the milliseconds from Ctrl-C to the end of a process that waits in `result()`."""
    command = [sys.executable, "-c", PROGRAM, task]
    here = os.path.dirname(os.path.abspath(__file__))
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=here) as process:
        assert process.stdout is not None
        process.stdout.readline()
        start = time.perf_counter()
        process.send_signal(signal.SIGINT)
        if process.wait() != -signal.SIGINT:
            raise RuntimeError(f"the process has ended with {process.returncode}")
        return (time.perf_counter() - start) * 1000


def latencies(pool: InterpreterThreadPoolExecutor, pipe: tuple[int, int], calls: int) -> Mapping[str, float]:
    """Returns percentiles for each kind over `calls` interrupts, and one Ctrl-C, in milliseconds."""
    taken: dict[str, float] = {}
    for kind in KINDS:
        task = rivals.TAGGED.prepare(getattr(workloads, kind))
        percentiles = statistics.quantiles([interrupt(pool, task, pipe) for _ in range(calls)], n=100)
        taken |= {p50(kind).name: percentiles[49], p99(kind).name: percentiles[98]}
        taken |= {ctrl_c(kind).name: press_ctrl_c(kind)}
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=harness.count, default=200, help="interrupts of each kind a round (%(default)s)")
    chosen = harness.options(parser, rounds=5)
    calls = 20 if chosen.quick else chosen.calls
    with ExitStack() as stack:
        pool = stack.enter_context(InterpreterThreadPoolExecutor(chosen.workers))
        pipe = os.pipe()
        for end in pipe:
            stack.callback(os.close, end)
        harness.run(BENCHMARK, {rivals.TAGGED.name: partial(latencies, pool, pipe, calls)}, chosen)


if __name__ == "__main__":
    main()
