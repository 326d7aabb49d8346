#!/bin/sh
# CPython 3.14.10 and 3.15.2: workers of InterpreterPoolExecutor do not get the changes that the caller made to `sys.path`.
#
# A new interpreter computes `sys.path` anew, from PYTHONPATH and the .pth files. If a script or a tool adds a folder at run time, a function of a
# module in that folder cannot be submitted: `result()` raises NotShareableError because the worker cannot import the module. It works
# in ProcessPoolExecutor with "spawn", which sends `sys.path` to each worker. `sys.setrecursionlimit` is not taken over either.
. "$(dirname "$0")/environment"

mkdir "$folder/added"
echo "def work(): return 42" >"$folder/added/added_module.py"
cat >"$folder/program.py" <<'PYTHON'
import multiprocessing, os, sys
from concurrent.futures import InterpreterPoolExecutor, ProcessPoolExecutor

if __name__ == "__main__":
    sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "added"))
    import added_module

    sys.setrecursionlimit(5000)
    for pool in (ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")), InterpreterPoolExecutor(1)):
        with pool:
            error = pool.submit(added_module.work).exception()
            print(f"{type(pool).__name__}: {type(error).__name__ if error else 'a result'}")
            cause = error
            while cause:
                last, cause = cause, cause.__cause__
            if error:
                print("cause:", last)
    with InterpreterPoolExecutor(1) as pool:
        print("recursion limit:", sys.getrecursionlimit(), "and in the worker", pool.submit(sys.getrecursionlimit).result())
PYTHON
expect "ProcessPoolExecutor: a result
InterpreterPoolExecutor: NotShareableError
cause: ModuleNotFoundError: No module named 'added_module'
recursion limit: 5000 and in the worker 1000" "$folder/program.py"
