#!/bin/sh
# CPython 3.14.10 and 3.15.2: `python -m pdb -p PID` cannot attach to a process that has a subinterpreter.
#
# One idle interpreter of `concurrent.interpreters` is enough, although the code to debug runs in the main interpreter. 3.14 prints a traceback
# that ends in "RuntimeError: Can't find the main thread in the remote process". 3.15 prints "Cannot attach to pid ..., please make sure that the
# process exists and is using the same Python version". The process itself is not disturbed. The script needs the right to trace another process.
. "$(dirname "$0")/environment"

cat >"$folder/program.py" <<'PYTHON'
import subprocess, sys

TARGET = """
import sys, time
import concurrent.interpreters as interpreters
kept = [interpreters.create() for _ in range(int(sys.argv[1]))]
print("ready", flush=True)
while True:
    time.sleep(0.05)
"""

for count in (0, 1):
    target = subprocess.Popen([sys.executable, "-c", TARGET, str(count)], stdout=subprocess.PIPE, text=True)
    target.stdout.readline()
    pdb = [sys.executable, "-m", "pdb", "-p", str(target.pid)]
    result = subprocess.run(pdb, input="p 6 * 7\nq\n", capture_output=True, text=True)
    attached = result.returncode == 0 and "42" in result.stdout
    print(f"subinterpreters: {count}, attached: {attached}, the process still runs: {target.poll() is None}")
    target.kill()
    target.communicate()
PYTHON
expect "subinterpreters: 0, attached: True, the process still runs: True
subinterpreters: 1, attached: False, the process still runs: True" "$folder/program.py"
