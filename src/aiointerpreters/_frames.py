"""How frames and series of polars are made again from Arrow's columns (core/codec/frames.h)."""

import sys
from typing import Any

shared_min = 16 * 1024  # bytes of a column: below that, polars' own pickling is sooner done


def clone(frame: Any) -> Any:
    """Return a clone of a DataFrame or Series whose columns can be handed out by Arrow's interface, or None.

    None is returned for small columns, and for names with a NUL: polars ends the process there (Arrow's names end with one).
    """
    width = getattr(frame, "width", 1)  # of a DataFrame
    if width == 0 or frame.estimated_size() < shared_min * width:
        return None
    columns = _columns(frame)
    names = (*(column.name for column in columns), *(repr(kind) for kind in {column.dtype for column in columns}))
    return None if any("\0" in name or "\\x00" in name for name in names) else frame.clone()


def reduce(frame: Any, streams: list[object]) -> tuple[object, ...]:
    """Return what pickle needs to make a DataFrame or Series of the columns in `streams`, which are those of `frame`."""
    # Arrow does not know it, and polars is quicker with it, or even insists.
    flags = [column.flags for column in _columns(frame)]
    ascending = [index for index, known in enumerate(flags) if known["SORTED_ASC"]]
    descending = [index for index, known in enumerate(flags) if known["SORTED_DESC"]]
    return (remake, (type(frame), streams, ascending, descending))


def remake(kind: Any, streams: list[object], ascending: list[int], descending: list[int]) -> object:
    """Return a DataFrame or Series of the columns in `streams`; those with these indices are sorted."""
    series = sys.modules["polars"].Series
    columns = [series(stream) for stream in streams]
    for indices, is_descending in ((ascending, False), (descending, True)):
        for index in indices:
            columns[index] = columns[index].set_sorted(descending=is_descending)
    return columns[0] if kind is series else kind(columns)


def _columns(frame: Any) -> list[Any]:
    return frame.get_columns() if hasattr(frame, "get_columns") else [frame]
