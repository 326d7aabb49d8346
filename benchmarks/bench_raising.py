"""How much processor time and memory a call takes that raises an exception (Linux).

The memory is the amount that the first exception of an interpreter adds. Each sample of it is taken in a fresh process.
Chains have 900 exceptions, each the cause of the next. They are measured until `exception()` has returned the last one.
"""

import argparse
import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from contextlib import ExitStack
from functools import partial
from tempfile import TemporaryDirectory

import harness
import rivals
import workloads
from bench_memory import private_memory

CALL = harness.Metric("processor time of a call that raises", "µs")
CHAIN = harness.Metric("processor time of a chain of 900", "ms")
FIRST = harness.Metric("memory of an interpreter's first exception", "kB")
CHAINED = 900

BENCHMARK = harness.Benchmark(
    name="raising",
    title="calls that raise an exception, when nothing prints the traceback",
    metrics=(CALL, CHAIN, FIRST),
    claims=(harness.Claim(CALL.name, rivals.TAGGED.name, rivals.INTERPRETER_POOL.name, target=8),),
    limits=(
        harness.Limit(CALL.name, None, rivals.TAGGED.name, 8),
        harness.Limit(FIRST.name, None, rivals.TAGGED.name, 100),
    ),
)


def processor_time(work: Callable[[], object]) -> float:
    """Returns the seconds of processor time of all threads that some work takes."""
    start = time.process_time()
    work()
    return time.process_time() - start


def raise_all(pool: Executor, task: Callable[..., object], calls: int) -> None:
    """Submits calls and takes the exception of each."""
    for future in [pool.submit(task) for _ in range(calls)]:
        if not isinstance(future.exception(), ValueError):
            raise RuntimeError(f"the call did not raise: {future}")


def first_exception(rival: rivals.Rival) -> float:
    """Returns the kB that the first exception adds. For a fresh process only."""
    succeed, fail = rival.prepare(workloads.noop), rival.prepare(workloads.fail)
    with rival.make(1) as pool:
        pool.submit(succeed).result()
        before = private_memory()
        raise_all(pool, fail, 1)
        return (private_memory() - before) * 1000


def costs(rival: rivals.Rival, pool: Executor, calls: int, bytecode: str) -> Mapping[str, float]:
    """Returns one sample of each metric."""
    fail, chain = rival.prepare(workloads.fail), rival.prepare(workloads.fail_with_chain)
    raise_all(pool, fail, 10)
    per_call = processor_time(partial(raise_all, pool, fail, calls)) / calls
    per_chain = processor_time(lambda: pool.submit(chain, CHAINED).exception())
    memory = harness.in_fresh_process((__file__, "--sample", rival.name), bytecode)
    return {CALL.name: per_call * 1e6, CHAIN.name: per_chain * 1e3, **memory}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=harness.count, default=2000, help="calls a round (%(default)s)")
    parser.add_argument(
        "--sample",
        metavar="RIVAL",
        choices=[rival.name for rival in rivals.ALL],
        help="take one sample of its memory in this process, print it as JSON",
    )
    chosen = harness.options(parser, rounds=5)
    if chosen.sample is not None:
        print(json.dumps({FIRST.name: first_exception(rivals.by_name(chosen.sample))}))
        return
    calls = 200 if chosen.quick else chosen.calls
    with TemporaryDirectory() as bytecode, ExitStack() as stack:
        contestants = {
            rival.name: partial(costs, rival, stack.enter_context(rival.make(1)), calls, bytecode)
            for rival in rivals.available(rivals.TAGGED, rivals.INTERPRETER_POOL, rivals.THREAD_POOL)
        }
        harness.run(BENCHMARK, contestants, chosen)


if __name__ == "__main__":
    main()
