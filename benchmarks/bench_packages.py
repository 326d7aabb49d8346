"""How much time and memory an import of NumPy or pandas takes in an additional interpreter (Linux).

Imports are timed in the interpreter, and in a fresh process for comparison. Memory is the private dirty memory that each
further interpreter adds. It is compared with that of a forkserver's process that has imported the package. Pages of files
that were never written to count for neither, because processes of one pool share them as well. Each sample is taken in a
fresh process (package_samples.py), with cached bytecode and existing copies. Executors whose interpreters import no package
show the cost of `extensions` itself.
"""

import argparse
import importlib.util
import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import harness
import rivals

SAMPLES = str(Path(__file__).parent / "package_samples.py")
OURS, DECLARED = rivals.PRIVATE.name, "aiointerpreters, declared"
PROCESS, FORKSERVER = "a fresh process", "a forkserver's process"
LEAST_TIMES_LESS = {"numpy": 1 / 0.6, "pandas": 1 / 0.7}  # memory
LEAST_TIMES_FASTER = 1 / 1.3
PACKAGES = [name for name in LEAST_TIMES_LESS if importlib.util.find_spec(name) is not None]
BARE = "sys"
IMPORT = {name: harness.Metric(f"import {name} in a further interpreter", "ms") for name in PACKAGES}
MEMORY = {name: harness.Metric(f"memory of a further interpreter with {name}", "MB") for name in PACKAGES}
MEMORY[BARE] = harness.Metric("memory of a further interpreter", "MB")
START = {BARE: harness.Metric("first result of a further executor", "ms")}
KINDS = {"import": IMPORT, "memory": MEMORY, "start": START}

BENCHMARK = harness.Benchmark(
    name="packages",
    title="NumPy and pandas in an additional interpreter, each sample in a process of its own",
    metrics=[metric for metrics in KINDS.values() for metric in metrics.values()],
    claims=[
        *(harness.Claim(IMPORT[name].name, OURS, PROCESS, LEAST_TIMES_FASTER) for name in PACKAGES),
        *(harness.Claim(MEMORY[name].name, OURS, FORKSERVER, LEAST_TIMES_LESS[name]) for name in PACKAGES),
        *(harness.Claim(metric.name, DECLARED, OURS) for metric in (START[BARE], MEMORY[BARE])),
    ],
)


def measure(function: str, packages: list[str], bytecode: str) -> Mapping[str, float]:
    """Returns a sample of each package, taken by that function of package_samples.py."""
    found: dict[str, float] = {}
    for package in packages:
        sample = harness.in_fresh_process([SAMPLES, function, package], bytecode)
        found |= {KINDS[kind][package].name: value for kind, value in sample.items() if package in KINDS[kind]}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    chosen = harness.options(parser, rounds=7, quick_rounds=1)
    every = [*PACKAGES, BARE]
    with TemporaryDirectory() as bytecode, TemporaryDirectory() as copies:
        os.environ["AIOINTERPRETERS_CACHE"] = copies
        contestants = {
            PROCESS: partial(measure, "fresh_process", PACKAGES, bytecode),
            FORKSERVER: partial(measure, "forkserver_processes", every, bytecode),
            DECLARED: partial(measure, "declared_interpreters", [BARE], bytecode),
        }
        if rivals.available(rivals.PRIVATE):
            contestants[OURS] = partial(measure, "private_interpreters", every, bytecode)
        harness.run(BENCHMARK, contestants, chosen)


if __name__ == "__main__":
    main()
