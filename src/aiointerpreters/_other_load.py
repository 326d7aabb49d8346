"""Finds out what made measurements worse: CPU time of other programs, and processors that this program may not use.

Linux only. On other systems, or if the kernel's files are hidden, nothing is reported.
"""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from . import _core

_QUIET = 0.05  # share of each processor's time that the system itself needs on a quiet machine
_HEAVY = 0.2  # share above which measuring makes no sense


@dataclass(frozen=True)
class Load:
    """The load during `seconds` seconds. This program may run on `usable` of `present` processors.

    others: CPU seconds of other programs, on the usable processors; None if unknown. stolen: seconds that the host of a
    virtual machine has kept back. throttled: seconds for which a cgroup's quota stopped this program. quota: the quota of
    the cgroup, in processors; None if it has none.
    """

    seconds: float
    usable: int
    present: int
    others: float | None = None
    stolen: float = 0.0
    throttled: float = 0.0
    quota: float | None = None

    @property
    def is_heavy(self) -> bool:
        """Whether other programs used so much CPU time that the figures of one run mean little."""
        return self.seconds > 0 and ((self.others or 0.0) + self.stolen) / self.seconds > _HEAVY * self.usable

    def sentences(self) -> Iterator[str]:
        """Yield sentences for the reader of the figures; none on a quiet machine."""
        quiet = max(0.1, _QUIET * self.usable)
        if self.usable < self.present:
            yield f"This program may use only {self.usable} of the {self.present} processors (CPU affinity)."
        if self.quota is not None and self.quota < self.usable:
            yield f"A cgroup quota limits this program to {self.quota:.3g} of {_processors(self.usable)}."
        if self.others is not None and self.seconds and (used := self.others / self.seconds) >= quiet:
            yield f"Other programs used {used:.1f} of {_processors(self.usable)} meanwhile, {_worse('quiet machine')}"
        if self.seconds and (kept := self.stolen / self.seconds) >= quiet:
            yield (
                f"The host of this virtual machine kept back {kept:.1f} of {_processors(self.usable)} meanwhile, "
                f"{_worse('host with nothing else to do')}"
            )
        if self.throttled >= 0.01 * self.seconds > 0:
            yield (
                f"The cgroup quota stopped this program for {self.throttled:.1f} of {self.seconds:.1f} seconds, "
                "so these figures are worse than without a quota."
            )


class Meter:
    """Measures the load of other programs, from the creation of the meter to `read`. `root` is for tests."""

    def __init__(self, root: str = "/", pid: int | None = None) -> None:
        self._root = Path(root)
        self._pid = pid or os.getpid()
        self._usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))
        self._start = self._now()

    def read(self) -> Load:
        """Return the load since the meter was created."""
        started, busy_before, stolen_before, own_before, throttled_before = self._start
        now, busy, stolen, own, throttled = self._now()
        known = busy is not None and busy_before is not None
        return Load(
            seconds=now - started,
            usable=len(self._usable),
            present=os.cpu_count() or len(self._usable),
            others=max(0.0, (busy or 0) - (busy_before or 0) - (own - own_before)) if known else None,
            stolen=stolen - stolen_before,
            throttled=throttled - throttled_before,
            quota=_core.cpu_quota(_prefix(self._root)),
        )

    def _now(self) -> tuple[float, float | None, float, float, float]:
        busy, stolen = _busy_and_stolen(_text(self._root / "proc" / "stat"), self._usable)
        own = sum(_cpu_seconds(self._root, pid) for pid in process_tree(self._pid, self._root))
        return time.monotonic(), busy, stolen, own, _throttled(self._root)


def process_tree(pid: int, root: Path = Path("/")) -> list[int]:
    """Return the current ids of the process and its descendants."""
    children: dict[int, list[int]] = {}
    for folder in (root / "proc").glob("[0-9]*"):
        if fields := _stat_fields(_text(folder / "stat")):
            children.setdefault(int(fields[1]), []).append(int(folder.name))
    tree = [pid]
    for member in tree:
        tree += children.get(member, [])
    return tree


def _busy_and_stolen(stat: str | None, processors: set[int]) -> tuple[float | None, float]:
    """Return the CPU seconds since boot that programs, and other virtual machines, have used on these processors."""
    if stat is None:
        return None, 0.0
    busy = stolen = 0
    for line in stat.splitlines():
        name, *fields = line.split()
        if name.removeprefix("cpu").isdigit() and int(name.removeprefix("cpu")) in processors:
            user, nice, system, _idle, _waiting, interrupts, soft_interrupts, steal, *_ = map(int, fields)
            busy += user + nice + system + interrupts + soft_interrupts
            stolen += steal
    return busy / _ticks_per_second(), stolen / _ticks_per_second()


def _cpu_seconds(root: Path, pid: int) -> float:
    """Return the CPU seconds of a process and of those of its children that have ended."""
    fields = _stat_fields(_text(root / "proc" / str(pid) / "stat"))
    return sum(map(int, fields[11:15])) / _ticks_per_second()


def _stat_fields(stat: str | None) -> list[str]:
    """Return the fields after the name of the program in a /proc/PID/stat. The name may contain any characters."""
    return stat.rpartition(")")[2].split() if stat else []


def _throttled(root: Path) -> float:
    """Return the seconds for which a quota has stopped processes: the highest value of this cgroup and those around it."""
    found = [0.0]
    for folder in _core.cpu_cgroups(_prefix(root)):
        values = dict(line.split() for line in (_text(Path(folder, "cpu.stat")) or "").splitlines())
        found.append(int(values.get("throttled_usec", 0)) / 1e6 + int(values.get("throttled_time", 0)) / 1e9)
    return max(found)


def _prefix(root: Path) -> str:
    """Return the prefix that the engine puts in front of absolute paths."""
    return str(root).rstrip("/")


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def _ticks_per_second() -> int:
    return os.sysconf("SC_CLK_TCK")


def _processors(number: int) -> str:
    return "the 1 processor" if number == 1 else f"the {number} processors"


def _worse(where: str) -> str:
    return f"so these figures are worse than on a {where}."
