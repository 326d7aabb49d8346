"""What others read of a ThreadPoolExecutor's queue, which is the engine's here."""

from . import _core


class WorkQueue:
    """The calls of a pool that wait for a worker, to be counted."""

    def __init__(self, pool: _core.Pool) -> None:
        self._pool = pool

    def qsize(self) -> int:
        """How many wait."""
        return self._pool.queued

    def empty(self) -> bool:
        """Whether none does."""
        return self._pool.queued == 0
