"""Frames of polars, and the functions that workers call with them. This module does not import pyarrow."""

import ctypes
import datetime
import importlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from aiointerpreters import Runner, _frames

pl: Any = importlib.import_module("polars")  # need not be installed when types are checked
ROWS = 30_000
DAY = datetime.date(2024, 2, 29)
kept: list[Any] = []


def make(rows: int = ROWS) -> Any:
    """A frame with numbers, text, lists and missing values."""
    return pl.DataFrame(
        {
            "int": range(rows),
            "float": [None if i % 7 == 0 else i / 2 for i in range(rows)],
            "text": [f"row {i} of a text that does not fit in itself" for i in range(rows)],
            "list": [[i, i + 1] for i in range(rows)],
        }
    )


def _of(dtype: Any, *values: Any) -> Any:
    return pl.DataFrame({"column": pl.Series(values, dtype=dtype)})


KINDS = {
    "Int8": _of(pl.Int8, 1, None),
    "UInt64": _of(pl.UInt64, 2**64 - 1, None),
    "Int128": _of(pl.Int128, 2**100, None),
    "Float32": _of(pl.Float32, 1.5, None),
    "Boolean": _of(pl.Boolean, True, None, False),
    "String": _of(pl.String, "short", None, "one that does not fit in a view of sixteen bytes"),
    "Binary": _of(pl.Binary, b"short", None, b"\0" * 100),
    "Null": _of(pl.Null, None, None),
    "Date": _of(pl.Date, DAY, None),
    "Time": _of(pl.Time, datetime.time(1, 2, 3), None),
    "Datetime, a zone": _of(pl.Datetime("ns", "Europe/Vienna"), datetime.datetime(2024, 7, 1), None),
    "Duration": _of(pl.Duration("ms"), datetime.timedelta(days=1), None),
    "Decimal": _of(pl.Decimal(20, 3), 1, None),
    "List": _of(pl.List(pl.String), ["a", None], [], None),
    "Array": _of(pl.Array(pl.Int16, 2), [1, 2], None),
    "Struct": _of(pl.Struct({"x": pl.Int8, "y": pl.List(pl.Date)}), {"x": 1, "y": [DAY]}, None),
    "Categorical": _of(pl.Categorical, "a", "b", None, "a"),
    "Enum": _of(pl.Enum(["a", "b"]), "a", None, "b"),
    "List of Enum": _of(pl.List(pl.Enum(["a", "b"])), ["a"], None),
    "no rows": pl.DataFrame(schema={"int": pl.Int8, "text": pl.String, "enum": pl.Enum(["a"])}),
    "no columns": pl.DataFrame(),
    "a part": make(100)[17:40],
    "parts": pl.concat([make(10), make(5)], rechunk=False),
}


class _Array(ctypes.Structure):
    pass


_Array._fields_ = [
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(ctypes.POINTER(_Array))),
    ("dictionary", ctypes.POINTER(_Array)),
    ("release", ctypes.CFUNCTYPE(None, ctypes.POINTER(_Array))),
    ("private_data", ctypes.c_void_p),
]


class _Stream(ctypes.Structure):
    _fields_ = (
        ("get_schema", ctypes.c_void_p),
        ("get_next", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(_Array))),
    )


def addresses(frame: Any) -> list[int]:
    """The addresses of the buffers of a frame or series that are not small (Apache Arrow, The Arrow C data interface)."""
    capsule = frame.__arrow_c_stream__()
    pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
    pointer_of.restype, pointer_of.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    address = pointer_of(capsule, b"arrow_array_stream")
    stream = _Stream.from_address(address)
    found: list[int] = []
    while True:
        array = _Array()
        assert stream.get_next(address, ctypes.byref(array)) == 0
        if not array.release:
            return found
        found += _buffers(array)
        array.release(ctypes.byref(array))


def _buffers(array: _Array) -> Iterator[int]:
    # The first buffer has a bit for each row. Only text has more than three. The last then has sizes and is always new.
    last = array.n_buffers - (array.n_buffers > 3)
    yield from (array.buffers[i] for i in range(1, last) if array.buffers[i] and array.length > 1000)
    for i in range(array.n_children):
        yield from _buffers(array.children[i].contents)


def make_and_look() -> tuple[list[int], Any]:
    """Return the addresses of a new frame's columns, and the frame."""
    frame = make()
    return addresses(frame), frame


def look_at_both(pair: Any) -> bool:
    """Return whether two frames are the same object, and two series too."""
    first, second, column, again = pair
    return first is second and column is again


def flags(frame: Any) -> list[dict[str, bool]]:
    """The flags of the columns of a frame or series."""
    columns = frame.get_columns() if isinstance(frame, pl.DataFrame) else [frame]
    return [{name: known for name, known in column.flags.items() if "SORTED" in name} for column in columns]


def keep_one_column(frame: Any) -> None:
    """Keep one column of it in the worker."""
    kept.append(frame["flag"])


def keep(frame: Any) -> None:
    """Keep it in the worker."""
    kept.append(frame)


def kept_sum() -> int:
    """Return the sum of the numbers in the frame that was kept first, and drop it."""
    total: int = kept.pop(0)["int"].sum()
    return total


def of_flags(count: int) -> Any:
    """A frame with a small column and a large one of 8 bytes per row."""
    return pl.DataFrame({"flag": pl.repeat(True, count, eager=True), "value": pl.zeros(count, eager=True)})


def with_new_values(frame: Any) -> Any:
    """The same flags, and other values."""
    return frame.with_columns(value=pl.zeros(len(frame), eager=True) + 1)


def of_numpy(count: int) -> Any:
    """A frame whose numbers are a NumPy array."""
    return pl.DataFrame({"int": pl.Series(np.arange(count))})


def of_kept_array(count: int) -> Any:
    """The same; the array is kept."""
    array = np.arange(count)
    kept.append(array)
    return pl.DataFrame({"int": pl.Series(array)})


def write_to_kept_array() -> None:
    """Write to the array, and drop it."""
    kept.pop()[...] = 7


def of_pyarrow(count: int) -> Any:
    """A frame over a pyarrow array over a NumPy array."""
    return pl.from_arrow(importlib.import_module("pyarrow").table({"int": np.arange(count)}))


def share_from(size: int) -> None:
    """Set the average column size in bytes from which columns are shared."""
    _frames.shared_min = size


def wrong_capsule() -> object:
    """A capsule that is not a stream."""
    return importlib.import_module("datetime").datetime_CAPI


def sum_of(frame: Any) -> int:
    """Return the sum of its numbers."""
    total: int = frame["int"].sum()
    return total


async def sum_in(frame: Any) -> int:
    """The same in a Runner's worker."""
    async with Runner(workers=1, extensions="private") as runner:
        total: int = await runner.run(sum_of, frame)
        return total


Named: Any = type("Named", (pl.DataFrame,), {"__module__": __name__, "__doc__": "A frame of a class of ours."})
