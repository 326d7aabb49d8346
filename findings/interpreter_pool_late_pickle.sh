#!/bin/sh
# CPython 3.14.10 and 3.15.2: InterpreterPoolExecutor copies a task's arguments when the task starts, not when it is submitted.
#
# The thread of a worker copies them when it takes the task from the queue. If the caller changes a list after `submit`, a task that still waits
# gets the changed list, and one that already runs does not. So code that reuses a buffer gives right results on an idle pool and wrong
# ones on a busy pool. An argument that cannot be sent raises in `result()`, also that late.
. "$(dirname "$0")/environment"

expect "submitted sum([1]), which waits: 101" <<'PYTHON'
import os
from concurrent.futures import InterpreterPoolExecutor

reader, writer = os.pipe()
with InterpreterPoolExecutor(1) as pool:
    blocking = pool.submit(os.read, reader, 1)
    numbers = [1]
    waiting = pool.submit(sum, numbers)
    numbers.append(100)
    os.write(writer, b"x")
    print("submitted sum([1]), which waits:", waiting.result())
PYTHON
