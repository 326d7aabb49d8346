"""Tells how late an event loop runs: a task that wants to wake every few milliseconds, and notes when it does."""

import asyncio
from types import TracebackType
from typing import Self


class Heartbeat:
    """Beats while the `async with` block runs; `lateness` has the seconds by which each beat was late.

    Beats keep to their timetable: one that blocks the loop for a second makes all beats of that second late.
    """

    def __init__(self, every: float = 0.005) -> None:
        """Takes the seconds from beat to beat."""
        self.every = every
        self.lateness: list[float] = []

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._beat())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await asyncio.sleep(self.every)  # a loop blocked until now has its late beats counted
        self._task.cancel()

    def percentile(self, share: float) -> float:
        """Returns the lateness, in seconds, that `share` (0 to 1) of the beats did not exceed."""
        ordered = sorted(self.lateness)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)]

    async def _beat(self) -> None:
        now = asyncio.get_running_loop().time
        due = now() + self.every
        while True:
            await asyncio.sleep(due - now())
            while due <= now():
                self.lateness.append(now() - due)
                due += self.every
