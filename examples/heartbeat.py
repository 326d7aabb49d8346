"""Measures how late an event loop runs, with a task that should wake every few milliseconds."""

import asyncio
from types import TracebackType
from typing import Self


class Heartbeat:
    """Beats while the `async with` block runs. `lateness` says for each beat how many seconds late it was.

    Beats have a fixed timetable. If the loop is blocked for a second, all beats of that second are late.
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
        await asyncio.sleep(self.every)  # so that beats of a loop that was blocked until now are counted
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
