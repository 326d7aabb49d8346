"""The functions of `workloads` for bench_pools.py as coroutine functions, because aiomultiprocess calls nothing else."""

import workloads


async def noop() -> None:
    """Does nothing."""


async def ignore(value: object) -> None:
    """Takes an argument and does nothing."""


async def echo[T](value: T) -> T:
    """Returns its argument."""
    return value


async def sum_of_squares(stop: int) -> int:
    """Returns the sum of the squares of 0 .. `stop` - 1."""
    return workloads.sum_of_squares(stop)


async def who(stop: int) -> tuple[int, int]:
    """Computes, and returns the identity of its worker."""
    return workloads.who(stop)
