"""Types of this package's interface."""

from types import EllipsisType, NotImplementedType

type Shareable = (
    None
    | bool
    | int
    | float
    | complex
    | str
    | bytes
    | bytearray
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
"""What crosses interpreters without pickle, nested in any way. Exact types: an instance of a subclass is pickled."""

__all__ = ["Shareable"]
