"""Which extension modules interpreters import: those that declare it, or any, as private copies."""

import os
from typing import Literal

type Extensions = Literal["declared", "private"]

_VARIABLE = "AIOINTERPRETERS_EXTENSIONS"


def are_private(extensions: Extensions | None) -> bool:
    """Whether extension modules are loaded as private copies.

    extensions: what an executor was told; None asks the environment variable AIOINTERPRETERS_EXTENSIONS. Raises ValueError
    for anything else.
    """
    match extensions if extensions is not None else os.environ.get(_VARIABLE) or "declared":
        case "declared":
            return False
        case "private":
            return True
        case other if extensions is None:
            raise ValueError(f"the environment variable {_VARIABLE} must be 'declared' or 'private', not {other!r}")
        case other:
            raise ValueError(f"extensions must be 'declared', 'private' or None, not {other!r}")
