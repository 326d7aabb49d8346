"""Runs a web example whose work says on stdout when it begins and when it ends, so that tests can wait for that."""

import importlib
import os
import runpy
import sys
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).parents[2] / "examples"
BEGINS, ENDS = "the work begins", "the work ends"

sys.path.insert(0, str(EXAMPLES))  # here, because workers import this module, too
_work: Any = importlib.import_module("web_work")
_count_primes = _work.count_primes


def count_primes(limit: int) -> int:
    """Do the work of the example. `finally` also runs if it is stopped, as soon as it has said that it begins."""
    try:
        os.write(1, f"{BEGINS}\n".encode())
        primes: int = _count_primes(limit)
        return primes
    finally:
        os.write(1, f"{ENDS}\n".encode())


def main(script: str) -> None:
    """Run the script as a user does, but for its work."""
    _work.count_primes = count_primes
    sys.argv = sys.argv[1:]
    runpy.run_path(str(EXAMPLES / script), run_name="__main__")
