"""Tries one package in this process: `python -m extensions.trial NAME [ROUNDS]`. Prints the outcome as one line of JSON.

In each round, two interpreters of a new executor and home use the package at the same time. Before the first round no
interpreter has imported it. Ended interpreters leave their copies in the process. When the process has no room for another
round, the outcome has fewer rounds than requested, and no error. A crash shows in the exit code of the process. The process
that has started this one looks at it.
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
SPARE_ROUNDS = 4  # free room needed before a round, in rounds: one for itself, two for measuring memory, one in reserve

MOST_KEYS = os.sysconf("SC_THREAD_KEYS_MAX")
SPARE_KEYS = 128  # the same as in the engine (core/extensions/thread_key_limit_linux.cpp)


@dataclass
class Outcome:
    """The outcome of a trial."""

    version: str
    error: str = ""  # of an interpreter, with its type; empty if it works
    home_error: str = ""  # of home
    rounds: int = 0  # without an error
    processes: int = 1  # in which these rounds were done, one after another
    memory: float | None = None  # private memory of one more interpreter that uses the package, in MB
    warnings: list[str] = field(default_factory=list)  # of the engine

    @property
    def failed(self) -> bool:
        """Return whether there was an error."""
        return bool(self.error or self.home_error)

    @classmethod
    def from_line(cls, line: str) -> "Outcome":
        """Read a line that `as_line` has made."""
        return cls(**json.loads(line))

    def as_line(self) -> str:
        """The outcome as a line for another process."""
        return json.dumps(dataclasses.asdict(self))


def describe(error: BaseException) -> str:
    """The type and the message in one line, without the folders of this machine."""
    text = re.sub(r"\s+", " ", f"{type(error).__name__}: {error}").strip()
    return re.sub(r"[^\s(]*/site-packages/", "", text)


def outcome_here(use: Use) -> object:
    """Use it at home. An exception is an outcome too."""
    try:
        return use()
    except Exception as error:
        return error


def use_everywhere(use: Use) -> tuple[object, list[object]]:
    """Use it at home and in two interpreters at the same time. Return the outcome at home and the two others."""
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
    """The private memory of this process in MB, which it shares with no other process."""
    gc.collect()
    rollup = Path("/proc/self/smaps_rollup").read_text(encoding="ascii")
    return sum(int(size) for size in re.findall(r"^Private_\w+:\s+(\d+) kB$", rollup, re.MULTILINE)) / 1000


def memory_of_further(use: Use) -> float:
    """The memory in MB of one more interpreter that has used the package and still exists, beside others of this kind.

    The earlier ones reuse the memory that ended interpreters have left in the process, and share the pages of files with it.
    """
    sizes = []
    with ExitStack() as pools:
        for _ in range(INTERPRETERS + 1):
            sizes.append(private_memory())
            pool = pools.enter_context(InterpreterThreadPoolExecutor(1, extensions="private"))
            pool.submit(interpreter(use)).result()
        return private_memory() - sizes[-1]


def mappings() -> int:
    """The number of mappings of the process."""
    return Path("/proc/self/maps").read_bytes().count(b"\n")


def kilobytes(file: str, name: str) -> int:
    """A line of a file in /proc."""
    (found,) = re.findall(rf"^{name}:\s+(\d+) kB$", Path("/proc", file).read_text(encoding="ascii"), re.MULTILINE)
    return int(found)


def thread_keys() -> int:
    """The number of thread-specific storage keys of the process."""
    library, free = ctypes.CDLL(None), []
    key = ctypes.c_uint()
    while library.pthread_key_create(ctypes.byref(key), None) == 0:
        free.append(key.value)
    for each in free:
        library.pthread_key_delete(each)
    return MOST_KEYS - len(free)


class Room:
    """Tells whether this process has room for another round. Mappings, memory and thread-specific keys are limited."""

    def __init__(self) -> None:
        most_mappings = int(Path("/proc/sys/vm/max_map_count").read_text(encoding="ascii"))
        self._most = most_mappings, kilobytes("meminfo", "MemAvailable") // 2, MOST_KEYS - SPARE_KEYS
        self._before = self._used()

    @staticmethod
    def _used() -> tuple[int, int, int]:
        return mappings(), kilobytes("self/status", "RssAnon"), thread_keys()

    def is_left(self) -> bool:
        """Return whether there is room. Must be called after each round."""
        before, self._before = self._before, self._used()
        wanted = [now + SPARE_ROUNDS * (now - then) for now, then in zip(self._before, before, strict=True)]
        return all(each < most for each, most in zip(wanted, self._most, strict=True))


class Warnings(logging.Handler):
    """Collects the warnings of the engine."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a warning."""
        self.messages.append(record.getMessage())


def judge(outcome: Outcome, here: object, there: Sequence[object]) -> None:
    """Record an error."""
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
    """Try it repeatedly until there is an error or no more room."""
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
    """Print the outcome. Other output of libraries goes to stderr."""
    with open(os.dup(1), "w", encoding="utf-8") as output:
        os.dup2(2, 1)
        print(try_package(all_packages()[name], int(rounds)).as_line(), file=output)


if __name__ == "__main__":
    main(*sys.argv[1:])
