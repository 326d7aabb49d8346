#!/bin/sh
# CPython 3.15.2: `profiling.sampling` shows no functions of interpreters that are created after it has attached.
#
# Functions of a subinterpreter that exists when the profiler attaches are in the profile. If the interpreter is created later, its time is
# counted for the line of the main interpreter that runs it. So `python -m profiling.sampling run` never shows functions of
# subinterpreters, even with `-a`. No warning says so. The script needs the right to trace another process.
. "$(dirname "$0")/environment"

cat >"$folder/program.py" <<'PYTHON'
import os, subprocess, sys, tempfile

TARGET = """
import sys
import concurrent.interpreters as interpreters
CODE = '''
import time
def in_a_subinterpreter():
    while True:
        time.monotonic()
in_a_subinterpreter()
'''
interpreter = interpreters.create() if sys.argv[1] == "before" else None
print("ready", flush=True)
sys.stdin.readline()
(interpreter or interpreters.create()).exec(CODE)
"""

for when in ("before", "after"):
    target = subprocess.Popen([sys.executable, "-c", TARGET, when], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    target.stdout.readline()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "profile.txt")
        sample = [sys.executable, "-m", "profiling.sampling", "attach", "-a", "-d", "4", "--collapsed", "-o", path, str(target.pid)]
        profiler = subprocess.Popen(sample, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            profiler.wait(2)
        except subprocess.TimeoutExpired:
            pass
        target.stdin.write("\n")
        target.stdin.flush()
        profiler.wait()
        with open(path) as file:
            profile = file.read()
    print(f"interpreter created {when} attaching: its function is in the profile {'in_a_subinterpreter' in profile}")
    target.kill()
    target.communicate()
PYTHON
expect "interpreter created before attaching: its function is in the profile True
interpreter created after attaching: its function is in the profile False" "$folder/program.py"
