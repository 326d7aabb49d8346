#!/bin/sh
# CPython 3.14.10 and 3.15.2: `os.environ` differs between interpreters, but the process has one environment.
#
# A change of `os.environ` is not visible in `os.environ` of the other interpreters that already imported `os`. It is a change of the process all
# the same: subprocesses get it, whichever interpreter starts them. So a task in a pool of interpreters can change what the
# subprocesses of the main interpreter see. `os.reload_environ()`, which is new in 3.14, reads the environment again.
. "$(dirname "$0")/environment"

expect "subinterpreter, os.environ: None
main interpreter, os.environ: None
subprocess of the main interpreter: ('main', 'sub')
main interpreter, after os.reload_environ(): sub" <<'PYTHON'
import concurrent.interpreters as interpreters
import os, subprocess, sys

interpreter = interpreters.create()
os.environ["SET_BY_MAIN"] = "main"
interpreter.exec("""
import os
print("subinterpreter, os.environ:", os.environ.get("SET_BY_MAIN"), flush=True)
os.environ["SET_BY_SUB"] = "sub"
""")
print("main interpreter, os.environ:", os.environ.get("SET_BY_SUB"), flush=True)
program = "import os; print('subprocess of the main interpreter:', (os.environ.get('SET_BY_MAIN'), os.environ.get('SET_BY_SUB')))"
subprocess.run([sys.executable, "-c", program], check=True)
os.reload_environ()
print("main interpreter, after os.reload_environ():", os.environ.get("SET_BY_SUB"))
interpreter.close()
PYTHON
