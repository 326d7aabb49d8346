"""The Thread objects of executors. The engine starts the threads (core/binding/worker_thread.h)."""

import sys
import threading
import weakref
from collections.abc import Callable
from concurrent.futures._base import LOGGER
from contextvars import Context
from typing import Any

from . import _core, _lifecycle


class Service:
    """The work of an executor's thread: it serves the pool until the pool is closed."""

    def __init__(
        self,
        thread: threading.Thread,
        pool: _core.Pool,
        initializer: Callable[..., object] | None,
        initargs: tuple[Any, ...],
        owner: weakref.ref[Any],
    ) -> None:
        """Store the arguments.

        owner: a weak reference to the executor. Its callback closes the pool when the executor is dropped, so it is kept
        while the thread serves.
        """
        self.has_run = False  # if `threading` has failed to call it, the engine calls it
        self._work: tuple[Any, ...] | None = (thread, pool, initializer, initargs, owner)

    def __call__(self) -> None:
        """Serve the pool."""
        self.has_run = True
        assert self._work is not None
        thread, pool, initializer, initargs, _owner = self._work
        self._work = None  # other code may keep the thread, which must not keep the executor's arguments
        try:
            if initializer is not None:
                try:
                    initializer(*initargs)
                except BaseException as error:
                    try:
                        LOGGER.critical("Exception in initializer:", exc_info=True)
                    finally:
                        pool.break_down("A thread initializer failed, the thread pool is not usable anymore", error)
                    return
            pool.work(thread.name)
        finally:
            _lifecycle.pools.pop(thread, None)


def describe_thread(name: str, handle: object, context: Context) -> threading.Thread:
    """Return a Thread for the calling thread, which was not started by Thread.start.

    handle: its `_thread._ThreadHandle`.
    context: the context of the code that requested the thread.
    """
    thread: Any = threading.Thread(name=name, daemon=False)  # Any: attributes that are private to threading
    setattr(thread, "_os_thread_handle" if hasattr(thread, "_os_thread_handle") else "_handle", handle)  # 3.13.0: `_handle`
    if hasattr(thread, "_context"):  # 3.14
        inherits: Any = getattr(sys.flags, "thread_inherit_context", False)
        thread._context = context if inherits else Context()
    # As in Thread.start and Thread._bootstrap: code that finds the thread may join it.
    thread._set_ident()
    if hasattr(thread, "_set_native_id"):
        thread._set_native_id()
    thread._started.set()
    described: threading.Thread = thread
    return described
