"""Calls a function in this process, in the form that its call has: plain, a chunk of `map`, or in an event loop."""

from collections.abc import Callable
from typing import Any


def call_in_form(
    fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], in_rows: bool, is_coroutine_function: bool
) -> Any:
    """Return the result of the call.

    in_rows: the only argument is a list of tuples. Call the function for each of them, and return the list of results.
    is_coroutine_function: run the coroutines in an event loop that exists for this call alone.
    """
    if not is_coroutine_function:
        return [fn(*row) for row in args[0]] if in_rows else fn(*args, **kwargs)
    import asyncio

    async def call() -> Any:
        return list(await asyncio.gather(*(fn(*row) for row in args[0]))) if in_rows else await fn(*args, **kwargs)

    return asyncio.run(call())
