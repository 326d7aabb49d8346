#!/bin/sh
# CPython 3.14.10 and 3.15.2: `python -m asyncio ps PID` shows no task of the main interpreter if the process has a subinterpreter.
#
# The tool seems to read only the interpreter that was created last. If an idle interpreter exists, the list is empty, and the exit code is 0. If
# an event loop runs in that interpreter, its tasks are listed instead of the tasks of the main interpreter. `pstree` does the same. The
# script needs the right to trace another process.
. "$(dirname "$0")/environment"

expect "subinterpreters: 0, exit code 0, the waiting task is listed: True
subinterpreters: 1, exit code 0, the waiting task is listed: False" <<'PYTHON'
import asyncio, os, sys
import concurrent.interpreters as interpreters

async def wait():
    await asyncio.get_running_loop().create_future()

async def main():
    task = asyncio.create_task(wait(), name="the waiting task")
    for count in (0, 1):
        kept = [interpreters.create() for _ in range(count)]
        command = [sys.executable, "-m", "asyncio", "ps", str(os.getpid())]
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        output, _ = await process.communicate()
        print(f"subinterpreters: {count}, exit code {process.returncode}, the waiting task is listed: {task.get_name() in output.decode()}")
        for interpreter in kept:
            interpreter.close()
    task.cancel()

asyncio.run(main())
PYTHON
