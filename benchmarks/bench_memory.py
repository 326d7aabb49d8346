"""How much private memory each additional interpreter takes after it has run a small function (Linux).

Each sample is taken in a fresh process. It is the private dirty memory with 1 + n interpreters of one executor, minus the
memory with one, divided by n, for n of 1, 4, 16 and 64. The tasks overlap, and their results prove that they ran in that
number of interpreters. In an editable install, `site` imports a hook in each interpreter: 0.2 MB on 3.14, 1.6 MB on
3.15, for every contestant. Users do not have this hook.
"""

import argparse
import ctypes
import gc
import json
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from tempfile import TemporaryDirectory

import harness
import package_samples
import rivals
import workloads
from meeting import Attendance, interpreters, meet

FURTHER = (1, 4, 16, 64)
PER_INTERPRETER = {n: harness.Metric(f"memory per further interpreter, {n} of them", "MB") for n in FURTHER}
LEAST_TIMES_LESS = 1 / 0.38
MOST = 2.8  # MB
MOST_UNEVEN = 0.3  # MB more with 64 than with 4: the cost is the same for each

OURS, PEER = rivals.TAGGED.name, rivals.INTERPRETER_POOL.name
BENCHMARK = harness.Benchmark(
    name="memory",
    title="private memory of each additional interpreter, each sample in a process of its own",
    metrics=tuple(PER_INTERPRETER.values()),
    claims=tuple(harness.Claim(metric.name, OURS, PEER, target=LEAST_TIMES_LESS) for metric in PER_INTERPRETER.values()),
    limits=(
        *(harness.Limit(PER_INTERPRETER[n].name, None, OURS, MOST) for n in (16, 64)),
        harness.Limit(PER_INTERPRETER[64].name, PER_INTERPRETER[4].name, OURS, MOST_UNEVEN),
    ),
)


def private_memory(*, trim: bool = False) -> float:
    """Returns the megabytes (10^6 bytes) of private dirty memory of this process, as Linux counts them.

    `trim`: malloc first gives back the memory that it only keeps in reserve.
    """
    if trim:
        gc.collect()
        ctypes.CDLL(None).malloc_trim(0)
    return package_samples.private_memory()


def memory_with(pool: Executor, attend: Callable[[int, int], Attendance], size: int) -> float:
    """Returns the private memory in MB after `size` interpreters of `pool` have answered. Raises if fewer did."""
    attendances = meet(pool, attend, size)
    if len(interpreters(attendances)) != size:
        raise RuntimeError(f"not {size} interpreters answered, but {attendances}")
    return private_memory()


def per_further_interpreter(rival: rivals.Rival) -> dict[str, float]:
    """Returns the MB that each further interpreter adds, by metric. For a fresh process only."""
    attend = rival.prepare(workloads.attend)
    with rival.make(1 + max(FURTHER)) as pool:
        with_one = memory_with(pool, attend, 1)
        return {PER_INTERPRETER[n].name: (memory_with(pool, attend, 1 + n) - with_one) / n for n in FURTHER}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", metavar="RIVAL", help="take one sample of it in this process and print it as JSON")
    chosen = harness.options(parser, rounds=5, quick_rounds=1)
    chosen.workers = 1 + max(FURTHER)
    if chosen.sample is not None:
        print(json.dumps(per_further_interpreter(rivals.by_name(chosen.sample))))
        return
    with TemporaryDirectory() as bytecode:
        contestants = {
            rival.name: partial(harness.in_fresh_process, (__file__, "--sample", rival.name), bytecode)
            for rival in rivals.available(rivals.TAGGED, rivals.INTERPRETER_POOL)
        }
        harness.run(BENCHMARK, contestants, chosen)


if __name__ == "__main__":
    main()
