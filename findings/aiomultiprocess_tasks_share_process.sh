#!/bin/sh
# aiomultiprocess 0.9.1: two tasks run one after the other in one process while the other process is idle.
#
# A worker takes up to 16 tasks (`childconcurrency`) as soon as they are in the queue, and runs them in its own event loop. If the tasks use the
# CPU, they wait for each other. A process with nothing to do cannot take them back. The script submits two such tasks to two idle
# processes, 20 times. Both went to one process 19 or 20 times by default, and never with `childconcurrency=1`.
. "$(dirname "$0")/environment"
install aiomultiprocess==0.9.1

cat >"$folder/program.py" <<'PYTHON'
import asyncio, os, time
from aiomultiprocess import Pool

async def busy(number):
    end = time.process_time() + 0.05
    while time.process_time() < end:
        pass
    return os.getpid()

async def mostly_in_one_process(**options):
    async with Pool(2, **options) as pool:
        ready = set()
        while len(ready) < 2:
            ready.update(await pool.map(busy, range(2)))
        rounds = [await pool.map(busy, range(2)) for _ in range(20)]
    return sum(first == second for first, second in rounds) > 10

if __name__ == "__main__":
    print("default: both tasks ran in one process in most rounds:", asyncio.run(mostly_in_one_process()))
    print("childconcurrency=1: both tasks ran in one process in most rounds:", asyncio.run(mostly_in_one_process(childconcurrency=1)))
PYTHON
expect "default: both tasks ran in one process in most rounds: True
childconcurrency=1: both tasks ran in one process in most rounds: False" "$folder/program.py"
