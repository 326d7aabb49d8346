#!/bin/sh
# memray 1.20.0: `memray attach PID` cannot attach to a process that has a subinterpreter.
#
# One idle interpreter of `concurrent.interpreters` is enough. On CPython 3.14, memray attaches with `sys.remote_exec`, which ends with "Can't find
# the main thread in the remote process". The process itself is not disturbed. `memray run` works. The script needs the right to trace another
# process.
. "$(dirname "$0")/environment"
install memray==1.20.0

cat >"$folder/program.py" <<'PYTHON'
import os, subprocess, sys, tempfile

TARGET = """
import sys, time
import concurrent.interpreters as interpreters
kept = [interpreters.create() for _ in range(int(sys.argv[1]))]
print("ready", flush=True)
while True:
    time.sleep(0.05)
"""

for count in (0, 1):
    target = subprocess.Popen([sys.executable, "-c", TARGET, str(count)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    target.stdout.readline()
    with tempfile.TemporaryDirectory() as folder:
        attach = [sys.executable, "-m", "memray", "attach", "-o", os.path.join(folder, "memory.bin"), str(target.pid)]
        result = subprocess.run(attach, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    print(f"subinterpreters: {count}, attached: {result.returncode == 0}, the process still runs: {target.poll() is None}")
    target.kill()
    target.communicate()
PYTHON
expect "subinterpreters: 0, attached: True, the process still runs: True
subinterpreters: 1, attached: False, the process still runs: True" "$folder/program.py"
