#!/bin/sh
# CPython 3.14.10 and 3.15.2: InterpreterPoolExecutor takes objects of a class in `__main__`, but cannot return them or raise them.
#
# In the worker, the script is loaded as a module named "<fake __main__>". An argument of a class of the script arrives. The same object as a result
# fails with NotShareableError, also when the task only returns its argument. An exception of a class of the script arrives as
# ExecutionFailed, so `except` with that class never matches. ProcessPoolExecutor returns and raises all of them. Classes of a module that
# is imported work in both.
. "$(dirname "$0")/environment"

cat >"$folder/program.py" <<'PYTHON'
import multiprocessing
from concurrent.futures import InterpreterPoolExecutor, ProcessPoolExecutor

class Point:
    x = 3

class Refused(Exception):
    pass

def use(point):
    return f"x={point.x}, isinstance {isinstance(point, Point)}"

def give_back(point):
    return point

def refuse():
    raise Refused("refused")

if __name__ == "__main__":
    processes = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
    for pool in (processes, InterpreterPoolExecutor(1)):
        with pool:
            for task in ((use, Point()), (give_back, Point()), (refuse,)):
                error = pool.submit(*task).exception()
                outcome = "a result" if error is None else f"{type(error).__name__}, caught by `except Refused`: {isinstance(error, Refused)}"
                print(f"{type(pool).__name__}: {task[0].__name__}: {outcome}")
PYTHON
expect "ProcessPoolExecutor: use: a result
ProcessPoolExecutor: give_back: a result
ProcessPoolExecutor: refuse: Refused, caught by \`except Refused\`: True
InterpreterPoolExecutor: use: a result
InterpreterPoolExecutor: give_back: NotShareableError, caught by \`except Refused\`: False
InterpreterPoolExecutor: refuse: ExecutionFailed, caught by \`except Refused\`: False" "$folder/program.py" 2>"$folder/errors"
