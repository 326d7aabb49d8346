"""Measures the function in one pool, as the command requests, and answers in JSON. Each pool has its own process.

A request and its answer are one line each, on a socket. `{"ok": ...}` is an answer, `{"wrong": text}` means that there is
nothing to measure, and `{"problem": text}` that this pool cannot run the function.
"""

import asyncio
import copy
import importlib
import json
import math
import os
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

from .. import interpreter
from . import carried, measuring, pools
from .findings import DIFFERENT, EQUAL, OURS, SERIAL, THREADS, UNKNOWN
from .target import Call, Place, WrongTargetError, check_result, find_function, make_calls

_IMPORTLIB = importlib.__file__
_LONG = 0.05  # seconds of a call; in longer calls, the event loop's part does not matter


@dataclass
class Host:
    """One pool and its measurements."""

    name: str
    workers: int
    extensions: str | None
    function: Callable[..., Any] = print
    calls: list[Call] = field(default_factory=list)
    make: Callable[[int], Executor] | None = None
    pool: Executor | None = None
    result: object = None
    before: int | None = None
    rate: float = 0.0
    doing: str = ""

    def find(self, *, place: Mapping[str, Any], args: str | None, kwargs: str | None, inputs: str | None) -> dict[str, Any]:
        """Find the function and the arguments of its calls."""
        self.doing = f"{place['module']} cannot be imported"
        found = find_function(Place(**place))
        plain = found.__wrapped__ if isinstance(found, interpreter) else found
        if self.name == OURS:
            self.function = interpreter(plain)
        else:  # workers find the function by its name, so the name must lead to this very function
            self.function = plain if self.name in {SERIAL, THREADS} else found
        self.doing = f"{inputs} failed"
        self.calls = make_calls(args, kwargs, inputs)
        if self.name != SERIAL:
            self.make = pools.maker(self.name, self.extensions)
        return {"inputs": len(self.calls)}

    def call_once(self, *, place: Mapping[str, Any]) -> dict[str, Any]:
        """Call the function once, directly. Its result is compared with those of the pool."""
        self.doing = "the call failed"
        plain = self.function.__wrapped__ if isinstance(self.function, interpreter) else self.function
        self.result = self._first_result(plain)
        check_result(Place(**place), self.result)
        return {}

    def _first_result(self, function: Callable[..., Any]) -> Any:
        """Call the function once. Raises WrongTargetError if it changes its arguments, because its calls would differ."""
        before: Call | None = None
        try:
            before = copy.deepcopy(self.calls[0])
            comparable = measuring.sameness(before, self.calls[0]) == EQUAL
        except Exception:  # not every object can be copied
            comparable = False
        result = measuring.Plain(function, self.calls).one(0)
        if comparable and measuring.sameness(before, self.calls[0]) == DIFFERENT:
            raise WrongTargetError(
                "the function changes its arguments, so the calls would get different arguments. "
                "Measure a function that creates the arguments and then calls this one"
            )
        return result

    def calibrate(self, *, seconds: float) -> dict[str, Any]:
        """Return the time of a direct call, the share of it in which the processor is busy, and whether results repeat."""
        way = self.way
        same = measuring.sameness(way.one(0), self.result)
        number, taken, busy = len(self.calls), 0.0, 0.0  # all inputs are used, because the first ones may be cheap
        while True:
            before = measuring.busy_seconds()
            taken = way.batch(number)
            busy = measuring.busy_seconds() - before
            if taken >= seconds / 2:
                break
            number = max(2 * number, min(100 * number, math.ceil(number * seconds / max(taken, 1e-9))))
        return {"call": taken / number, "busy": min(1.0, busy / taken), "same": same == EQUAL}

    def start(self, *, call: float, seconds: float) -> dict[str, Any]:
        """Create the pool and return the time of the first result. Then warm it up, with all workers."""
        self.before = measuring.memory()
        started = time.perf_counter()
        if self.make is not None:
            self.pool = self.make(self.workers)
        first = self.way.one(0)
        first_result = time.perf_counter() - started
        few = min(8 * self.workers, max(self.workers, math.ceil(seconds / call)))
        self.rate = few / self.way.batch(few)
        if call < _LONG:
            more = self.number(None, seconds / 2)
            self.rate = more / self.way.batch(more)
        after = measuring.memory()
        known = self.pool is not None and self.before is not None and after is not None
        return {
            "first_result": first_result if self.pool is not None else None,
            "memory": max(0, (after or 0) - (self.before or 0)) / self.workers if known else None,
            "results": measuring.sameness(first, self.result) if self.pool is not None else UNKNOWN,
        }

    def measure(self, *, call: float, calls: int | None, seconds: float) -> dict[str, Any]:
        """Measure one round."""
        number = self.number(calls, seconds)
        if call < _LONG:
            rate = number / self.way.batch(number)
            _, delay = asyncio.run(measuring.beside_a_loop(self.way, sys.maxsize, seconds))
        else:  # a call is long enough, so one measurement serves for both
            rate, delay = asyncio.run(measuring.beside_a_loop(self.way, number, math.inf))
        return {"calls": number, "rate": rate, "delay": delay, **self._single_calls(call, seconds / 4)}

    def _single_calls(self, call: float, seconds: float) -> dict[str, float | None]:
        """Return the seconds of a single call, and the part of them that arguments and result take.

        None if that takes too long.
        """
        if call >= 10 * _LONG:
            return {"round_trip": None, "carrying": None}
        carrying = 0.0 if self.pool is None else self._carrying(self.pool, seconds / 4)
        return {"round_trip": measuring.fastest(self.way.one, seconds, 500), "carrying": carrying}

    def _carrying(self, pool: Executor, seconds: float) -> float:
        """Return the additional time of a call for its arguments and result, measured with functions that do nothing."""
        args, kwargs = self.calls[0]
        take: Callable[..., Any] = carried.take
        give_back: Callable[..., Any] = carried.give_back
        if self.name == OURS:
            take, give_back = interpreter(take), interpreter(give_back)
        nothing = measuring.fastest(lambda _: pool.submit(take).result(), seconds, 200)
        there = measuring.fastest(lambda _: pool.submit(take, *args, **kwargs).result(), seconds, 200)
        both_ways = measuring.fastest(lambda _: pool.submit(give_back, self.result).result(), seconds, 200)
        return max(0.0, there - nothing) + max(0.0, both_ways - nothing) / 2

    def end(self) -> dict[str, Any]:
        """Shut the pool down."""
        if self.pool is not None:
            self.pool.shutdown(wait=True)
        return {}

    def number(self, calls: int | None, seconds: float) -> int:
        """Return the number of calls in a batch."""
        return calls or measuring.number_of_calls(self.rate, seconds, self.workers, len(self.calls))

    @property
    def way(self) -> measuring.Way:
        """Return the object that calls the function."""
        if self.pool is None:
            return measuring.Plain(self.function, self.calls)
        return measuring.Pooled(self.pool, self.function, self.calls, self.workers)


