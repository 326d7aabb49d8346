#!/bin/sh
# CPython 3.14.10 and 3.15.2: asyncio accepts an InterpreterPoolExecutor as its default executor, and then `asyncio.to_thread` always fails.
#
# `loop.set_default_executor` asks for a ThreadPoolExecutor, and InterpreterPoolExecutor is a subclass of it. `run_in_executor(None, ...)` and
# `getaddrinfo` work. But `to_thread` wraps each call in the caller's context, which no other interpreter can take. It raises
# NotShareableError for every function.
. "$(dirname "$0")/environment"

expect "run_in_executor(None, abs, -3): 3
getaddrinfo: ('127.0.0.1', 80)
to_thread(abs, -3): NotShareableError" <<'PYTHON'
import asyncio
import concurrent.interpreters as interpreters
from concurrent.futures import InterpreterPoolExecutor

async def main():
    loop = asyncio.get_running_loop()
    loop.set_default_executor(InterpreterPoolExecutor(1))
    print("run_in_executor(None, abs, -3):", await loop.run_in_executor(None, abs, -3))
    print("getaddrinfo:", (await loop.getaddrinfo("127.0.0.1", 80))[0][4])
    try:
        print("to_thread(abs, -3):", await asyncio.to_thread(abs, -3))
    except interpreters.NotShareableError as error:
        print("to_thread(abs, -3):", type(error).__name__)

asyncio.run(main())
PYTHON
