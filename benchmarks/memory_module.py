"""A module with a decorated function: it imports the decorator, and modules that each interpreter has anyway."""

import _thread
import os
import sys

from aiointerpreters import interpreter


@interpreter
def attend(arrivals: int, leave: int) -> tuple[int, int]:
    """Does what `workloads.attend` does."""
    os.write(arrivals, b".")
    os.read(leave, 1)
    return id(sys.modules), _thread.get_native_id()
