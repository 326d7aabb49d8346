"""The threads of executors as `threading` shows them. The engine starts them (core/binding/worker_thread.h)."""

import sys
import threading
import weakref
from collections.abc import Callable
from concurrent.futures._base import LOGGER
from contextvars import Context
from typing import Any

from . import _core, _lifecycle


class WorkerThread(threading.Thread):
    """A thread that runs already, and serves a pool."""

    has_run = False
    """Whether `run` was called: the engine calls it if `threading` has failed to."""

    def __init__(
        self,
        name: str,
        pool: _core.Pool,
        initializer: Callable[..., object] | None,
        initargs: tuple[Any, ...],
        owner: weakref.ref[Any],
        handle: Any,
        context: Context,
    ) -> None:
        """Describe the calling thread.

        owner: its callback closes the pool when the executor is dropped, so the thread keeps it.
        handle: the thread's `_thread._ThreadHandle`.
        context: of who has asked for the thread.
        """
        super().__init__(name=name, daemon=False)
        this: Any = self  # what is private to threading
        setattr(this, "_os_thread_handle" if hasattr(this, "_os_thread_handle") else "_handle", handle)  # 3.13.0: the latter
        if hasattr(this, "_context"):  # 3.14
            this._context = context if sys.flags.thread_inherit_context else Context()  # type: ignore[attr-defined,unused-ignore]
        # As in Thread.start and Thread._bootstrap: whoever finds the thread may join it.
        this._set_ident()
        if hasattr(this, "_set_native_id"):
            this._set_native_id()
        this._started.set()
        self._work: tuple[Any, ...] | None = (pool, initializer, initargs, owner)

    def run(self) -> None:
        """Serve the pool until it is closed; threading's `run`, which others wrap, is not called."""
        self.has_run = True
        assert self._work is not None
        pool, initializer, initargs, _owner = self._work
        self._work = None  # or the thread, which others may keep, would keep the executor's arguments
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
            pool.work(self.name)
        finally:
            _lifecycle.pools.pop(self, None)
