#!/bin/sh
# anyio 4.16.0: `to_interpreter.run_sync` creates one interpreter per call in flight, although its limiter allows less.
#
# A call takes the limiter to get a worker, gives it back, and takes it again to run the worker. All waiting calls pass the first step before
# the calls in front of them are done. So 20 calls with a limiter of 2 create 20 interpreters, each with its own imports and memory. Each is
# created by the thread of the event loop, which runs nothing else meanwhile. An idle interpreter is closed only by a later call, more than 30
# seconds after its last use.
. "$(dirname "$0")/environment"
install anyio==4.16.0

expect "limiter: 2, calls: 20, interpreters created: 20" <<'PYTHON'
import concurrent.interpreters as interpreters
import anyio
from anyio import to_interpreter

async def main():
    limiter = anyio.CapacityLimiter(2)

    async def call():
        await to_interpreter.run_sync(abs, -1, limiter=limiter)

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(call)
    print(f"limiter: 2, calls: 20, interpreters created: {len(interpreters.list_all()) - 1}")

anyio.run(main)
PYTHON
