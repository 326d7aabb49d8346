#!/bin/sh
# CPython 3.14.10 and 3.15.2: Ctrl-C does not interrupt code that the main thread runs in a subinterpreter.
#
# SIGINT is handled by the main interpreter only. While the main thread is in `Interpreter.exec` or `Interpreter.call`, KeyboardInterrupt waits
# until that call returns. The code below runs its loop to the end, and only then does the caller get KeyboardInterrupt.
. "$(dirname "$0")/environment"

expect "main interpreter: interrupted in the loop
subinterpreter: the loop ended
subinterpreter: KeyboardInterrupt after the call" <<'PYTHON'
import concurrent.interpreters as interpreters

CODE = """
import os, signal
try:
    os.kill(os.getpid(), signal.SIGINT)
    for _ in range(1_000_000):
        pass
except KeyboardInterrupt:
    print(where + ": interrupted in the loop", flush=True)
else:
    print(where + ": the loop ended", flush=True)
"""

exec(CODE, {"where": "main interpreter"})
interpreter = interpreters.create()
interpreter.prepare_main(where="subinterpreter")
try:
    interpreter.exec(CODE)
    print("subinterpreter: no KeyboardInterrupt")
except KeyboardInterrupt:
    print("subinterpreter: KeyboardInterrupt after the call")
interpreter.close()
PYTHON
