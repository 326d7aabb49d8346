"""Filters for pictures: every core writes its rows of one shared array, with a NumPy of its own.

The filters work row by row, with many short calls of NumPy. Threads gain little from this, because the code between the
calls needs the GIL.

python examples/filters.py [--size 1200] [--band 50] [--save PICTURE.png]
"""

import argparse
import os
import struct
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from command_line import whole_number

RADIUS = 3  # points on each side that a filter looks at
WIDTH = 2 * RADIUS + 1
CONTRAST = 0.3  # `smooth`: a point that differs by more than that from the one in the middle counts little

type Filter = Callable[[np.ndarray, np.ndarray], None]


def neighbours(rows: np.ndarray) -> np.ndarray:
    """Return all points around each point of the middle row, as an array of WIDTH * WIDTH rows.

    rows: WIDTH rows of a padded picture.
    """
    width = rows.shape[1] - 2 * RADIUS
    return np.stack([row[dx : dx + width] for row in rows for dx in range(WIDTH)])


def smooth(rows: np.ndarray, out: np.ndarray) -> None:
    """Remove noise and keep edges: the mean of the points around, where similar points count most (a bilateral filter)."""
    around = neighbours(rows)
    weights = np.exp(-(((around - around[len(around) // 2]) / CONTRAST) ** 2))
    out[...] = (weights * around).sum(axis=0) / weights.sum(axis=0)


def median(rows: np.ndarray, out: np.ndarray) -> None:
    """Remove single points that are wrong: the median of the points around."""
    out[...] = np.median(neighbours(rows), axis=0)


def sharpen(rows: np.ndarray, out: np.ndarray) -> None:
    """Add the difference from the mean of the points around."""
    around = neighbours(rows)
    out[...] = np.clip(2 * around[len(around) // 2] - around.mean(axis=0), 0, 1)


def edges(rows: np.ndarray, out: np.ndarray) -> None:
    """Find edges: the length of the gradient (Sobel's operator)."""
    above, middle, below = rows[RADIUS - 1 : RADIUS + 2, RADIUS - 1 : rows.shape[1] - RADIUS + 1]
    across = above + 2 * middle + below
    down = below - above
    dx = across[2:] - across[:-2]
    dy = down[:-2] + 2 * down[1:-1] + down[2:]
    out[...] = np.clip(np.hypot(dx, dy) / 4, 0, 1)


FILTERS: dict[str, Filter] = {"smooth": smooth, "median": median, "sharpen": sharpen, "edges": edges}


@interpreter
def apply(name: str, padded: np.ndarray, result: np.ndarray, first: int, last: int) -> None:
    """Write rows first to last - 1 of the result. Nothing is copied: both arrays are in the memory of the main interpreter.

    padded: the picture with RADIUS more points on each side. result: what is written to.
    """
    for row in range(first, last):
        FILTERS[name](padded[row : row + WIDTH], result[row])


def make_picture(size: int) -> np.ndarray:
    """Return a picture of size x size points, each from 0 to 1: rings with noise on them, and some points that are wrong."""
    random = np.random.default_rng(1)
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    picture = 0.5 + 0.3 * np.sign(np.sin(20 * np.hypot(x, y))) + random.normal(scale=0.05, size=(size, size))
    picture[random.random((size, size)) < 0.02] = 1
    noisy: np.ndarray = np.clip(picture, 0, 1)
    return noisy


def save(pictures: list[np.ndarray], path: Path) -> None:
    """Write pictures side by side, as a PNG in shades of grey."""
    rows = (np.hstack(pictures) * 255).astype(np.uint8)
    height, width = rows.shape
    scanlines = np.hstack([np.zeros((height, 1), np.uint8), rows]).tobytes()
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(scanlines, 9)), (b"IEND", b"")]
    with path.open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        for kind, content in chunks:
            file.write(struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content)))


def new_file(text: str) -> Path:
    """Open a file that will be written, so that an error is seen before the work begins. argparse shows the error."""
    try:
        Path(text).open("ab").close()
    except OSError as error:
        raise argparse.ArgumentTypeError(f"cannot write to {text!r}: {error.strerror}") from None
    return Path(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=whole_number, default=1200, help="rows and columns of the picture (%(default)s)")
    parser.add_argument("--band", type=whole_number, default=50, help="rows of one call (%(default)s)")
    parser.add_argument("--save", type=new_file, metavar="PICTURE.png", help="where to write the pictures")
    chosen = parser.parse_args()
    size, band = chosen.size, chosen.band
    workers = os.process_cpu_count() or 1

    picture = make_picture(size)
    padded = np.pad(picture, RADIUS, mode="edge")
    firsts = range(0, size, band)
    lasts = [min(first + band, size) for first in firsts]
    pictures = [picture]
    print(f"A picture of {size} x {size} points, {workers} interpreters\n")
    print(f"  {'filter':<10}{'one core':>10}{'all cores':>12}")
    with InterpreterThreadPoolExecutor(workers, extensions="private") as executor:
        list(
            executor.map(
                apply, ["edges"] * workers, [padded] * workers, [picture.copy()] * workers, [0] * workers, [1] * workers
            )
        )
        list(
            executor.map(interpreter(neighbours), [padded[:WIDTH]] * workers)
        )  # so the first filter does not pay for imports
        for name in FILTERS:
            expected = np.empty_like(picture)
            start = time.perf_counter()
            apply(name, padded, expected, 0, size)  # called here: the tag makes no difference
            alone = time.perf_counter() - start

            result = np.empty_like(picture)
            calls = len(firsts)
            start = time.perf_counter()
            list(executor.map(apply, [name] * calls, [padded] * calls, [result] * calls, firsts, lasts))
            together = time.perf_counter() - start

            print(f"  {name:<10}{alone:>8.2f} s{together:>10.2f} s", flush=True)
            if not np.array_equal(result, expected):
                raise SystemExit(f"The pictures of {name} differ.")
            pictures.append(result)
    print("\nAll pictures are the same on one core and on all.")
    if chosen.save:
        save(pictures, chosen.save)
        print(f"Written to {chosen.save}.")


if __name__ == "__main__":
    main()
