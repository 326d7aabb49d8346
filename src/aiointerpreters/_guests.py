"""Ends the pools of guests when the main interpreter ends.

A guest is an interpreter that other code has created, and may never close. This module is imported in the main interpreter
when the first guest creates a pool (core/binding/lifecycle_functions.h). This may be as late as the exit.
"""

import atexit

from . import _core
from ._insistence import insist, was_ended_by_ctrl_c


def finish() -> None:
    """Finish the work of guests and end their workers. When CPython ends guests, it is too late for that."""
    insist(_core.finish_guests, was_ended_by_ctrl_c())


atexit.register(_core.end_abandoned)  # called after the next one
# Called after the threads that may use guests have been joined, and before CPython ends the guests.
atexit.register(finish)
