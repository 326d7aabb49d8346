"""Which extension modules interpreters may import: those that declare support, or any, as private copies."""

import os
from typing import Literal

from . import _core

type Extensions = Literal["declared", "private"]

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
