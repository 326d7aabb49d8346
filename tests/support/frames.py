"""Tables of pandas, pyarrow and polars, and the functions that workers call with them."""

import importlib
from typing import Any

import numpy as np

from support.work import remember

ROWS = 30_000  # enough for each column to have its own memory
SHARED_MIN = 16 * 1024  # bytes of a buffer that is pickled out of band


def make_pandas() -> Any:
    """A frame of pandas with columns of several kinds."""
    pd, pa = _module("pandas"), _module("pyarrow")
    return pd.DataFrame(
        {
            "int": np.arange(ROWS),
            "float": np.arange(ROWS) / 2,
            "time": pd.date_range("2020-01-01", periods=ROWS, freq="s"),
            "text": pd.array([f"row {i}" for i in range(ROWS)], dtype=pd.ArrowDtype(pa.string())),
            "object": [(i,) for i in range(ROWS)],
        }
    )


def make_arrow() -> Any:
    """A table of pyarrow with numbers, text, lists and missing values."""
    pa = _module("pyarrow")
    return pa.table(
        {
            "int": pa.array([None, *range(1, ROWS)]),
            "text": [f"row {i}" for i in range(ROWS)],
            "list": pa.array([[i, i + 1] for i in range(ROWS)]),
        }
    )


def make_polars() -> Any:
    """A frame of polars."""
    return _module("polars").DataFrame({"int": range(ROWS), "text": [f"row {i}" for i in range(ROWS)]})


def _module(name: str) -> Any:
    """A package that need not be installed when types are checked."""
    return importlib.import_module(name)


def _address(values: Any) -> Any:
    return values.__array_interface__["data"][0]


def pandas_addresses(frame: Any) -> dict[str, Any]:
    """The addresses of the columns that are NumPy arrays."""
    return {name: _address(np.asarray(frame[name])) for name in ("int", "float", "time")}


def column_addresses(column: Any) -> list[int]:
    """The addresses of the buffers of a pyarrow array, except for small ones."""
    chunks = getattr(column, "chunks", [column])
    return [
        buffer.address for chunk in chunks for buffer in chunk.buffers() if buffer is not None and buffer.size >= SHARED_MIN
    ]


def arrow_addresses(table: Any) -> dict[str, list[int]]:
    """The addresses of the buffers of a table."""
    return {name: column_addresses(table[name]) for name in table.column_names}


def batch_addresses(batch: Any) -> list[list[int]]:
    """The addresses of the buffers of a record batch."""
    return [column_addresses(column) for column in batch.columns]


def address_of_buffer(buffer: Any) -> Any:
    """The address of a pyarrow buffer."""
    return buffer.address


def polars_addresses(table: Any) -> list[int]:
    """The address of the numbers in a frame of polars that is made from a pyarrow table."""
    return column_addresses(_module("polars").from_arrow(table)["int"].to_arrow())[-1:]


def make_and_look() -> tuple[dict[str, Any], Any]:
    """Return the addresses of a frame's columns, and the frame."""
    frame = make_pandas()
    return pandas_addresses(frame), frame


def text_addresses(frame: Any) -> list[set[int]]:
    """The addresses of the buffers of each chunk of a text column, except for small ones."""
    return [set(column_addresses(chunk)) for chunk in frame["text"].array.__arrow_array__().chunks]


def make_pandas_of_chunks() -> Any:
    """Two frames of pandas in one, whose text stays in two chunks."""
    return _module("pandas").concat([make_pandas(), make_pandas()], ignore_index=True)


def look_at_text(frame: Any) -> tuple[list[set[int]], Any]:
    """The addresses of the text of a frame, and the frame."""
    return text_addresses(frame), frame


def look_at_objects(frame: Any) -> tuple[list[int], Any]:
    """The identities of the objects in a frame, and the frame. The objects are kept here."""
    remember("objects", frame)
    return [id(each) for each in frame["object"]], frame


def make_arrow_and_keep() -> tuple[dict[str, list[int]], Any]:
    """Return the addresses of a table's buffers, and the table, which is kept here."""
    table = make_arrow()
    remember("table", table)
    return arrow_addresses(table), table


def make_arrow_of_array() -> tuple[int, Any]:
    """Return the address of a NumPy array, and the pyarrow array made of it without a copy."""
    array = np.arange(ROWS)
    return _address(array), _module("pyarrow").array(array)


def row_sums(frame: Any) -> Any:
    """A new frame."""
    return frame[["int", "float"]] * 2
