"""How frames and series of polars are made again from Arrow's columns (core/codec/frames.h)."""

from typing import Any


def reduce(frame: Any, stream: object) -> tuple[object, ...]:
    """Return what pickle needs to make a DataFrame or Series of the columns in `stream`, which are those of `frame`."""
    columns = frame.get_columns() if hasattr(frame, "get_columns") else [frame]
    # Arrow does not know it, and polars is quicker with it, or even insists.
    flags = [column.flags for column in columns]
    ascending = [index for index, known in enumerate(flags) if known["SORTED_ASC"]]
    descending = [index for index, known in enumerate(flags) if known["SORTED_DESC"]]
    return (remake, (type(frame), stream, ascending, descending))


def remake(kind: Any, stream: object, ascending: list[int], descending: list[int]) -> object:
    """Return a DataFrame or Series of the columns in `stream`; those with these indices are sorted."""
    made = kind(stream)
    for indices, is_descending in ((ascending, False), (descending, True)):
        for index in indices:
            if not hasattr(made, "get_columns"):
                return made.set_sorted(descending=is_descending)
            made.replace_column(index, made.to_series(index).set_sorted(descending=is_descending))
    return made
