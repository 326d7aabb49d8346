"""All cores blur one picture with NumPy: each interpreter has a NumPy of its own, and all see the same two arrays.

python examples/blur.py [--size 1200] [--radius 5] [--band 50]
"""

import argparse
import os
import time
from concurrent.futures import as_completed

import numpy as np

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

CONTRAST = 0.3  # a point that differs by more than that from the one in the middle counts little, so edges stay sharp


def make_picture(size: int) -> np.ndarray:
    """Returns a picture of size x size points, each from 0 to 1: rings with noise on them."""
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    noise = np.random.default_rng(1).normal(scale=0.1, size=(size, size))
    picture: np.ndarray = np.clip((np.sin(20 * np.hypot(x, y)) > 0) + noise, 0, 1)
    return picture


@interpreter
def blur(padded: np.ndarray, blurred: np.ndarray, radius: int, first: int, last: int) -> int:
    """Writes rows first to last - 1 of the blurred picture, and returns how many that are.

    A point becomes the mean of the square around it, in which points of its own brightness count most (a bilateral filter).
    padded: the picture with `radius` more points on each side. blurred: what is written to.
    """
    width = blurred.shape[1]
    for row in range(first, last):
        middle = padded[row + radius, radius : radius + width]
        weights = np.zeros(width)
        sums = np.zeros(width)
        for dy in range(2 * radius + 1):
            for dx in range(2 * radius + 1):
                near = padded[row + dy, dx : dx + width]
                weight = np.exp(-(((near - middle) / CONTRAST) ** 2))
                weights += weight
                sums += weight * near
        blurred[row] = sums / weights
    return last - first


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=1200, help="rows and columns of the picture (%(default)s)")
    parser.add_argument("--radius", type=int, default=5, help="points on each side that count (%(default)s)")
    parser.add_argument("--band", type=int, default=50, help="rows of one call (%(default)s)")
    chosen = parser.parse_args()
    size, radius, band = chosen.size, chosen.radius, chosen.band
    workers = os.process_cpu_count() or 1

    padded = np.pad(make_picture(size), radius, mode="edge")
    expected = np.empty((size, size))
    start = time.perf_counter()
    blur(padded, expected, radius, 0, size)  # called here: the tag makes no difference
    alone = time.perf_counter() - start

    blurred = np.empty((size, size))
    with InterpreterThreadPoolExecutor(workers, extensions="private") as pool:
        start = time.perf_counter()
        calls = [pool.submit(blur, padded, blurred, radius, row, min(row + band, size)) for row in range(0, size, band)]
        done = 0
        for call in as_completed(calls):
            done += call.result()
            print(f"{done} of {size} rows")
        together = time.perf_counter() - start

    print(f"In the main interpreter: {alone:.2f} s. In {workers} interpreters, which import NumPy first: {together:.2f} s.")
    if not np.array_equal(blurred, expected):
        raise SystemExit("The two pictures differ.")
    print("Both pictures are the same.")


if __name__ == "__main__":
    main()
