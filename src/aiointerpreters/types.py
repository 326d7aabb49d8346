"""Types of this package's interface."""

import sys
from types import EllipsisType, NotImplementedType
from typing import TYPE_CHECKING, Any, Never

from . import _core
from ._core import SharedBuffer

if TYPE_CHECKING:
    from ._core import RunFuture as RunFuture

if sys.version_info >= (3, 14):
    from concurrent.interpreters import Queue
else:
    type Queue = Never

type Shareable = (
    None
    | bool
    | int
    | float
    | complex
    | str
    | bytes
    | bytearray
    | memoryview
    | SharedBuffer
    | Queue
    | range
    | slice
    | EllipsisType
    | NotImplementedType
    | tuple[Shareable, ...]
    | list[Shareable]
    | dict[Shareable, Shareable]
    | set[Shareable]
    | frozenset[Shareable]
)
"""What crosses interpreters without pickle, nested in any way. Exact types: an instance of a subclass is pickled.

A memoryview arrives as one of the same memory, a SharedBuffer as a SharedBuffer of the same memory, a queue of
concurrent.interpreters (3.14) as the same queue; all else is copied.
"""

__all__ = ["RunFuture", "Shareable"]


def __getattr__(name: str) -> Any:
    """Find RunFuture on first use (PEP 562): it needs asyncio, for which who asks for Shareable alone does not pay."""
    if name != "RunFuture":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _core.RunFuture
