"""Calls a function in this process, in the form that its call has: plain, a chunk of `map`, or in an event loop."""

from collections.abc import Callable
from typing import Any


def call_in_form(
    fn: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    in_rows: bool,
    is_coroutine_function: bool,
    set_stopper: Callable[[Callable[[], None]], None] | None = None,
) -> Any:
    """Return the result of the call.

    in_rows: the only argument is a list of tuples. Call the function for each of them, and return the list of results.
    is_coroutine_function: run the coroutines in an event loop that exists for this call alone.
    set_stopper: for coroutine functions: is given a function that cancels the coroutines. Any thread may call it.
    """
    if not is_coroutine_function:
        return [fn(*row) for row in args[0]] if in_rows else fn(*args, **kwargs)
    import asyncio
    import contextlib

    async def call() -> Any:
        if set_stopper is not None:
            set_stopper(make_stopper())
        return list(await asyncio.gather(*(fn(*row) for row in args[0]))) if in_rows else await fn(*args, **kwargs)

    def make_stopper() -> Callable[[], None]:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None

        def stop() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has been closed
                loop.call_soon_threadsafe(task.cancel)

        return stop

    return asyncio.run(call())
