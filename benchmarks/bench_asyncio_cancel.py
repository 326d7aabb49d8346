"""How long it takes to cancel a running call: until the awaiting task resumes, and until the worker runs its next call.

An endless loop in pure Python runs on the executor's only worker when the task that awaits it is cancelled. Two times are
measured from there: until the task has ended, and until the next call has started. That call reports its start. The
standard library's executors cannot stop running functions, so there is no rival. The switch interval of the worker's
interpreter (5 ms, `sys.setswitchinterval`) decides the result.

For the third figure, thousands of coroutine functions that wait in one worker are cancelled. The figure is the processor
time of all threads until all have ended, divided by the number of functions.
"""

import argparse
import asyncio
import os
import statistics
import time
from contextlib import ExitStack

import harness
import workloads
from aiointerpreters import InterpreterThreadPoolExecutor

RUN = "aiointerpreters, run"
RESUMED = ("p50 of a cancel, awaiting task goes on", "p99 of a cancel, awaiting task goes on")
CPU = "CPU of a cancelled coroutine call"
FREE = ("p50 of a cancel, worker starts the next call", "p99 of a cancel, worker starts the next call")

BENCHMARK = harness.Benchmark(
    name="asyncio_cancel",
    title="the time from task.cancel() until the awaiting task resumes and until the worker runs its next call",
    metrics=[*(harness.Metric(name, "ms") for name in (*RESUMED, *FREE)), harness.Metric(CPU, "us")],
    claims=(),
    limits=[
        *(harness.Limit(p99, None, RUN, most=20) for _, p99 in (RESUMED, FREE)),
        harness.Limit(CPU, None, RUN, most=15),
    ],
)


async def readable(descriptor: int) -> None:
    """Waits until data can be read."""
    loop, there = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(descriptor, there.set)
    try:
        await there.wait()
    finally:
        loop.remove_reader(descriptor)


async def cancel(pool: InterpreterThreadPoolExecutor, pipe: tuple[int, int]) -> tuple[float, float]:
    """Returns the milliseconds until the task has ended, and until the next call has started."""
    arrived, arrivals = pipe

    async def work() -> None:
        await pool.run(workloads.loop, arrivals)

    task, arrival = asyncio.create_task(work()), asyncio.create_task(readable(arrived))
    await asyncio.wait((task, arrival), return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        task.result()  # raises the failure of a task that could not begin
    os.read(arrived, 1)
    await asyncio.sleep(0.002)  # lets it return from the call that has reported
    start = time.perf_counter()
    following = pool.run(time.perf_counter)
    task.cancel()
    await asyncio.wait([task])
    resumed = time.perf_counter()
    if not task.cancelled():
        raise RuntimeError(f"the task was not cancelled: {task}")
    return (resumed - start) * 1000, (await following - start) * 1000


async def processor_time(pool: InterpreterThreadPoolExecutor, calls: int) -> float:
    """Returns the processor time in microseconds for each of this number of cancelled coroutine calls."""
    waiting = [pool.run(workloads.wait_for_ever) for _ in range(calls)]
    await pool.run(workloads.until_waiting, calls)
    start = time.process_time()
    for future in waiting:
        future.cancel()
    await pool.run(workloads.until_waiting, 0)
    return (time.process_time() - start) / calls * 1e6


async def latencies(pool: InterpreterThreadPoolExecutor, pipe: tuple[int, int], calls: int) -> dict[str, float]:
    """Returns percentiles over `calls` cancels, in milliseconds."""
    taken = [await cancel(pool, pipe) for _ in range(calls)]
    sample: dict[str, float] = {}
    for names, values in zip((RESUMED, FREE), zip(*taken, strict=True), strict=True):
        percentiles = statistics.quantiles(values, n=100, method="inclusive")
        sample |= zip(names, (percentiles[49], percentiles[98]), strict=True)
    sample[CPU] = await processor_time(pool, 20 * calls)
    return sample


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=harness.count, default=200, help="cancels a round (%(default)s)")
    chosen = harness.options(parser, rounds=7)
    calls = 20 if chosen.quick else chosen.calls
    with ExitStack() as stack:
        loop = stack.enter_context(asyncio.Runner())
        pool = stack.enter_context(InterpreterThreadPoolExecutor(1))
        pipe = os.pipe()
        for end in pipe:
            stack.callback(os.close, end)
        harness.run(BENCHMARK, {RUN: lambda: loop.run(latencies(pool, pipe, calls))}, chosen)


if __name__ == "__main__":
    main()
