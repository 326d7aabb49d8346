"""Makes tasks overlap, so each has a worker of its own, and proves that they did.

Each task reports at one pipe and waits at another. Home releases them when all have reported. It uses pipes, because file
descriptors belong to the process and mean the same in every interpreter.
"""

import os
import select
import sys
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import ExitStack

type Attendance = tuple[int, int]
"""What `workloads.attend` returns: identity of the interpreter, id of the thread."""

PATIENCE = 30.0
"""Seconds without any arrival after which a meeting is given up."""


def meet(pool: Executor, attend: Callable[[int, int], Attendance], size: int) -> list[Attendance]:
    """Runs `size` tasks that are all under way at the same moment. Returns the identities of their workers.

    Raises RuntimeError if they do not all arrive within `PATIENCE` seconds of each other.
    """
    with ExitStack() as pipes:
        reported, arrivals = _pipe(pipes)
        leave, let_go = _pipe(pipes)
        futures = [pool.submit(attend, arrivals, leave) for _ in range(size)]
        try:
            _await_arrivals(reported, futures)
        finally:
            os.write(let_go, b"." * size)
        return [future.result() for future in futures]


def interpreters(attendances: list[Attendance]) -> set[int]:
    """Returns the distinct interpreters other than home."""
    return {interpreter for interpreter, _ in attendances} - {id(sys.modules)}


def _pipe(pipes: ExitStack) -> tuple[int, int]:
    """Returns the ends (for reading, for writing) of a new pipe that `pipes` will close."""
    ends = os.pipe()
    for end in ends:
        pipes.callback(os.close, end)
    return ends


def _await_arrivals(reported: int, futures: list[Future[Attendance]]) -> None:
    missing = len(futures)
    while missing:
        if not select.select([reported], [], [], PATIENCE)[0]:
            failures = [repr(future.exception()) for future in futures if future.done()]
            raise RuntimeError(f"{missing} of {len(futures)} workers did not come to the meeting; failed: {failures}")
        missing -= len(os.read(reported, missing))
