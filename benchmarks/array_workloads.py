"""Functions that workers call in the benchmark of arrays. Importing this module imports NumPy, but no other package."""

import importlib
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def norms(rows: int) -> float:
    """Returns the sum of the norms of `rows` vectors, each an array. Python and NumPy's calls hold the GIL."""
    total = 0.0
    vector = np.array([3.0, 4.0, 12.0])
    for row in range(rows):
        scaled = vector * row
        total += float(np.sqrt((scaled * scaled).sum()))
    return total


def no_operation(value: object) -> None:
    """Does nothing, so only the transport of the argument is measured."""


def make_array(count: int) -> Array:
    """Returns an array of zeros whose memory the system has not provided yet, so only its transport is measured."""
    return np.zeros(count)


def make_written_array(count: int) -> Array:
    """Returns an array whose memory is written to."""
    return np.full(count, 1.0)


def make_frame(rows: int) -> Any:
    """Returns a frame of pandas with five columns of zeros, over an array that is not copied."""
    pandas = importlib.import_module("pandas")
    return pandas.DataFrame(np.zeros((5, rows)).T, columns=list("abcde"), copy=False)


def make_polars(rows: int) -> Any:
    """Returns a frame of polars with five columns."""
    polars = importlib.import_module("polars")
    return polars.DataFrame({name: np.ones(rows) for name in "abcde"})
