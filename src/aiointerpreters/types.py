"""Types of this package's interface."""

from types import EllipsisType, NotImplementedType

from ._core import SharedBuffer

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

A memoryview arrives as one of the same memory, a SharedBuffer as a SharedBuffer of the same memory; all else is copied.
"""

__all__ = ["Shareable"]
