"""Uses of an executor of each kind in the interpreter and the thread of the caller."""

import threading
import weakref
from concurrent.futures import as_completed, wait
from typing import Any

from support import failures, work
from support import gate as gates
from support.kinds import Kind, join_all, states


def observe(name: str) -> list[Any]:
    """Use an executor of this kind in many ways. Return the same as for the other kinds."""
    before = set(threading.enumerate())
    seen: list[Any] = []
    with Kind(name) as kind:
        with kind.make(2, "observed") as executor:
            seen.append(list(executor.map(kind.call(work.square), range(5))))
            seen.append(kind.failure(executor.submit(kind.call(work.divide), 1, 0).result))
            seen.append(kind.failure(executor.submit(kind.call(failures.fail_with_cause)).result))
            gate = kind.occupy(executor, 2)
            seen.append(sorted(thread.name for thread in executor._threads))
            futures = [executor.submit(kind.call(work.square), n) for n in range(4)]
            futures[1].cancel()
            gate.open_wide()
            seen.append((len(wait(futures).done), len(list(as_completed(futures))), states(futures)))
        seen.append(kind.failure(lambda: executor.submit(work.nothing)))
        broken = kind.make(1, initializer=failures.fail_below)
        seen.append(type(broken.submit(work.nothing).exception()).__name__)
        join_all(set(broken._threads))
        del broken
        dropped = kind.make(1)
        held = kind.gate()
        queued = [dropped.submit(kind.call(gates.hold), held.ends, n) for n in range(3)]
        held.wait_for()
        threads, reference = set(dropped._threads), weakref.ref(dropped)
        del dropped
        held.open_wide()
        join_all(threads)
        seen.append(([future.result() for future in queued], reference() is None))
    seen.append([thread for thread in threading.enumerate() if thread not in before])  # threads of earlier tests may end
    return seen


def leave_behind(name: str) -> int:
    """Use an executor of this kind and keep it."""
    kind = Kind(name)
    executor = kind.executor_type(1)
    work.remember("left behind", executor)
    result: int = executor.submit(kind.call(work.square), 5).result()
    return result
