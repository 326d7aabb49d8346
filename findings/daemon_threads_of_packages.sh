#!/bin/sh
# CPython 3.14: what packages with daemon threads do in an interpreter of `concurrent.interpreters`, which allows none.
#
# fsspec 2026.2.0 (and what is built on it) raises RuntimeError when its event loop is first needed. tqdm 4.67.1 warns, once, and goes on without
# its monitor. multiprocessing raises in `Queue.put`, since a queue's feeder is a daemon thread. The standard library's thread pool
# works, as its threads are not daemons any more. The texts differ: one is the constructor's of `Thread`, the other one `start`'s.
. "$(dirname "$0")/environment"
install fsspec==2026.2.0 tqdm==4.67.1

expect "fsspec: RuntimeError: daemon threads are disabled in this interpreter
tqdm: TqdmMonitorWarning, and all steps done
multiprocessing: RuntimeError: daemon threads are disabled in this (sub)interpreter
concurrent.futures: no error" <<'PYTHON'
import concurrent.interpreters as interpreters

TQDM = """
import io, tqdm, warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    steps = sum(1 for _ in tqdm.tqdm(range(3), file=io.StringIO()))
assert steps == 3
raise type(caught[0].message)("and all steps done")
"""

def attempt(code):
    interpreter = interpreters.create()
    try:
        interpreter.exec(code)
    except interpreters.ExecutionFailed as error:
        return f"{error.excinfo.type.__name__}: {error.excinfo.msg.strip()}"
    finally:
        interpreter.close()
    return "no error"

print("fsspec:", attempt("import fsspec.asyn; fsspec.asyn.get_loop()"))
print("tqdm:", attempt(TQDM).replace("Warning:", "Warning,"))
print("multiprocessing:", attempt("import multiprocessing; multiprocessing.Queue().put(1)"))
print("concurrent.futures:", attempt("from concurrent.futures import ThreadPoolExecutor as P; P(1).submit(int).result()"))
PYTHON
