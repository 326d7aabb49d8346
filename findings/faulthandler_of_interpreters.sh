#!/bin/sh
# CPython 3.14.10 and 3.15.2: `faulthandler.dump_traceback(all_threads=True)` does not show what runs in subinterpreters.
#
# It shows the threads of one interpreter. For a thread that has called into a subinterpreter, the traceback ends at the call. A thread that was
# started there does not appear at all. `faulthandler` itself cannot be imported in a subinterpreter, so no code there can
# ask for a dump.
. "$(dirname "$0")/environment"

expect "main interpreter: in the caller's thread True, in its own thread True
subinterpreter: in the caller's thread False, in its own thread False" <<'PYTHON'
import concurrent.interpreters as interpreters
import faulthandler, os, tempfile, threading

WORK = """
import os, threading

def read_in_own_thread():
    os.write(ready, b"x")
    os.read(end, 1)

def read_in_callers_thread():
    os.write(ready, b"x")
    os.read(end, 1)

thread = threading.Thread(target=read_in_own_thread)
thread.start()
read_in_callers_thread()
thread.join()
"""

is_ready, ready = os.pipe()
end, finish = os.pipe()

def show(where, execute):
    thread = threading.Thread(target=execute, args=(WORK,))
    thread.start()
    for _ in range(2):
        os.read(is_ready, 1)
    with tempfile.TemporaryFile() as file:
        faulthandler.dump_traceback(file, all_threads=True)
        file.seek(0)
        text = file.read().decode()
    print(f"{where}: in the caller's thread {'read_in_callers_thread' in text}, in its own thread {'read_in_own_thread' in text}")
    os.write(finish, b"xx")
    thread.join()

show("main interpreter", lambda code: exec(code, {"ready": ready, "end": end}))
interpreter = interpreters.create()
interpreter.prepare_main(ready=ready, end=end)
show("subinterpreter", interpreter.exec)
interpreter.close()
PYTHON
