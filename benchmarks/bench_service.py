"""How a web service with CPU-bound pages performs with each pool, measured by a load generator.

The service is one uvicorn process (service_app.py). Of ten computing requests, nine take about 10 ms of pure Python and one
about 50 ms, in a pool of two workers. A load generator in a process of its own (load_generator.py) sends three loads:

- a part: computing requests at a fixed rate that takes about half of one core;
- more than one core: computing requests at a fixed rate that one core cannot answer;
- all: eight clients that ask again as soon as they have an answer.

At the same time it sends pings at a fixed rate, which the service answers without a pool. With a fixed rate, the time of an
answer counts from when its request was due. The service itself reports the delay of its event loop, and its memory.
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import harness
import peers
import service_app

WORKERS = 2
PART, MORE, FULL = "a part of one core", "more than one core", "as fast as possible"
LOADS: dict[str, dict[str, float]] = {PART: {"rate": 30}, MORE: {"rate": 75}, FULL: {"clients": 8}}
PINGS = 100
KINDS = {"computing": "computing request", "ping": "ping"}
APP, GENERATOR = (str(Path(__file__).with_name(name)) for name in ("service_app.py", "load_generator.py"))


def answered(part: str, kind: str, load: str) -> str:
    """Returns the name of the metric of answers of a kind under a load. `part` is p50 or p99."""
    return f"{part} of a {kind}, {load}"


def rate(load: str) -> str:
    """Returns the name of the metric of answered computing requests per second."""
    return f"computing requests answered, {load}"


def delay(load: str) -> str:
    """Returns the name of the metric of the loop's delay."""
    return f"p99 of the loop's delay, {load}"


def errors(load: str) -> str:
    """Returns the name of the metric of failed requests."""
    return f"requests that failed, {load}"


MEMORY = "memory of the service's processes"
BENCHMARK = harness.Benchmark(
    name="service",
    title="a web service with CPU-bound pages, measured from outside",
    metrics=[
        *(
            metric
            for load in LOADS
            for metric in (
                *(harness.Metric(answered(part, kind, load), "ms") for kind in KINDS.values() for part in ("p50", "p99")),
                harness.Metric(rate(load), "requests/s", higher_is_better=True),
                harness.Metric(delay(load), "ms"),
                harness.Metric(errors(load), "requests"),
            )
        ),
        harness.Metric(MEMORY, "MB"),
    ],
    claims=[
        harness.Claim(metric, peers.OURS_AWAITED, name)
        for metric in (
            rate(FULL),
            *(answered("p99", "ping", load) for load in LOADS),
            answered("p99", "computing request", MORE),
        )
        for name in service_app.POOLS
        if name != peers.OURS_AWAITED
    ],
)


def environment(bytecode: str) -> dict[str, str]:
    """Returns the environment that users have, with bytecode cached in a folder of this run."""
    settings = ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")
    return {name: value for name, value in os.environ.items() if name not in settings} | {"PYTHONPYCACHEPREFIX": bytecode}


def take(name: str, seconds: float, bytecode: str) -> Mapping[str, float]:
    """Starts a service with the pool of that name, sends all loads, and ends it. Raises RuntimeError if the start fails."""
    sample: dict[str, float] = {}
    command, pipe = [sys.executable, APP, name, str(WORKERS)], subprocess.PIPE
    service = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment(bytecode))
    try:
        assert service.stdout is not None
        port = service.stdout.readline().strip()
        if not port:
            raise RuntimeError(f"the service with {name} did not start")
        for load, how in LOADS.items():
            settings = json.dumps({"seconds": seconds, "pings": PINGS, **how})
            measured = _generate(port, settings, bytecode)
            for key, kind in KINDS.items():
                sample |= {answered(part, kind, load): measured[key][part] for part in ("p50", "p99")}
            sample |= {
                rate(load): measured["computing"]["rate"],
                delay(load): measured["loop"]["p99"],
                errors(load): sum(measured[key]["errors"] for key in KINDS),
                MEMORY: measured["loop"]["memory"],
            }
    finally:
        service.communicate()  # closes its standard input
    if service.returncode:
        raise RuntimeError(f"the service with {name} ended with {service.returncode}")
    return sample


def _generate(port: str, settings: str, bytecode: str) -> dict[str, dict[str, float]]:
    """Returns the measurements of the load generator."""
    command = [sys.executable, GENERATOR, port, settings]
    finished = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=120, env=environment(bytecode))
    measured: dict[str, dict[str, float]] = json.loads(finished.stdout)
    return measured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--seconds", type=harness.amount, default=2.0, help="how long each load is sent in a round (%(default)s)"
    )
    chosen = harness.options(parser, rounds=3, quick_rounds=1)
    chosen.workers = WORKERS
    if importlib.util.find_spec("uvicorn") is None:
        sys.exit("uvicorn is not installed: `make bench` installs it, or pip with the extra `rivals`")
    seconds = 0.2 if chosen.quick else chosen.seconds
    left_out = {name: peers.BY_NAME[name].missing() for name in service_app.POOLS if peers.BY_NAME[name].missing()}
    for name, why in left_out.items():
        print(f"left out: {name} ({why})", file=sys.stderr)
    with TemporaryDirectory() as bytecode:
        contestants = {name: partial(take, name, seconds, bytecode) for name in service_app.POOLS if name not in left_out}
        harness.run(BENCHMARK, contestants, chosen, left_out)


if __name__ == "__main__":
    main()
