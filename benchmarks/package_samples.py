"""Samples for bench_packages.py, each for a fresh process: the time of an import there, and its memory.

Run this script with the name of one of its functions and of a package (`sys`, which always exists, for none). It prints the
result as JSON. It imports little itself, because the measured processes and interpreters import this file too.
"""

import sys
import time

FURTHER = 2  # interpreters or processes: a sample is their mean


def import_time(package: str) -> float:
    """Imports the package. Returns the milliseconds that it took."""
    begin = time.perf_counter()
    __import__(package)
    return (time.perf_counter() - begin) * 1000


def memory_after(package: str) -> float:
    """Imports the package. Returns this process's private memory in MB."""
    import_time(package)
    return private_memory()


def private_memory() -> float:
    """Returns the megabytes (10^6 bytes) of private dirty memory of this process, as Linux counts them."""
    import gc

    gc.collect()
    with open("/proc/self/smaps_rollup", encoding="ascii") as lines:
        kibibytes = sum(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty:"))
    return kibibytes * 1024 / 1e6


def fresh_process(package: str) -> dict[str, float]:
    """This process imports it. Before that, it has imported only the modules that Python imports by itself."""
    return {"import": import_time(package)}


def forkserver_processes(package: str) -> dict[str, float]:
    """Each process imports the package. The forkserver has imported only the modules that it imports by itself."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    context = multiprocessing.get_context("forkserver")
    memories = []
    for _ in range(FURTHER):
        with ProcessPoolExecutor(1, mp_context=context) as executor:
            memories.append(executor.submit(memory_after, package).result())
    return {"memory": sum(memories) / FURTHER}


def interpreters(package: str, *, private: bool) -> dict[str, float]:
    """The costs of each executor after the first one in this process: its first result, the import in it, its memory."""
    from contextlib import ExitStack

    from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

    imports, starts, memories = [], [], []
    with ExitStack() as open_executors:
        for _ in range(1 + FURTHER):
            begin = time.perf_counter()
            executor = InterpreterThreadPoolExecutor(1, extensions="private" if private else "declared")
            open_executors.enter_context(executor)
            imports.append(executor.submit(interpreter(import_time), package).result())
            starts.append((time.perf_counter() - begin) * 1000)
            memories.append(private_memory())
    memory = (memories[-1] - memories[0]) / FURTHER
    return {"import": sum(imports[1:]) / FURTHER, "start": sum(starts[1:]) / FURTHER, "memory": memory}


def private_interpreters(package: str) -> dict[str, float]:
    """With private copies of extension modules."""
    return interpreters(package, private=True)


def declared_interpreters(package: str) -> dict[str, float]:
    """Only with extension modules that declare support for interpreters."""
    return interpreters(package, private=False)


if __name__ == "__main__":
    import json

    print(json.dumps(globals()[sys.argv[1]](sys.argv[2])))
