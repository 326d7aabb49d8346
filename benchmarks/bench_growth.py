"""How the speed of pools changes with the size of a value, the number of calls in flight, and the number of workers.

Bytes of each size go to a worker and back, one call after the other. No-op calls are submitted in groups and collected.
The pool has two workers, except for the last question: there it has 1 to 32, on the machine's processors, and 64 no-op
calls are in flight. Each sample has a process of its own with one warm pool.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import harness
import peers

SAMPLE = str(Path(__file__).with_name("pool_sample.py"))
WORKERS = 2
SIZES = tuple(16 * 4**power for power in range(12))  # 16 B to 64 MiB
IN_FLIGHT = (1, 4, 16, 64, 256, 1024, 4096)
COUNTS = (1, 2, 4, 8, 16, 32)
CALLS_BESIDE = 64  # in flight while the number of workers grows
SIZE, FLIGHT, COUNT = "echo of {} bytes", "no-op calls, {} in flight", "no-op calls, {} workers"
PEERS = (peers.OURS, "InterpreterPoolExecutor", "ThreadPoolExecutor", "ProcessPoolExecutor")
QUESTIONS: dict[str, tuple[str, Sequence[int], str]] = {
    "sizes": (SIZE, SIZES, "us"),
    "in_flight": (FLIGHT, IN_FLIGHT, "calls/s"),
    "growing": (COUNT, COUNTS, "calls/s"),
}
SETTINGS = {"sizes": "sizes", "in_flight": "counts", "growing": "counts"}
METRICS = [
    harness.Metric(name.format(point), unit, higher_is_better=unit != "us")
    for name, points, unit in QUESTIONS.values()
    for point in points
]
BENCHMARK = harness.Benchmark(
    name="growth",
    title="the time of a call by the size of its value, and the rate of calls by calls in flight and by workers",
    metrics=METRICS,
    claims=[harness.Claim(metric.name, peers.OURS, rival) for metric in METRICS for rival in PEERS[1:]],
)


def take(name: str, seconds: float, bytecode: str) -> Mapping[str, float]:
    """Returns all metrics of a pool. Each question has a process of its own."""
    sample: dict[str, float] = {}
    for question, (metric, points, _) in QUESTIONS.items():
        settings = {"name": metric, SETTINGS[question]: points, "seconds": seconds, "in_flight": CALLS_BESIDE}
        sample |= harness.in_fresh_process((SAMPLE, name, question, str(WORKERS), json.dumps(settings)), bytecode)
    return sample


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    chosen = harness.options(parser, rounds=5, quick_rounds=1)
    chosen.workers = WORKERS
    seconds = 0.005 if chosen.quick else 0.06
    left_out = {name: peers.BY_NAME[name].missing() for name in PEERS if peers.BY_NAME[name].missing()}
    for name, why in left_out.items():
        print(f"left out: {name} ({why})", file=sys.stderr)
    with TemporaryDirectory() as bytecode:
        contestants = {name: partial(take, name, seconds, bytecode) for name in PEERS if name not in left_out}
        harness.run(BENCHMARK, contestants, chosen, left_out)


if __name__ == "__main__":
    main()
