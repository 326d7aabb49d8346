"""Reads the arguments `logging` and `output` of executors and runners."""

from typing import Literal

type Words = Literal["forward", "own"]
"""Where the log records, or the output, of workers go: to the interpreter of the executor, or nowhere else."""


def forwards(logging: Words, output: Words) -> int:
    """Return what workers send home, as `_core.Pool` takes it. Raises ValueError for an unknown value."""
    for name, value in (("logging", logging), ("output", output)):
        if value not in ("forward", "own"):
            raise ValueError(f"{name} must be 'forward' or 'own', not {value!r}")
    return (logging == "forward") + 2 * (output == "forward")
