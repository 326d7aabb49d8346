#!/bin/sh
# CPython 3.14.10 and 3.15.2: queues of `concurrent.interpreters` cut timeouts to whole seconds, and they poll.
#
# `get(timeout=0.9)` and `put(item, timeout=0.9)` raise at once, as if the timeout were 0. A blocking `get` on an empty queue, or `put` on a full
# one, tries again every 10 ms. So an item can wait up to 10 ms, and a waiting thread wakes up about 100 times per second. The script
# counts the calls of `time.sleep`.
. "$(dirname "$0")/environment"

expect "get(timeout=0.9): QueueEmpty, sleeps: none
put(timeout=0.9): QueueFull, sleeps: none
get(timeout=1): QueueEmpty, sleeps: of [0.01] seconds" <<'PYTHON'
import concurrent.interpreters as interpreters
import time

sleeps = []
sleep = time.sleep

def counted(seconds):
    sleeps.append(seconds)
    sleep(seconds)

def attempt(name, call):
    sleeps.clear()
    try:
        call()
    except (interpreters.QueueEmpty, interpreters.QueueFull) as error:
        print(f"{name}: {type(error).__name__}, sleeps:", f"of {sorted(set(sleeps))} seconds" if sleeps else "none")

time.sleep = counted
empty, full = interpreters.create_queue(), interpreters.create_queue(1)
full.put(1)
attempt("get(timeout=0.9)", lambda: empty.get(timeout=0.9))
attempt("put(timeout=0.9)", lambda: full.put(2, timeout=0.9))
attempt("get(timeout=1)", lambda: empty.get(timeout=1))
del empty, full
PYTHON
