"""How much private memory each additional interpreter takes after it has run a small function (Linux).

Each sample is taken in a fresh process. It is the private dirty memory with 1 + n interpreters of one executor, minus the
memory with one, divided by n. The tasks overlap, and their results prove that they ran in that number of interpreters.
The memory depends on what a worker imports to find the function. So four programs are measured:

- a function of a module that imports nothing (workloads.py): the least, for n of 1, 4, 16 and 64;
- a decorated function of a module that imports only the decorator (memory_module.py);
- a decorated function of a script, as in README: workers run the script, which imports the executor (memory_script.py);
- the same if the script imports asyncio too, as services do: workers import it as well.

InterpreterPoolExecutor runs the equivalent programs. It has no decorator, so for it the first two programs are the same.
The package is copied into a new virtual environment, as users have it: in an editable install, `site` imports a hook in
each interpreter, which takes 0.2 MB on 3.14 and 1.6 MB on 3.15. Bytecode is cached.
"""

import argparse
import ctypes
import gc
import importlib.metadata
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import harness
import package_samples
import rivals
import workloads
from aiointerpreters import InterpreterThreadPoolExecutor, _core
from meeting import Attendance, interpreters, meet

HERE = Path(__file__).parent
FURTHER = (1, 4, 16, 64)
AMOUNT = 16
"""The number of additional interpreters, for programs that are measured with one number only."""
PLAIN = "a function of a module that imports nothing"
MODULE = "a decorated function of a module"
SCRIPT = "a decorated function of a script, as in README"
SCRIPT_WITH_ASYNCIO = "the same in a script that imports asyncio"
NUMBERS = {PLAIN: FURTHER, MODULE: (AMOUNT,), SCRIPT: (AMOUNT,), SCRIPT_WITH_ASYNCIO: (AMOUNT,)}
METRICS = {
    (program, n): harness.Metric(f"memory per additional interpreter, {program}, {n} of them", "MB")
    for program, numbers in NUMBERS.items()
    for n in numbers
}
LEAST_TIMES_LESS = 1 / 0.38
MOST = 2.8  # MB
MOST_OF_SCRIPT = 3.4  # MB: workers do not load the executor that the script imports
MOST_UNEVEN = 0.3  # MB more with 64 than with 4: the cost is the same for each

OURS, PEER = rivals.TAGGED.name, rivals.INTERPRETER_POOL.name
SCRIPTS = {OURS: "memory_script.py", PEER: "memory_script_peer.py"}
IMPORTED = {
    SCRIPT: {"IMPORTED_BY_SCRIPT": ""},
    SCRIPT_WITH_ASYNCIO: {"IMPORTED_BY_SCRIPT": "asyncio"},
}
"""For each program that is a script, the environment variable that tells it what to import. Workers see it, too."""
BENCHMARK = harness.Benchmark(
    name="memory",
    title="private memory of each additional interpreter, each sample in a process of its own",
    metrics=tuple(METRICS.values()),
    claims=tuple(
        harness.Claim(metric.name, OURS, PEER, target=LEAST_TIMES_LESS if program == PLAIN else None)
        for (program, _), metric in METRICS.items()
    ),
    limits=(
        *(harness.Limit(METRICS[PLAIN, n].name, None, OURS, MOST) for n in (16, 64)),
        harness.Limit(METRICS[SCRIPT, AMOUNT].name, None, OURS, MOST_OF_SCRIPT),
        harness.Limit(METRICS[PLAIN, 64].name, METRICS[PLAIN, 4].name, OURS, MOST_UNEVEN),
    ),
)


def private_memory(*, trim: bool = False) -> float:
    """Returns the megabytes (10^6 bytes) of private dirty memory of this process, as Linux counts them.

    With `trim`, malloc first returns the free memory that it keeps.
    """
    if trim:
        gc.collect()
        ctypes.CDLL(None).malloc_trim(0)
    return package_samples.private_memory()


def memory_with(pool: Executor, attend: Callable[[int, int], Attendance], size: int) -> float:
    """Returns the private memory in MB after `size` interpreters of `pool` have answered; raises if fewer did."""
    attendances = meet(pool, attend, size)
    if len(interpreters(attendances)) != size:
        raise RuntimeError(f"not {size} interpreters answered, but {attendances}")
    return private_memory()


def print_sample(program: str, make: Callable[[int], Executor], attend: Callable[[int, int], Attendance]) -> None:
    """Prints as JSON the MB that each additional interpreter adds, by metric; for a fresh process only."""
    with make(1 + max(NUMBERS[program])) as pool:
        with_one = memory_with(pool, attend, 1)
        found = {n: (memory_with(pool, attend, 1 + n) - with_one) / n for n in NUMBERS[program]}
    print(json.dumps({METRICS[program, n].name: memory for n, memory in found.items()}))


def take_here(program: str, rival: rivals.Rival) -> None:
    """Takes a sample of a program whose function is in a module, in this process."""
    if program == PLAIN or rival.name != OURS:
        print_sample(program, rival.make, rival.prepare(workloads.attend))
    else:
        from memory_module import attend  # imported here, so that the other programs do not import it

        print_sample(program, InterpreterThreadPoolExecutor, attend)


def installed(folder: Path) -> str:
    """Makes a virtual environment with a copy of this package in it, and returns its Python."""
    environment = folder / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True, timeout=120)
    python = environment / "bin" / "python"
    asked = [str(python), "-c", "import sysconfig; print(sysconfig.get_path('platlib'))"]
    packages = Path(subprocess.run(asked, capture_output=True, text=True, check=True, timeout=60).stdout.strip())
    package = Path(sys.modules["aiointerpreters"].__file__ or "").parent
    copied = packages / package.name
    shutil.copytree(package, copied, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(_core.__file__, copied)
    record = importlib.metadata.distribution(package.name)
    facts = packages / f"{package.name}-{record.version}.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text(record.read_text("METADATA") or "", encoding="utf-8")
    return str(python)


def take(rival: str, python: str, bytecode: str) -> Mapping[str, float]:
    """Returns the memory in each program; each has a process of its own."""
    sample: dict[str, float] = {}
    for program, variables in IMPORTED.items():
        command = (str(HERE / SCRIPTS[rival]), program)
        sample |= harness.in_fresh_process(command, bytecode, python=python, variables=variables)
    for program in (PLAIN, MODULE):
        sample |= harness.in_fresh_process((__file__, "--sample", rival, program), bytecode, python=python)
    return sample


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", nargs=2, metavar=("RIVAL", "PROGRAM"), help="take one sample here, and print it as JSON")
    chosen = harness.options(parser, rounds=5, quick_rounds=1)
    chosen.workers = 1 + max(FURTHER)
    if chosen.sample is not None:
        rival, program = chosen.sample
        take_here(program, rivals.by_name(rival))
        return
    with TemporaryDirectory() as folder:
        python, bytecode = installed(Path(folder)), str(Path(folder) / "bytecode")
        contestants = {
            rival.name: partial(take, rival.name, python, bytecode)
            for rival in rivals.available(rivals.TAGGED, rivals.INTERPRETER_POOL)
        }
        harness.run(BENCHMARK, contestants, chosen)


if __name__ == "__main__":
    main()
