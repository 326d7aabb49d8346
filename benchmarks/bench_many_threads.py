"""How much processor time submit() takes with one worker thread, and with 256."""

import argparse
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial

import harness
import rivals
import workloads
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

SUBMIT = harness.Metric("CPU of one submit", "us")
ONE, MANY = "with one thread", rivals.TAGGED.name

BENCHMARK = harness.Benchmark(
    name="many_threads",
    title="the processor time of submit() of a tagged no-op, with 256 worker threads and with one",
    metrics=(SUBMIT,),
    claims=(harness.Claim(SUBMIT.name, MANY, ONE, target=1 / 1.2),),
)


def executor_with(threads: int) -> InterpreterThreadPoolExecutor:
    """Returns an executor whose threads are all alive and idle."""
    executor = InterpreterThreadPoolExecutor(threads, max_interpreters=1)
    blocking = max(threads - 1, 1)  # the last thread is left for the interpreter
    together = threading.Barrier(blocking)
    for future in [executor.submit(together.wait) for _ in range(blocking)]:
        future.result()
    executor.submit(interpreter(workloads.noop)).result()
    return executor


def cost(executor: InterpreterThreadPoolExecutor, task: Callable[[], object], batch: int) -> Mapping[str, float]:
    """Submits a batch, then collects it. Returns the calling thread's processor time in microseconds for each submit."""
    submit = executor.submit
    start = time.thread_time()
    futures = [submit(task) for _ in range(batch)]
    taken = time.thread_time() - start
    for future in futures:
        future.result()
    return {SUBMIT.name: taken / batch * 1e6}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=harness.count, default=20_000, help="calls a round (%(default)s)")
    chosen = harness.options(parser, rounds=15)
    batch = 500 if chosen.quick else chosen.batch
    with ExitStack() as executors:
        contestants = {
            name: partial(cost, executors.enter_context(executor_with(threads)), interpreter(workloads.noop), batch)
            for name, threads in ((ONE, 1), (MANY, 32 if chosen.quick else 256))
        }
        harness.run(BENCHMARK, contestants, chosen)


if __name__ == "__main__":
    main()
