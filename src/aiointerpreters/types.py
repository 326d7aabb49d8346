"""Types of this package's interface."""

import sys
from types import EllipsisType, NotImplementedType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Never

from . import _core
from ._core import SharedBuffer
from ._options import Fallback

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
"""Built-in types that cross interpreters without pickle, nested in any way.

This is a type for annotations. Other objects can cross too. Instances of subclasses of these types are treated like other
objects.

A memoryview arrives as a view of the same memory, and a SharedBuffer as a SharedBuffer over the same memory. A queue of
concurrent.interpreters (PEP 734, CPython 3.14) arrives as the same queue. Objects of the other types are copied.
"""


class MovedFunction(NamedTuple):
    """A function that no interpreter can run, and that has a fallback. `fallbacks` of the executor lists them.

    Attributes:
        function: Its module and qualified name.
        lane: Where its calls run: `"thread"` or `"process"`.
        reason: The exception that has decided this, as text.
        calls: Number of calls that have been moved. A chunk of `map` counts as one.
    """

    function: str
    lane: Literal["thread", "process"]
    reason: str
    calls: int


__all__ = ["Fallback", "MovedFunction", "RunFuture", "Shareable"]


def __getattr__(name: str) -> Any:
    """Find RunFuture on first use (PEP 562). It needs asyncio, which is not imported for Shareable alone."""
    if name != "RunFuture":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _core.RunFuture
