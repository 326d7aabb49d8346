#!/bin/sh
# CPython 3.14.10 and 3.15.2: with `-X perf`, Python functions in subinterpreters do not appear in perf's map.
#
# The option turns the support on in the main interpreter only. The map, from which `perf` takes the names, has no function that ran in
# `concurrent.interpreters` or in InterpreterPoolExecutor. No warning says so. Each interpreter can turn the support on for itself
# with `sys.activate_stack_trampoline("perf")`. Then its functions appear in the map of the process.
. "$(dirname "$0")/environment"

cat >"$folder/program.py" <<'PYTHON'
import os, sys
import concurrent.interpreters as interpreters
from concurrent.futures import InterpreterPoolExecutor

FUNCTION = "def {0}(): return 1\n{0}()"

def run(name):
    exec(FUNCTION.format(name), {})

if __name__ == "__main__":
    run("in_the_main_interpreter")
    interpreter = interpreters.create()
    interpreter.exec(FUNCTION.format("in_a_subinterpreter"))
    interpreter.exec("import sys; sys.activate_stack_trampoline('perf')")
    interpreter.exec(FUNCTION.format("in_an_activated_subinterpreter"))
    interpreter.close()
    with InterpreterPoolExecutor(1) as pool:
        pool.submit(run, "in_a_worker_of_the_pool").result()
    path = f"/tmp/perf-{os.getpid()}.map"
    with open(path) as file:
        found = file.read()
    os.unlink(path)
    print("active in the main interpreter:", sys.is_stack_trampoline_active())
    for where in ("the_main_interpreter", "a_subinterpreter", "an_activated_subinterpreter", "a_worker_of_the_pool"):
        print(f"function in {where.replace('_', ' ')}: in the map {'py::in_' + where in found}")
PYTHON
expect "active in the main interpreter: True
function in the main interpreter: in the map True
function in a subinterpreter: in the map False
function in an activated subinterpreter: in the map True
function in a worker of the pool: in the map False" -X perf "$folder/program.py"
