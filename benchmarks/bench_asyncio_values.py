"""How long a call with a large value blocks the event loop.

Arguments are encoded in the thread that submits, and for `executor.run` this is the loop's thread. Results are decoded in
the loop's thread. Submitting from another thread is measured too, although the encoder holds the GIL while it reads
objects. So are the ways that really help: bytes, text and shared memory, which need not be encoded object by object. None
shows the heartbeat's own delay.
"""

import argparse
import asyncio
import json
import statistics
import sys
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

import awaiting
import harness
import rivals
import workloads
from aiointerpreters import InterpreterThreadPoolExecutor, SharedBuffer, interpreter

RUN, SUBMIT = "aiointerpreters, run", "aiointerpreters, to_thread(submit)"
PEER = rivals.INTERPRETER_POOL.name
INTS = list(range(1_000_000))
DICTS = [{"id": number, "name": f"name {number}", "price": number / 7} for number in range(300_000)]
BYTES = bytes(range(250)) * 256_000


@dataclass(frozen=True)
class Case:
    """A function and its value: `id`, whose result is small, or `echo`."""

    kind: str
    function: rivals.Function
    value: object

    @property
    def metric(self) -> harness.Metric:
        """The longest delay of the loop."""
        return harness.Metric(f"loop held up by {self.kind}", "ms")


CASES = (
    Case("None", id, None),
    Case("1 M ints", id, INTS),
    Case("300 k small dicts", id, DICTS),
    Case("the JSON of these dicts", id, json.dumps(DICTS)),
    Case("64 MB of bytes", id, BYTES),
    Case("a memoryview of 64 MB", id, memoryview(BYTES)),
    Case("a SharedBuffer of 64 MB", id, SharedBuffer(len(BYTES))),
    Case("1 M ints there and back", workloads.echo, INTS),
    Case("300 k small dicts there and back", workloads.echo, DICTS),
    Case("64 MB of bytes there and back", workloads.echo, BYTES),
)

type Call = Callable[[Case], Coroutine[Any, Any, None]]

BENCHMARK = harness.Benchmark(
    name="asyncio_values",
    title="the longest delay of an event loop during a call with a large value",
    metrics=[case.metric for case in CASES],
    claims=[harness.Claim(case.metric.name, RUN, rival) for case in CASES for rival in (SUBMIT, PEER)],
)


async def by_run(pool: InterpreterThreadPoolExecutor, case: Case) -> None:
    """Submits from the loop's thread."""
    await pool.run(case.function, case.value)


async def by_submit(pool: InterpreterThreadPoolExecutor, case: Case) -> None:
    """Submits from another thread."""
    await asyncio.wrap_future(await asyncio.to_thread(pool.submit, interpreter(case.function), case.value))


async def by_peer(pool: Executor, case: Case) -> None:
    """Lets a thread of the pool send the value to that thread's interpreter."""
    await asyncio.get_running_loop().run_in_executor(pool, case.function, case.value)


async def longest_delay(call: Call, case: Case) -> float:
    """Returns the maximum lateness of the heartbeat in milliseconds, from before the call to after it."""
    async with awaiting.heartbeat() as late:
        await asyncio.sleep(5 * awaiting.PERIOD)
        late.clear()
        await call(case)
        await asyncio.sleep(2 * awaiting.PERIOD)  # so the pending beat is counted
    return max(late)


async def delays(call: Call, cases: Sequence[Case], calls: int) -> awaiting.Sample:
    """Returns the median over `calls` calls of each case."""
    return {case.metric.name: statistics.median([await longest_delay(call, case) for _ in range(calls)]) for case in cases}


async def carried(name: str, call: Call) -> list[Case]:
    """Returns the cases that work, and reports the others on stderr."""
    cases = []
    for case in CASES:
        try:
            await call(case)
        except TypeError as refusal:
            print(f"left out: {name} with {case.kind} ({type(refusal).__name__})", file=sys.stderr)
        else:
            cases.append(case)
    return cases


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=harness.count, default=1, help="calls a round of each case (%(default)s)")
    chosen = harness.options(parser, rounds=7)
    with ExitStack() as stack:
        loop = stack.enter_context(asyncio.Runner())
        pool = stack.enter_context(InterpreterThreadPoolExecutor(chosen.workers))
        calls: dict[str, Call] = {RUN: partial(by_run, pool), SUBMIT: partial(by_submit, pool)}
        for rival in rivals.available(rivals.INTERPRETER_POOL):
            calls[rival.name] = partial(by_peer, stack.enter_context(rival.make(chosen.workers)))
        carried_by = {name: loop.run(carried(name, call)) for name, call in calls.items()}

        def measure(name: str) -> awaiting.Sample:
            return loop.run(delays(calls[name], carried_by[name], 1 if chosen.quick else chosen.calls))

        harness.run(BENCHMARK, {name: partial(measure, name) for name in calls}, chosen)


if __name__ == "__main__":
    main()
