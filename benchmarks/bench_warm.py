"""How much the first call of a program costs, with and without warming up.

Each sample is taken in a fresh process, with an executor of one interpreter. The function computes for about a millisecond.
The first call after `warm_up` finds its interpreter ready, with the function's module imported by `preload`. It still looks
up the function, and runs code that CPython has not specialized yet. A later call is the twentieth. The first call without
warming up waits until the interpreter is created.
"""

import argparse
import json
import time
from collections.abc import Mapping
from functools import partial
from tempfile import TemporaryDirectory

import harness
import workloads
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

WORK = 40_000
PRELOADED, LATER, COLD = (harness.OURS + name for name in ("preloaded", "a later call", "not warmed up"))
CALL = harness.Metric("a call of a millisecond", "ms")

BENCHMARK = harness.Benchmark(
    name="warm",
    title="the first call of a program, in an interpreter that is ready and in one that is not",
    metrics=(CALL,),
    claims=(
        harness.Claim(CALL.name, PRELOADED, LATER, target=1 / 1.2),  # the first call takes at most 1.2 times as long
        harness.Claim(CALL.name, PRELOADED, COLD),
    ),
)


def one_call(kind: str) -> float:
    """Returns the milliseconds of a call of that kind. For a fresh process only."""
    work = interpreter(workloads.sum_of_squares)
    preload = () if kind == COLD else (workloads.__name__,)
    with InterpreterThreadPoolExecutor(1, preload=preload) as executor:

        def measure() -> float:
            start = time.perf_counter()
            executor.submit(work, WORK).result()
            return (time.perf_counter() - start) * 1000

        if kind != COLD:
            executor.warm_up().result()
        return [measure() for _ in range(20 if kind == LATER else 1)][-1]


def in_fresh_process(kind: str, bytecode: str) -> Mapping[str, float]:
    """Returns one sample."""
    return {CALL.name: harness.in_fresh_process((__file__, "--sample", kind), bytecode)["ms"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--sample",
        metavar="KIND",
        choices=[PRELOADED, LATER, COLD],
        help="take one sample of it in this process and print it as JSON",
    )
    chosen = harness.options(parser, rounds=31, quick_rounds=3)
    if chosen.sample is not None:
        print(json.dumps({"ms": one_call(chosen.sample)}))
        return
    with TemporaryDirectory() as bytecode:
        harness.run(
            BENCHMARK, {kind: partial(in_fresh_process, kind, bytecode) for kind in (PRELOADED, LATER, COLD)}, chosen
        )


if __name__ == "__main__":
    main()
