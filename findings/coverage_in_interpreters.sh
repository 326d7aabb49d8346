#!/bin/sh
# coverage.py 7.17.5: code in subinterpreters counts as not run, and coverage.py does not say so.
#
# `coverage run` measures the main interpreter only. With `patch = subprocess`, coverage.py starts in each subinterpreter too, because CPython
# runs the .pth files there. Then its core decides: "sysmon", the default one with 3.14 and 3.15 if it can do what is asked, records the lines.
# The C extension of "ctrace" cannot be loaded. The lines are lost, and only one line on stderr ("*** COVERAGE_CORE is 'ctrace' but
# can't import CTracer!") says why. "pytrace" loses them with a warning (trace-changed). The exit code is 0 in all cases.
. "$(dirname "$0")/environment"
install coverage==7.17.5

cat >"$folder/library.py" <<'PYTHON'
def work(number):
    number += 1
    return number
PYTHON
cat >"$folder/program.py" <<'PYTHON'
import library
from concurrent.futures import InterpreterPoolExecutor

if __name__ == "__main__":
    with InterpreterPoolExecutor(1) as pool:
        assert pool.submit(library.work, 1).result() == 2
PYTHON
cat >"$folder/measure.py" <<'PYTHON'
import glob, json, os, subprocess, sys

os.chdir(os.path.dirname(os.path.abspath(__file__)))
for patch in ("", "patch = subprocess\n"):
    for core in ("sysmon", "ctrace", "pytrace"):
        with open(".coveragerc", "w") as file:
            file.write("[run]\nparallel = true\n" + patch)
        coverage = [sys.executable, "-m", "coverage"]
        environment = os.environ | {"COVERAGE_CORE": core}
        run = subprocess.run([*coverage, "run", "program.py"], env=environment, capture_output=True, text=True)
        for command in (["combine", "-q"], ["json", "-q"]):
            subprocess.run([*coverage, *command], check=True, capture_output=True)
        with open("coverage.json") as file:
            lines = json.load(file)["files"]["library.py"]["executed_lines"]
        recorded = sorted({2, 3} & set(lines))
        print(f"{core}, {patch.strip() or 'no patch'}: exit code {run.returncode}, stderr {'text' if run.stderr else 'empty'}, lines 2 and 3: {recorded}")
        for name in glob.glob(".coverage.*") + [".coverage"]:
            if os.path.exists(name):
                os.unlink(name)
PYTHON
expect "sysmon, no patch: exit code 0, stderr empty, lines 2 and 3: []
ctrace, no patch: exit code 0, stderr empty, lines 2 and 3: []
pytrace, no patch: exit code 0, stderr empty, lines 2 and 3: []
sysmon, patch = subprocess: exit code 0, stderr empty, lines 2 and 3: [2, 3]
ctrace, patch = subprocess: exit code 0, stderr text, lines 2 and 3: []
pytrace, patch = subprocess: exit code 0, stderr text, lines 2 and 3: []" "$folder/measure.py"
