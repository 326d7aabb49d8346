"""Rebuilds frames and series of polars from Arrow's columns (core/codec/frames.h)."""

import sys
from typing import Any

shared_min = 16 * 1024  # bytes of a column; for smaller ones, polars' own pickling is faster


def clone(frame: Any) -> Any:
    """Return a clone of a DataFrame or Series from which Arrow's interface can export the columns, or None.

    None is returned for small columns, and for names with a NUL. Arrow's names end with a NUL, and polars ends the process
    when it exports a name that contains one.
    """
    width = getattr(frame, "width", 1)  # of a DataFrame
    if width == 0 or frame.estimated_size() < shared_min * width:
        return None
    columns = _columns(frame)
    names = (*(column.name for column in columns), *(repr(kind) for kind in {column.dtype for column in columns}))
    return None if any("\0" in name or "\\x00" in name for name in names) else frame.clone()


def reduce(frame: Any, streams: list[object]) -> tuple[object, ...]:
    """Return the reduction of a DataFrame or Series. `streams` are the columns of `frame`."""
    # Arrow does not transport which columns are sorted. polars is faster if it knows, and some operations require it.
    flags = [column.flags for column in _columns(frame)]
    ascending = [index for index, known in enumerate(flags) if known["SORTED_ASC"]]
    descending = [index for index, known in enumerate(flags) if known["SORTED_DESC"]]
    return (remake, (type(frame), streams, ascending, descending))


def remake(kind: Any, streams: list[object], ascending: list[int], descending: list[int]) -> object:
    """Return a DataFrame or Series of the columns in `streams`. The columns with the given indices are sorted."""
    series = sys.modules["polars"].Series
    columns = [series(stream) for stream in streams]
    for indices, is_descending in ((ascending, False), (descending, True)):
        for index in indices:
            columns[index] = columns[index].set_sorted(descending=is_descending)
    return columns[0] if kind is series else kind(columns)


def _columns(frame: Any) -> list[Any]:
    return frame.get_columns() if hasattr(frame, "get_columns") else [frame]
