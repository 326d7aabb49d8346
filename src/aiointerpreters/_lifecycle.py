"""Ends pools when their interpreter ends. The code for forks is in C++ (lifecycle_functions.cpp)."""

import atexit
import contextlib
import os
import sys
import threading
from concurrent.futures.thread import _threads_queues
from typing import Any

from . import _core
from ._insistence import insist, was_ended_by_ctrl_c

# The pools of all threads that work or are starting. A thread removes itself at its end.
pools: dict[threading.Thread, _core.Pool] = {}
# The processes of executors (_processes.py).
lanes: set[Any] = set()
# finish_at_exit has begun. Code that adds a pool from now on also closes it.
is_ending = False


def finish_at_exit(stopping: bool = False) -> None:
    """Finish all work and end every worker. Afterwards no interpreter is left that could crash (hazards 13 and 14).

    If Ctrl-C has ended the program, this counts as a Ctrl-C during the wait. `stopping` has the same effect: a worker's
    interpreter passes it if it was stopped.
    """

    def finish(stopping: bool) -> None:
        global is_ending
        is_ending = True
        _core.note_exit()
        ending = {thread: pool for thread, pool in list(pools.items()) if pool.is_here}
        for pool in [*ending.values(), *lanes]:
            pool.close()
            if stopping:
                pool.cancel_queued()
                pool.stop()
        for pool in ending.values():
            pool.wait_ended()
        for thread in ending:
            if thread.is_alive():
                thread.join()
        for lane in list(lanes):  # now: a pool may have moved calls to it
            lane.close()
            lane.join()
        _core.end_words()
        _core.finish_reports()
        _core.stop_visitor()
        if sys.version_info < (3, 14) and was_ended_by_ctrl_c():
            _keep_exit_code()

    insist(finish, stopping or was_ended_by_ctrl_c())


def _keep_exit_code() -> None:
    """Make CPython 3.13 end the process as Ctrl-C does. It forgets to do so if any interpreter has evaluated a string.

    CPython remembers only whether the last evaluated code has raised KeyboardInterrupt (code run with -m does not count).
    """
    if getattr(sys.modules.get("__main__"), "__spec__", None) is None:
        with contextlib.suppress(KeyboardInterrupt):
            exec("raise KeyboardInterrupt", {})


# The globals of each `threading._shutdown` that will call finish_at_exit.
_shutdowns: list[dict[str, Any]] = []


def see_to_exit() -> None:
    """Register finish_at_exit. It must run before the interpreter joins its threads, or that would wait forever.

    concurrent.futures uses the same place. If eventlet has patched `threading`, the interpreter calls the `_shutdown` of a
    copy of that module, which has none of the earlier registrations. So this is called again for each thread.
    """
    shutdown: Any = threading._shutdown  # type: ignore[attr-defined]
    module: dict[str, Any] = getattr(shutdown, "__globals__", vars(threading))
    if any(known is module for known in _shutdowns):
        return
    register: Any = module.get("_register_atexit", vars(threading)["_register_atexit"])
    register(finish_at_exit)
    _shutdowns.append(module)


see_to_exit()
atexit.register(_core.end_abandoned)  # called after the next one
# atexit functions run after the threads are joined. This one is needed if Ctrl-C has hit `threading` or a function above.
atexit.register(finish_at_exit, stopping=True)


def _leave_lanes() -> None:
    for lane in lanes:
        lane.leave_to_parent()
    lanes.clear()


# CPython kills the child of a fork if there are interpreters. So idle interpreters are ended before (hazard 16).
if hasattr(os, "register_at_fork"):
    # If a call forks, its thread would join itself in the child. CPython 3.14 and later prevent this in the same way.
    os.register_at_fork(after_in_child=_threads_queues.clear)  # type: ignore[attr-defined]
    os.register_at_fork(after_in_child=_leave_lanes)
    os.register_at_fork(
        before=_core.before_fork,
        after_in_parent=_core.after_fork_in_parent,
        after_in_child=_core.after_fork_in_child,
    )
