"""Tries one package, in this process: `python -m extensions.trial NAME [ROUNDS]`. What came of it is one line of JSON.

In each round a new executor has two interpreters use the package at the same time, while home uses it too; nobody has
imported it before the first one. Interpreters that end leave their copies in the process. When it has no room for another
round, the outcome has fewer rounds than were wanted, and no error. A crash is the process's exit code, which whoever
started this looks at.
"""

import ctypes
import dataclasses
import gc
import importlib.metadata
import json
import logging
import os
import re
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from extensions.packages import Package, Use, all_packages
from support.gate import Gate, hold_then

INTERPRETERS = 2
SPARE_ROUNDS = 4  # what has to be free before a round: its share, twice that for measuring memory, one to spare

MOST_KEYS = os.sysconf("SC_THREAD_KEYS_MAX")
SPARE_KEYS = 128  # as the engine has it (core/extensions/thread_key_limit_linux.cpp)


@dataclass
class Outcome:
    """What came of a trial."""

    version: str
    error: str = ""  # an interpreter's, with its type; empty: it works
    home_error: str = ""  # home's
    rounds: int = 0  # without an error
    processes: int = 1  # that these rounds were done in, one after another
    memory: float | None = None  # private memory of a further interpreter that uses the package, in MB
    warnings: list[str] = field(default_factory=list)  # what the engine had to say

    @property
    def failed(self) -> bool:
        """Whether there was an error."""
        return bool(self.error or self.home_error)

    @classmethod
    def from_line(cls, line: str) -> "Outcome":
        """What `as_line` has made."""
        return cls(**json.loads(line))

    def as_line(self) -> str:
        """For another process."""
        return json.dumps(dataclasses.asdict(self))


def describe(error: BaseException) -> str:
    """One line: the type and the message, without the folders of this machine."""
    text = re.sub(r"\s+", " ", f"{type(error).__name__}: {error}").strip()
    return re.sub(r"[^\s(]*/site-packages/", "", text)


def outcome_here(use: Use) -> object:
    """Use it at home. An exception is an outcome, too."""
    try:
        return use()
    except Exception as error:
        return error


def use_everywhere(use: Use) -> tuple[object, list[object]]:
    """Use it at home and in two interpreters at once. Return what came of it here, and there."""
    gate = Gate()
    try:
        with InterpreterThreadPoolExecutor(INTERPRETERS, extensions="private") as pool:
            futures = [pool.submit(interpreter(hold_then), gate.ends, use) for _ in range(INTERPRETERS)]
            gate.wait_for(INTERPRETERS)
            gate.open_wide()
            here = outcome_here(use)
            there: list[object] = [future.exception() or future.result() for future in futures]
    finally:
        gate.dispose()
    return here, there


def private_memory() -> float:
    """Of this process, in MB: what no other process shares with it."""
    gc.collect()
    rollup = Path("/proc/self/smaps_rollup").read_text(encoding="ascii")
    return sum(int(size) for size in re.findall(r"^Private_\w+:\s+(\d+) kB$", rollup, re.MULTILINE)) / 1000


def memory_of_further(use: Use) -> float:
    """How much one more interpreter takes that has used the package, and still is there, beside others that do.

    Those before it take what interpreters that have ended have left in the process, and share pages of files with it.
    """
    sizes = []
    with ExitStack() as pools:
        for _ in range(INTERPRETERS + 1):
            sizes.append(private_memory())
            pool = pools.enter_context(InterpreterThreadPoolExecutor(1, extensions="private"))
            pool.submit(interpreter(use)).result()
        return private_memory() - sizes[-1]


def mappings() -> int:
    """How many the process has."""
    return Path("/proc/self/maps").read_bytes().count(b"\n")


def kilobytes(file: str, name: str) -> int:
    """A line of a file of Linux's."""
    (found,) = re.findall(rf"^{name}:\s+(\d+) kB$", Path("/proc", file).read_text(encoding="ascii"), re.MULTILINE)
    return int(found)


def thread_keys() -> int:
    """How many keys of threads' own memory the process has."""
    library, free = ctypes.CDLL(None), []
    key = ctypes.c_uint()
    while library.pthread_key_create(ctypes.byref(key), None) == 0:
        free.append(key.value)
    for each in free:
        library.pthread_key_delete(each)
    return MOST_KEYS - len(free)


class Room:
    """Whether this process can have another round: mappings, memory and keys of threads are bounded."""

    def __init__(self) -> None:
        most_mappings = int(Path("/proc/sys/vm/max_map_count").read_text(encoding="ascii"))
        self._most = most_mappings, kilobytes("meminfo", "MemAvailable") // 2, MOST_KEYS - SPARE_KEYS
        self._before = self._used()

    @staticmethod
    def _used() -> tuple[int, int, int]:
        return mappings(), kilobytes("self/status", "RssAnon"), thread_keys()

    def is_left(self) -> bool:
        """To be asked after each round."""
        before, self._before = self._before, self._used()
        wanted = [now + SPARE_ROUNDS * (now - then) for now, then in zip(self._before, before, strict=True)]
        return all(each < most for each, most in zip(wanted, self._most, strict=True))


class Warnings(logging.Handler):
    """Collects what the engine says."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.messages.append(record.getMessage())


def judge(outcome: Outcome, here: object, there: Sequence[object]) -> None:
    """Write down what is not as it should be."""
    if isinstance(here, Exception):
        outcome.home_error = describe(here)
    for each in there:
        if outcome.error:
            return
        if isinstance(each, BaseException):
            outcome.error = describe(each)
        elif not isinstance(here, Exception) and each != here:
            outcome.error = f"another result: {each!r:.100}, at home {here!r:.100}"


def try_package(package: Package, rounds: int) -> Outcome:
    """Try it, again and again until something is wrong or there is no room."""
    outcome = Outcome(importlib.metadata.version(package.name))
    warnings = Warnings()
    logging.getLogger("aiointerpreters").addHandler(warnings)
    room = Room()
    for _ in range(rounds):
        judge(outcome, *use_everywhere(package.use))
        if outcome.failed:
            break
        outcome.rounds += 1
        if not room.is_left():
            break
    if not outcome.failed:
        outcome.memory = round(memory_of_further(package.use), 1)
    outcome.warnings = warnings.messages
    return outcome


def main(name: str, rounds: str = "1") -> None:
    """Print what came of it, whatever libraries print or have done to standard output."""
    with open(os.dup(1), "w", encoding="utf-8") as output:
        os.dup2(2, 1)
        print(try_package(all_packages()[name], int(rounds)).as_line(), file=output)


if __name__ == "__main__":
    main(*sys.argv[1:])
