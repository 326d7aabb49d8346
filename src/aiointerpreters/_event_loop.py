"""The event loop of a worker's interpreter, which runs coroutine functions in a thread of its own."""

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable
from contextvars import Context
from functools import partial
from typing import Any

from ._core import TaskInterrupted


class _LoopThread(threading.Thread):
    """The thread of the loop. Thread.start is not used, because it may raise although the thread runs."""

    is_spared = True  # if the interpreter's work is stopped, the loop's tasks end, but this thread continues

    def __init__(self, loop: asyncio.AbstractEventLoop, name: str, serve: Callable[[], None]) -> None:
        """Create a thread that calls `serve`."""
        super().__init__(name=f"{name}_loop", daemon=False)
        private: Any = self  # these attributes are private to threading
        self.handle: Any = private._os_thread_handle if hasattr(self, "_os_thread_handle") else private._handle  # 3.13.0
        if hasattr(self, "_context"):  # 3.14
            private._context = Context()
        self._loop = loop
        self._serve = serve

    def run(self) -> None:
        """Run the loop."""
        self._serve()

    def abandon(self) -> None:
        """Forget the thread, because it could not be started."""
        vars(threading)["_limbo"].pop(self, None)
        self._loop.close()

    def wait_for_end(self) -> None:
        """Join the thread, even if `threading` does not know yet that it runs."""
        self.handle.join()


def make_thread(
    name: str, fd: int, read_mail: Callable[[asyncio.AbstractEventLoop], bool], end: Callable[[None], object]
) -> _LoopThread:
    """Create the loop and a thread for it. The engine starts the thread through its `_bootstrap`.

    fd: becomes readable when there is mail.
    read_mail: handles the mail. It returns True if the loop must stop.
    end: called last, after the loop has been closed.
    Raises OSError if no loop can be created.
    """
    loop = asyncio.new_event_loop()
    try:
        loop.shutdown_default_executor = partial(_shut_down_executor, loop)  # type: ignore[method-assign]
        thread = _LoopThread(loop, name, partial(_run, loop, fd, read_mail, end))
        vars(threading)["_limbo"][thread] = thread  # until `_bootstrap` lists it as active
    except BaseException:
        loop.close()
        raise
    return thread


def _run(
    loop: asyncio.AbstractEventLoop,
    fd: int,
    read_mail: Callable[[asyncio.AbstractEventLoop], bool],
    end: Callable[[None], object],
) -> None:
    done = False

    def on_mail() -> None:
        nonlocal done
        if read_mail(loop) and not done:
            done = True
            loop.stop()

    # asyncio lets these exceptions out of callbacks, and some are raised here to stop code that blocks the loop.
    with contextlib.ExitStack() as stack:
        stack.callback(end, None)
        stack.enter_context(contextlib.suppress(SystemExit, TaskInterrupted))
        # At the end, the runner cancels tasks that calls have left, and closes generators and executors.
        runner = stack.enter_context(asyncio.Runner(loop_factory=lambda: loop))
        runner.get_loop()
        loop.add_reader(fd, on_mail)  # kept to the end: it wakes the loop when the interpreter is stopped
        loop.call_soon(on_mail)
        while not done:
            with contextlib.suppress(KeyboardInterrupt, SystemExit, TaskInterrupted):
                loop.run_forever()
        loop.set_task_factory(None)  # a call may have set it, and it may fail at the end


class _Ender(threading.Thread):
    """Joins an executor's threads. It is not stopped with them, because other code waits for its end."""

    is_spared = True


async def _shut_down_executor(loop: Any, timeout: float | None = None) -> None:  # noqa: ASYNC109
    """Shut the default executor down like the loop's own method, even if this interpreter's threads are stopped meanwhile.

    timeout: ignored, because the interpreter does not end before its threads.
    """
    loop._executor_shutdown_called = True
    executor = loop._default_executor
    if executor is None:
        return
    ended = loop.create_future()

    def shut_down() -> None:
        try:
            executor.shutdown()
        finally:
            loop.call_soon_threadsafe(ended.set_result, None)

    ender = _Ender(target=shut_down)
    ender.start()
    await ended
    ender.join()


async def call_rows(functions: list[Callable[..., Awaitable[Any]]], rows: list[tuple[Any, ...]]) -> list[Any]:
    """Return the results of calls of these functions with these arguments, one after the other."""
    return [await fn(*row) for fn, row in zip(functions, rows, strict=True)]
