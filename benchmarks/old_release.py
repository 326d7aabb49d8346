"""The release that this package replaces, as a contestant in a virtual environment and in processes of its own.

It has the same import name. So this file is also a program, and the other Python runs it to take a sample. The environment
is made when it is first needed, and kept under `build/`.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path

import awaiting
import workloads
from aiointerpreters.executors import InterpreterThreadPoolExecutor, interpreter
from aiointerpreters.runner import Runner

VERSION = "0.6.0"
EXECUTOR = f"release {VERSION}, executor"
RUNNER = f"release {VERSION}, Runner"

HERE = Path(__file__).parent
ENVIRONMENT = HERE.parent / "build" / "releases" / f"{VERSION}-{sys.version_info.major}.{sys.version_info.minor}"
PYTHON = ENVIRONMENT / ("Scripts" if os.name == "nt" else "bin") / "python"
TIMEOUT = 120.0
"""Seconds that a sample may take, and each step of making the environment."""


def available() -> list[str]:
    """Returns EXECUTOR and RUNNER after a try, or nothing. Then it reports the reason on stderr."""
    try:
        if not PYTHON.exists():
            _run(sys.executable, "-m", "venv", str(ENVIRONMENT))
        if f"aiointerpreters=={VERSION}" not in _run(PYTHON, "-m", "pip", "list", "--format", "freeze"):
            _run(PYTHON, "-m", "pip", "install", "--quiet", "--retries", "1", f"aiointerpreters=={VERSION}")
        for name in (EXECUTOR, RUNNER):
            calls(name, awaiting.Counts(gather=1, one_by_one=2, map=1, at_once=1), workers=1)
    except (OSError, subprocess.SubprocessError) as error:
        told = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
        print(f"left out: release {VERSION} ({told[-1]})", file=sys.stderr)
        return []
    return [EXECUTOR, RUNNER]


def calls(name: str, counts: awaiting.Counts, workers: int) -> awaiting.Sample:
    """Returns all measurements of calls in `awaiting`, TO_THREAD only of EXECUTOR. Raises subprocess.SubprocessError."""
    return _sample(name, "calls", asdict(counts), workers)


def delays(name: str, seconds: float, workers: int) -> awaiting.Sample:
    """Returns `awaiting.delays`. Raises subprocess.SubprocessError."""
    return _sample(name, "delays", {"seconds": seconds}, workers)


def _sample(name: str, kind: str, settings: dict[str, float], workers: int) -> awaiting.Sample:
    answer: awaiting.Sample = json.loads(_run(PYTHON, __file__, name, kind, json.dumps(settings), str(workers)))
    return answer


def _run(*command: str | Path) -> str:
    """Returns the output of a program. Raises OSError, CalledProcessError, or TimeoutExpired after `TIMEOUT` seconds."""
    environment = os.environ | {"PYTHONPATH": str(HERE), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=TIMEOUT, env=environment).stdout


async def _take_sample(
    way: awaiting.Way, prepare: awaiting.Function, kind: str, settings: str, workers: int
) -> awaiting.Sample:
    await awaiting.warm_up(way, prepare, workers)
    if kind == "delays":
        return await awaiting.delays(way, prepare, workers=workers, **json.loads(settings))
    counts = awaiting.Counts(**json.loads(settings))
    maps = await awaiting.maps_by_hand(way, prepare, counts)
    return await awaiting.small_calls(way, prepare, counts) | maps


async def _sample_executor(kind: str, settings: str, workers: int) -> awaiting.Sample:
    executor = InterpreterThreadPoolExecutor(workers)
    executor.set_as_event_loop_default()
    way = partial(asyncio.get_running_loop().run_in_executor, executor)
    sample = await _take_sample(way, interpreter, kind, settings, workers)
    if kind == "calls":
        count = json.loads(settings)["gather"]
        sample[awaiting.TO_THREAD] = await awaiting.gather(asyncio.to_thread, interpreter(workloads.noop), count)
    return sample


async def _sample_runner(kind: str, settings: str, workers: int) -> awaiting.Sample:
    with Runner(workers=workers).start() as runner:
        return await _take_sample(runner.run, lambda function: function, kind, settings, workers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=(EXECUTOR, RUNNER))
    parser.add_argument("kind", choices=("calls", "delays"))
    parser.add_argument("settings", help="JSON: numbers by name")
    parser.add_argument("workers", type=int)
    chosen = parser.parse_args()
    sample = _sample_executor if chosen.name == EXECUTOR else _sample_runner
    print(json.dumps(asyncio.run(sample(chosen.kind, chosen.settings, chosen.workers))))


if __name__ == "__main__":
    main()
