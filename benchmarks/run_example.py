"""Runs an example, and says what made its figures worse than on a quiet machine: `make demo`, `make crawl`.

python benchmarks/run_example.py examples/sums.py
"""

import subprocess
import sys

from aiointerpreters._other_load import Meter


def main() -> None:
    meter = Meter()
    try:
        status = subprocess.run([sys.executable, *sys.argv[1:]], check=False).returncode
    except KeyboardInterrupt:  # the example has received it too, and has reported it
        sys.exit(130)
    if status:
        sys.exit(status)
    for sentence in meter.read().sentences():
        print(f"\n{sentence}")


if __name__ == "__main__":
    main()
