"""What the main interpreter does for the pools of guests: interpreters that other code has made and may never close.

It is imported there when the first guest makes a pool, be it at the last moment (core/binding/lifecycle_functions.h).
"""

import atexit

from . import _core
from ._insistence import insist, was_ended_by_ctrl_c


def finish() -> None:
    """Finish their work and end their workers: CPython ends guests when it is too late for that."""
    insist(_core.finish_guests, was_ended_by_ctrl_c())


atexit.register(_core.end_abandoned)  # called after the next one
# When the threads have been joined that may use guests, and before CPython ends those.
atexit.register(finish)
