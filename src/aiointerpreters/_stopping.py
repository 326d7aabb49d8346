"""Finds out whether an exception means that the work of a block must stop."""

import sys
from concurrent.futures import CancelledError

from ._core import TaskInterrupted

# Exceptions that libraries raise in a cancelled block. If a library is not imported, nothing can have raised its exception.
_CANCELLATIONS = (("asyncio", "CancelledError"), ("trio", "Cancelled"))


def is_stop(error: BaseException | None) -> bool:
    """Whether the exception ends the block from outside: Ctrl-C, an interrupt, a cancellation, or a group with one of them.

    All other exceptions belong to the block itself, and its calls finish as in the standard library. These are errors, but
    also `sys.exit()` and the end of a generator (GeneratorExit), which are no failures.
    """
    if isinstance(error, BaseExceptionGroup):
        return any(is_stop(one) for one in error.exceptions)
    kinds: list[type[BaseException]] = [KeyboardInterrupt, TaskInterrupted, CancelledError]
    for module, name in _CANCELLATIONS:
        kind = getattr(sys.modules.get(module), name, None)
        if isinstance(kind, type):
            kinds.append(kind)
    return isinstance(error, tuple(kinds))
