"""Which exceptions say that the work of a block is not wanted any more."""

import sys
from concurrent.futures import CancelledError

from ._core import TaskInterrupted

# Where libraries keep what they raise in a block that is cancelled. Who has not imported them does not raise it.
_CANCELLATIONS = (("asyncio", "CancelledError"), ("trio", "Cancelled"))


def is_stop(error: BaseException | None) -> bool:
    """Whether it comes from outside and ends the block: Ctrl-C, an interrupt, a cancellation, or a group with one of them.

    All other exceptions are the block's own, and what it has submitted is finished as in the standard library: an error, and
    also `sys.exit()` and the end of a generator (GeneratorExit), which may come when all has gone well.
    """
    if isinstance(error, BaseExceptionGroup):
        return any(is_stop(one) for one in error.exceptions)
    kinds: list[type[BaseException]] = [KeyboardInterrupt, TaskInterrupted, CancelledError]
    for module, name in _CANCELLATIONS:
        kind = getattr(sys.modules.get(module), name, None)
        if isinstance(kind, type):
            kinds.append(kind)
    return isinstance(error, tuple(kinds))
