"""Warns of lost tags: a tagged function was called directly in a thread of a pool.

The engine calls `note` at each direct call of a tag outside the main thread, if such warnings are wanted
(core/binding/lost_tags.h).
"""

import sys
import threading
import warnings
from collections.abc import Callable
from types import FrameType
from typing import Any

from .errors import LostTagWarning

# Modules whose code is on the stack of a thread of a pool, below the call. The second is the qualified name of the function;
# None: any function.
_POOLS = {
    "aiointerpreters._worker_thread": ("an executor of aiointerpreters", None),
    "concurrent.futures.thread": ("concurrent.futures", None),
    "multiprocessing.pool": ("multiprocessing.pool", None),
    "anyio._backends._asyncio": ("AnyIO", "WorkerThread.run"),
    "trio._core._thread_cache": ("Trio", None),
}
# Modules of event loops. Code that a loop calls has not been passed to a pool.
_LOOPS = ("asyncio", "trio._core._run")

_warned: set[object] = set()


def note(fn: Callable[..., Any]) -> bool:
    """Warn if this thread belongs to a pool. Return whether there is nothing more to say about this function."""
    key = getattr(fn, "__module__", None), getattr(fn, "__qualname__", None) or repr(fn)
    if key in _warned:
        return True
    if threading.current_thread() is threading.main_thread():
        return False
    pool = _pool_below(sys._getframe(1))
    if pool is None:
        return False
    _warned.add(key)
    name = ".".join(filter(None, key))
    thread = threading.current_thread().name
    warnings.warn(
        f"{name} is tagged with `interpreter`, but it was called directly in the thread {thread!r}, which belongs to a pool"
        f" ({pool}). So it ran there, and not in an interpreter. Pass the tagged function itself to an executor:"
        " `executor.submit(fn, ...)` or `await executor.run(fn, ...)`. If the direct call is meant, call `fn.fn(...)`.",
        LostTagWarning,
        stacklevel=2,
    )
    return True


def _pool_below(frame: FrameType | None) -> str | None:
    """The pool that this thread works for, or None: the nearest code of a pool or an event loop below the frame decides."""
    while frame is not None:
        module = frame.f_globals.get("__name__") or ""
        pool, function = _POOLS.get(module, (None, None))
        if pool is not None and function in {None, frame.f_code.co_qualname}:
            return pool
        if module.partition(".")[0] == _LOOPS[0] or module == _LOOPS[1]:
            return None
        frame = frame.f_back
    return None
