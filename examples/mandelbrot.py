"""All cores paint one picture. Each worker writes its rows into shared memory.

python examples/mandelbrot.py [--width 160] [--height 48]
"""

import argparse
import os
import time

from aiointerpreters import InterpreterThreadPoolExecutor, SharedBuffer, interpreter
from command_line import whole_number

LIMIT = 255
SHADES = " .:-=+*#%"


@interpreter
def paint(picture: SharedBuffer, width: int, height: int, row: int) -> None:
    """Computes one row: for each point, the number of steps until it escapes, at most LIMIT."""
    pixels = memoryview(picture).cast("B", (height, width))
    for column in range(width):
        point = complex(3.0 * column / width - 2.2, 2.4 * row / height - 1.2)
        value = 0j
        steps = 0
        while abs(value) <= 2 and steps < LIMIT:
            value = value * value + point
            steps += 1
        pixels[row, column] = steps


def shade(steps: int) -> str:
    """Returns the character for a number of steps."""
    return SHADES[steps.bit_length()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--width", type=whole_number, default=160, help="columns (%(default)s)")
    parser.add_argument("--height", type=whole_number, default=48, help="rows (%(default)s)")
    chosen = parser.parse_args()
    width, height = chosen.width, chosen.height

    picture = SharedBuffer(width * height)
    start = time.perf_counter()
    with InterpreterThreadPoolExecutor(os.process_cpu_count()) as pool:
        for painted in [pool.submit(paint, picture, width, height, row) for row in range(height)]:
            painted.result()
    seconds = time.perf_counter() - start

    pixels = memoryview(picture)
    for row in range(height):
        print("".join(map(shade, pixels[row * width : (row + 1) * width])).rstrip())
    print(f"{width} x {height} points in {seconds:.2f} s, painted in place by {os.process_cpu_count()} interpreters.")


if __name__ == "__main__":
    main()
