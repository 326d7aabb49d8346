"""Options of executors and runners: their types, and the functions that read them."""

import os
from collections.abc import Iterable
from typing import Literal

from . import _core

type Fallback = Literal["error", "thread", "process"]
"""What happens to calls of a tagged function that no interpreter can run.

`"error"`: their futures raise the reason. `"thread"`: they run in threads of the main interpreter. `"process"`: they run in
other processes.
"""
type Extensions = Literal["declared", "private"]
"""Which extension modules interpreters may import: those that declare support, or any, as private copies."""
type Words = Literal["forward", "own"]
"""Where the log records, or the output, of workers go: to the interpreter of the executor, or nowhere else."""

_VARIABLE = "AIOINTERPRETERS_EXTENSIONS"


def are_private(extensions: Extensions | None) -> bool:
    """Whether extension modules are loaded as private copies.

    extensions: the argument of an executor. None means the environment variable AIOINTERPRETERS_EXTENSIONS. Raises
    ValueError for an unknown value, and NotImplementedError if this system does not support private copies.
    """
    match extensions if extensions is not None else os.environ.get(_VARIABLE) or "declared":
        case "declared":
            return False
        case "private":
            if (reason := _core.why_no_copies()) is not None:
                asked = "extensions='private'" if extensions is not None else f"the environment variable {_VARIABLE}=private"
                raise NotImplementedError(f"{asked} is not supported here: {reason}")
            return True
        case other if extensions is None:
            raise ValueError(f"the environment variable {_VARIABLE} must be 'declared' or 'private', not {other!r}")
        case other:
            raise ValueError(f"extensions must be 'declared', 'private' or None, not {other!r}")


def names_of_modules(preload: Iterable[str]) -> tuple[str, ...]:
    """Return the names as a tuple. Whether the modules exist is found out in the interpreters.

    Raises:
        TypeError: It is a str, or contains other objects than str.
        ValueError: A name cannot be that of a module.
    """
    if isinstance(preload, str):
        raise TypeError(f"preload must be an iterable of module names, such as ({preload!r},), not a str")
    names = tuple(preload)
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"preload must contain names of modules, not {name!r}")
        if not all(name.split(".")) or "\0" in name:
            raise ValueError(f"preload must contain absolute names of modules, not {name!r}")
    return names


LOGGING, OUTPUT = 1, 2  # bits of what `forwards` returns


def forwards(logging: Words, output: Words) -> int:
    """Return what workers send home, as `_core.Pool` takes it. Raises ValueError for an unknown value."""
    for name, value in (("logging", logging), ("output", output)):
        if value not in ("forward", "own"):
            raise ValueError(f"{name} must be 'forward' or 'own', not {value!r}")
    return LOGGING * (logging == "forward") + OUTPUT * (output == "forward")
