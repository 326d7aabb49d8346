"""Allocations of the engine that fail on demand, in the build that `make faults` makes."""

import ctypes
from collections.abc import Callable
from typing import Any

from aiointerpreters import _core

_engine = ctypes.PyDLL(_core.__file__)
BUILT = hasattr(_engine, "aiointerpreters_fail_allocation")
"""Whether this is that build."""

if BUILT:
    _fail, _count = _engine.aiointerpreters_fail_allocation, _engine.aiointerpreters_allocations
    _fail.argtypes, _fail.restype = (ctypes.c_long, ctypes.c_int, ctypes.c_int), None
    _count.argtypes, _count.restype = (), ctypes.c_long


def fail(number: int, *, lasting: bool = False, here: bool = False) -> None:
    """Let the allocation with this number fail, counted from now on: 1 is the next one, 0 means none.

    `lasting`: all later ones fail too. `here`: only allocations of this thread are counted and fail.
    """
    _fail(number, lasting, here)


def count() -> int:
    """Return the number of allocations since the last call of `fail`."""
    return int(_count())


def each(use: Callable[[int], Any], *, lasting: bool = False) -> int:
    """Call use(n) for n = 1, 2, ... The n-th allocation fails. End when there are fewer. Return the number of calls.

    `use` calls `fail(0)` when it has finished.
    """
    number = 0
    while True:
        number += 1
        fail(number, lasting=lasting)
        use(number)
        made = count()
        fail(0)
        if made < number:
            return number
