"""Those of `workloads` that bench_pools.py uses, as coroutine functions: aiomultiprocess calls nothing else."""

import workloads


async def noop() -> None:
    """Does nothing."""


async def ignore(value: object) -> None:
    """Takes something and does nothing."""


async def echo[T](value: T) -> T:
    """Returns what it got."""
    return value


async def sum_of_squares(stop: int) -> int:
    """Returns the sum of the squares of 0 .. `stop` - 1."""
    return workloads.sum_of_squares(stop)


async def who(stop: int) -> tuple[int, int]:
    """Computes, and returns who did it."""
    return workloads.who(stop)
