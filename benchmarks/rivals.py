"""The executors that are compared: how each is created, how it gets a function, and where it is available."""

import importlib
import importlib.util
import multiprocessing
import sys
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from aiointerpreters import InterpreterThreadPoolExecutor, _core, interpreter

type Function = Callable[..., Any]


@dataclass(frozen=True)
class Rival:
    """One way to run functions in other threads, interpreters or processes.

    `make` gets the number of workers. Everything else keeps its default. `prepare` turns a plain function into
    the callable to submit. `missing` is the reason why this Python does not have it.
    """

    name: str
    make: Callable[[int], Executor]
    prepare: Callable[[Function], Function]
    missing: str = ""


def as_it_is(function: Function) -> Function:
    """Returns the function itself, for executors that need no preparation."""
    return function


def _process_pool(workers: int) -> Executor:
    """Uses spawn, because a fork with living interpreters kills the child."""
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))


def _private(workers: int) -> Executor:
    return InterpreterThreadPoolExecutor(workers, extensions="private")


def _loky(workers: int) -> Executor:
    made: Executor = importlib.import_module("loky").ProcessPoolExecutor(workers)
    return made


def _not_to_be_had(workers: int) -> Executor:
    raise NotImplementedError(f"no such executor here, with {workers} workers or any other number")


TAGGED = Rival("aiointerpreters, tagged", InterpreterThreadPoolExecutor, interpreter)
UNTAGGED = Rival("aiointerpreters, untagged", InterpreterThreadPoolExecutor, as_it_is)
THREAD_POOL = Rival("ThreadPoolExecutor", ThreadPoolExecutor, as_it_is)
PROCESS_POOL = Rival("ProcessPoolExecutor", _process_pool, as_it_is)
if sys.version_info >= (3, 14):
    from concurrent.futures import InterpreterPoolExecutor

    INTERPRETER_POOL = Rival("InterpreterPoolExecutor", InterpreterPoolExecutor, as_it_is)
else:
    INTERPRETER_POOL = Rival("InterpreterPoolExecutor", _not_to_be_had, as_it_is, missing="new in Python 3.14")
PRIVATE = Rival("aiointerpreters, private", _private, interpreter, missing=_core.why_no_copies() or "")
LOKY = Rival("loky", _loky, as_it_is, missing="" if importlib.util.find_spec("loky") else "it is not installed")

ALL = (TAGGED, UNTAGGED, INTERPRETER_POOL, THREAD_POOL, PROCESS_POOL)


def by_name(name: str) -> Rival:
    """Returns the rival of that name. Raises KeyError if there is none."""
    return {rival.name: rival for rival in ALL}[name]


def available(*rivals: Rival) -> list[Rival]:
    """Returns the `rivals` that this Python has. Reports the others and the reasons on stderr."""
    for rival in rivals:
        if rival.missing:
            print(f"left out: {rival.name} ({rival.missing})", file=sys.stderr)
    return [rival for rival in rivals if not rival.missing]
