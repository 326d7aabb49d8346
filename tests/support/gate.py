"""Gate: holds tasks at a place until the test lets them go. It is a pair of pipes, so it works across interpreters."""

import os
from collections.abc import Callable
from typing import Any

type Ends = tuple[int, int]


def hold(ends: Ends, value: Any = None) -> Any:
    """Report the arrival of this task, wait for the gate to open, return `value`. Workers import this by name."""
    arrived, opened = ends
    os.write(arrived, b".")
    os.read(opened, 1)
    return value


def hold_then(ends: Ends, fn: Callable[..., Any], *args: Any) -> Any:
    """Pass the gate, then call."""
    hold(ends)
    return fn(*args)


class Gate:
    """The end of the gate that the test keeps. `ends` goes to the tasks."""

    def __init__(self) -> None:
        self._arrivals, arrived = os.pipe()
        opened, self._opener = os.pipe()
        self.ends: Ends = arrived, opened
        self._is_open = False

    def wait_for(self, count: int = 1) -> None:
        """Wait until `count` further tasks have arrived."""
        while count:
            count -= len(os.read(self._arrivals, count))

    def open(self, count: int = 1) -> None:
        """Let `count` tasks through."""
        os.write(self._opener, b"." * count)

    def open_wide(self) -> None:
        """Let all tasks through from now on."""
        if not self._is_open:
            self._is_open = True
            os.close(self._opener)

    def dispose(self) -> None:
        """Close the pipes. Requires that no more tasks can come."""
        self.open_wide()
        for fd in (*self.ends, self._arrivals):
            os.close(fd)
