"""What each pool costs: one call, many calls, two kinds of values, CPU-bound work, its start, and its memory.

Each pool is used as its own documentation uses it, with its defaults (peers.py). Each sample has a process of its own. The
pool is warm before the clock starts, unless its start is measured. CPU-bound work is eight equal pieces of pure Python.
The first result includes the import of the pool's library. Memory is the amount that the pool adds to the process and to
all its descendants, with four workers, divided by four. Pages that several processes share count once, and pages of files
do not count (Linux).

Release 0.6.0 runs in an environment of its own. Free-threaded CPython is measured if FREE_THREADED_PYTHON is the path of
one.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import harness
import old_release
import peers
import pool_sample

SAMPLE = str(Path(__file__).with_name("pool_sample.py"))
WORKERS, WORKERS_FOR_MEMORY = 2, 4
METRICS = (
    harness.Metric(pool_sample.NOOP, "us"),
    harness.Metric(pool_sample.BATCH, "calls/s", higher_is_better=True),
    harness.Metric(pool_sample.INTS, "ms"),
    harness.Metric(pool_sample.BYTES, "ms"),
    harness.Metric(pool_sample.CPU, "ms"),
    harness.Metric(pool_sample.FIRST, "ms"),
    harness.Metric(pool_sample.MEMORY, "MB"),
)
BENCHMARK = harness.Benchmark(
    name="pools",
    title="every pool with two workers",
    metrics=METRICS,
    claims=[
        harness.Claim(metric.name, peers.OURS, peer.name)
        for metric in METRICS
        for peer in peers.ALL
        if peer.name not in {peers.OURS, peers.OURS_AWAITED}
        and not (peer.shared and metric.name in {pool_sample.MEMORY, pool_sample.FIRST})
    ],
)


def take(python: str, peer: peers.Peer, settings: Mapping[str, Any], bytecode: str) -> Mapping[str, float]:
    """Returns all metrics of a pool. Each measure has a process of its own."""
    sample: dict[str, float] = {}
    for measure, workers in (("calls", WORKERS), ("first", WORKERS), ("memory", WORKERS_FOR_MEMORY)):
        if measure == "calls" or not peer.shared or peer.name == "ThreadPoolExecutor":
            command = (SAMPLE, peer.name, measure, str(workers), json.dumps(settings))
            sample |= harness.in_fresh_process(command, bytecode, python=python)
    return sample


def pythons() -> tuple[dict[str, str], dict[str, str]]:
    """Returns the Python of each peer that can be measured here, and the reasons why the others cannot."""
    found, left_out = {}, {}
    for peer in peers.ALL:
        python, why = _python(peer)
        if python:
            found[peer.name] = python
        else:
            left_out[peer.name] = why
    return found, left_out


def _python(peer: peers.Peer) -> tuple[str, str]:
    """Returns the Python in which a peer is measured, or None and the reason."""
    if peer.name == peers.OLD_RELEASE:
        return (str(old_release.PYTHON), "") if old_release.available() else ("", "it could not be installed")
    if peer.name == peers.FREE_THREADED:
        return _free_threaded(os.environ.get("FREE_THREADED_PYTHON", ""))
    missing = peer.missing()
    return ("" if missing else sys.executable), missing


def _free_threaded(python: str) -> tuple[str, str]:
    """Returns the path if it is a Python that runs without a GIL, or None and the reason."""
    if not python:
        return "", "none was found: FREE_THREADED_PYTHON is not set"
    asked = [python, "-c", "import sys; print(sys._is_gil_enabled())"]
    try:
        answer = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=60).stdout.strip()
    except (OSError, subprocess.SubprocessError) as error:
        return "", f"FREE_THREADED_PYTHON={python} does not run: {error}"
    return (python, "") if answer == "False" else ("", f"FREE_THREADED_PYTHON={python} has a GIL")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    chosen = harness.options(parser, rounds=5, quick_rounds=1)
    chosen.workers = WORKERS
    settings = {"seconds": 0.01 if chosen.quick else 0.1, "batch": 1000, "numbers": 10_000 if chosen.quick else 400_000}
    found, left_out = pythons()
    for name, why in left_out.items():
        print(f"left out: {name} ({why})", file=sys.stderr)
    with TemporaryDirectory() as bytecode:
        contestants = {
            name: partial(take, python, peers.BY_NAME[name], settings, bytecode) for name, python in found.items()
        }
        harness.run(BENCHMARK, contestants, chosen, left_out)


if __name__ == "__main__":
    main()
