"""Interpreters are created, used and ended in parallel, again and again, with many modules of the standard library."""

from pathlib import Path

from support.scripts import run_script

# For 720 interpreters see benchmarks/bench_cycles.py.
BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
ROUNDS = 12
WORKERS = 4


def test_parallel_cycles_of_interpreters_that_import_thirty_modules(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        f"""
import random, sys
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import work
from support.gate import Gate, hold_then
sys.path.append({str(BENCHMARKS)!r})
from workloads import MODULES

source = random.Random(9)
for _ in range({ROUNDS}):
    gate = Gate()
    with InterpreterThreadPoolExecutor({WORKERS}) as pool:
        futures = []
        for _ in range({WORKERS}):
            names = source.sample(MODULES, len(MODULES))
            futures.append(pool.submit(interpreter(hold_then), gate.ends, work.import_modules, names))
        gate.wait_for({WORKERS})
        gate.open({WORKERS})
        assert all(len(future.result()) == len(names) for future in futures)
    gate.dispose()
print("done")
""",
    ).check("done")