def main(settings: Mapping[str, Any]) -> None:
    """Answer requests until the command sends no more."""
    talk = socket.socket(fileno=settings["socket"])
    for inherited in (settings["socket"], settings["lifeline"]):
        os.set_inheritable(inherited, False)
    sys.path[:0] = [folder for folder in settings["path"] if folder not in sys.path]  # python -I omits it
    threading.Thread(target=_end_with_the_command, args=(settings["lifeline"],), daemon=True).start()
    host = Host(settings["name"], settings["workers"], settings["extensions"])
    with talk, talk.makefile("rb") as requests:
        for line in requests:
            request = json.loads(line)
            answer = _answer(host, request.pop("do"), request)
            talk.sendall(json.dumps(answer).encode() + b"\n")


def _answer(host: Host, what: str, request: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"ok": getattr(host, what)(**request)}
    except WrongTargetError as error:
        return {"wrong": str(error)}
    except Exception as error:
        if what in {"find", "call_once", "calibrate"}:
            return {"wrong": f"{host.doing}\n{_traceback_of(error)}"}
        return {"problem": pools.describe(error, host.name, host.extensions)}


def _traceback_of(error: Exception) -> str:
    """Return the traceback without the frames of this package and of importlib."""
    found = traceback.TracebackException.from_exception(error)
    found.stack = traceback.StackSummary.from_list([frame for frame in found.stack if not _is_ours(frame.filename)])
    return "".join(found.format()).rstrip()


def _is_ours(filename: str) -> bool:
    return os.path.dirname(filename) == os.path.dirname(__file__) or filename == _IMPORTLIB or "importlib._boot" in filename


def _end_with_the_command(lifeline: int) -> None:
    """Wait until the command closes its end or dies. Then end this process and those of its pool."""
    os.read(lifeline, 1)
    os.killpg(os.getpgrp(), signal.SIGTERM)
