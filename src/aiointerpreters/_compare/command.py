"""The command line of `compare`, and the order in which things are measured."""

import argparse
import contextlib
import dataclasses
import io
import json
import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import Any

from .. import _core
from .._other_load import Load, Meter
from . import pools, report
from .findings import SERIAL, UNKNOWN, Findings, Pool
from .process import PoolProblemError, Process
from .target import Place, WrongTargetError, read_arguments, search_path
from .verdict import judge

PROGRAM = "python -m aiointerpreters compare"
_SECONDS = 0.25  # the length of one part of a round
_PATIENCE = 60.0  # seconds, in addition to those that the function itself needs
_MOST = 1_000_000  # of workers, rounds, calls
_STOPPED = 130  # the exit status of a program that Ctrl-C has ended

_DESCRIPTION = """
Run a function in a plain loop, in threads, in interpreters and in processes. Print how fast each of them is, what it costs,
and which one to use. The function must be importable by its name. It is called many times, so it should not have side
effects.
"""


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit status: 0, 2 if there is nothing to measure, 130 after Ctrl-C."""
    chosen = _parser().parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # not every encoding has the micro sign
    try:
        with _ended_by_signals():
            status = _run(chosen)
            if sys.stdout is not None:
                sys.stdout.flush()
            return status
    except OSError as error:
        return _unwritten(error)
    except WrongTargetError as error:
        print(f"{PROGRAM}: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C would print a traceback
        _tell("")
        print("stopped", file=sys.stderr)
        return _STOPPED


class _EndedBySignal(BaseException):
    """Raised by a signal that ends the program."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP first end the block by an exception, so that its folder is removed. Then they end the program."""

    def leave(number: int, frame: FrameType | None) -> None:
        raise _EndedBySignal(number)

    ours = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) is signal.SIG_DFL]
    for number in ours:
        signal.signal(number, leave)
    try:
        yield
    except _EndedBySignal as ended:
        signal.signal(ended.number, signal.SIG_DFL)
        os.kill(os.getpid(), ended.number)
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


def _unwritten(error: OSError) -> int:
    """Return the exit status when results could not be written. A reader that has gone, such as `head`, needs no message."""
    if not isinstance(error, BrokenPipeError):
        _tell(f"{PROGRAM}: error: {error}")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # otherwise Python would print an error at exit
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=PROGRAM, description=_DESCRIPTION)
    parser.add_argument("target", help="module:function, or path/to/file.py:function")
    parser.add_argument("--args", metavar="LIST", help="positional arguments of each call, such as '[1000, \"a\"]'")
    parser.add_argument("--kwargs", metavar="DICT", help="keyword arguments of each call, such as '{\"limit\": 1000}'")
    parser.add_argument(
        "--inputs",
        metavar="FUNCTION",
        help="module:function that returns or yields the arguments of several calls: a tuple holds several arguments, "
        "any other value is one argument",
    )
    parser.add_argument(
        "--workers", type=_positive, help="workers of each pool (default: the number of processors, at least 2)"
    )
    parser.add_argument("--rounds", type=_positive, default=3, help="measurements of each pool (default: %(default)s)")
    parser.add_argument("--calls", type=_positive, help="calls in a round (default: as many as take a fraction of a second)")
    parser.add_argument(
        "--pools",
        metavar="NAMES",
        help=f"some of these names, separated by commas (default: all): {', '.join(pools.NAMES)}, or module:function that "
        "takes a number of workers and returns an executor",
    )
    parser.add_argument(
        "--extensions",
        choices=("declared", "private"),
        help="the argument `extensions` of the executor of aiointerpreters: `private` for compiled packages such as NumPy",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    return parser


def _positive(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= _MOST):
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to {_MOST}, not {text!r}")
    return int(text)


def _run(chosen: argparse.Namespace) -> int:
    request = _checked(chosen)
    names = pools.chosen(chosen.pools)
    workers = chosen.workers or max(2, report.processors())
    with contextlib.ExitStack() as stack:
        run = _Run(stack, chosen, request, workers)
        findings = run.prepare(names)
        load = run.measure(findings)
    findings = dataclasses.replace(findings, call=min([findings.call, *findings.serial.round_trips]))
    _tell("")
    verdict = judge(findings)
    if chosen.json:
        arguments = {key: value for key, value in vars(chosen).items() if key not in {"target", "json"}}
        print(json.dumps(report.as_json(findings, verdict, load, names, arguments), indent=1))
    else:
        for line in report.text(findings, verdict, load, names):
            print(line)
    return 0


def _checked(chosen: argparse.Namespace) -> dict[str, Any]:
    """Return the settings for the hosts. Raises WrongTargetError for mistakes that show without importing anything."""
    if chosen.inputs is not None and chosen.args is not None:
        raise WrongTargetError("--inputs and --args cannot be used together")
    place = Place.parse(chosen.target)
    for option in ("args", "kwargs"):
        if (given := getattr(chosen, option)) is not None:
            read_arguments(f"--{option}", given)
    if chosen.inputs is not None:
        Place.parse(chosen.inputs)
    if chosen.extensions == "private" and (reason := _core.why_no_copies()) is not None:
        raise WrongTargetError(f"--extensions private is not supported here: {reason}")
    return {"place": dataclasses.asdict(place), "args": chosen.args, "kwargs": chosen.kwargs, "inputs": chosen.inputs}


class _Run:
    """One run of the command: the processes and their findings."""

    def __init__(
        self, stack: contextlib.ExitStack, chosen: argparse.Namespace, request: dict[str, Any], workers: int
    ) -> None:
        self._stack = stack
        self._chosen = chosen
        self._request = request
        self._workers = workers
        inputs = [Place.parse(chosen.inputs)] if chosen.inputs is not None else []
        self._path = search_path(Place(**request["place"]), *inputs)
        self._processes: dict[str, Process] = {}
        self._call = 0.0
        self._inputs = 1
        self._repeats = False
        # For files of multiprocessing. It is removed at the end of the run, unless SIGKILL ends the run.
        self._folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="compare-", ignore_cleanup_errors=True))

    def prepare(self, names: list[str]) -> Findings:
        """Start all pools, one after the other, and return the findings so far."""
        serial = self._start(SERIAL)
        _tell(f"importing {self._request['place']['module']}")
        try:
            self._inputs = serial.ask("find", 10 * _PATIENCE, **self._request)["inputs"]
            _tell("calling the function directly")
            serial.ask("call_once", 10 * _PATIENCE, place=self._request["place"])
            calibrated = serial.ask("calibrate", 10 * _PATIENCE, seconds=_SECONDS)
            self._call, self._repeats = max(calibrated["call"], 1e-9), calibrated["same"]
            serial.ask("start", self._patience, call=self._call, seconds=_SECONDS)
        except PoolProblemError as error:
            raise WrongTargetError(f"the function cannot be called: {error}") from None
        measured = [Pool(SERIAL), *(self._warm(name) for name in names if name != SERIAL)]
        title = f"{self._chosen.target}({self._shown_arguments()})"
        return Findings(title, self._call, calibrated["busy"], self._workers, report.processors(), measured)

    def measure(self, findings: Findings) -> Load:
        """Measure all pools in turn, round by round, and return the load of other programs meanwhile."""
        meter = Meter()
        number = self._chosen.rounds
        for turn in range(number):
            order = findings.pools[turn % len(findings.pools) :] + findings.pools[: turn % len(findings.pools)]
            for pool in order:
                if pool.problem is None:
                    _tell(f"round {turn + 1} of {number}: {pool.title}")
                    self._measure_round(pool)
        load = meter.read()
        if (problem := findings.serial.problem) is not None:
            raise WrongTargetError(f"the function cannot be called any more: {problem}")
        for process in self._processes.values():
            process.end()
        return load

    def _measure_round(self, pool: Pool) -> None:
        with self._noting_problems(pool):
            found = self._processes[pool.name].ask(
                "measure", self._patience, call=self._call, calls=self._chosen.calls, seconds=_SECONDS
            )
            pool.calls = found["calls"]
            pool.rates.append(found["rate"])
            pool.delays.append(found["delay"])
            if found["round_trip"] is not None:
                pool.round_trips.append(found["round_trip"])
                pool.carrying.append(found["carrying"])

    def _warm(self, name: str) -> Pool:
        pool = Pool(name)
        _tell(f"starting {pool.title}")
        with self._noting_problems(pool):
            process = self._start(name)
            process.ask("find", self._patience, **self._request)
            process.ask("call_once", self._patience, place=self._request["place"])
            found = process.ask("start", self._patience, call=self._call, seconds=_SECONDS)
            pool.first_result, pool.memory = found["first_result"], found["memory"]
            pool.results = found["results"] if self._repeats else UNKNOWN
        return pool

    @contextlib.contextmanager
    def _noting_problems(self, pool: Pool) -> Iterator[None]:
        """Record why this pool cannot continue. The other pools do."""
        try:
            yield
        except PoolProblemError as error:
            pool.problem = str(error)
            self._processes.pop(pool.name).end()

    def _start(self, name: str) -> Process:
        process = Process(name, self._workers, self._chosen.extensions, self._path, self._folder)
        self._processes[name] = self._stack.enter_context(process)
        return process

    @property
    def _patience(self) -> float:
        """Seconds until a host counts as hanging."""
        calls = self._chosen.calls or 0
        return _PATIENCE + 20 * max(_SECONDS, self._call * max(calls, 8 * self._workers, self._inputs)) + 0.005 * calls

    def _shown_arguments(self) -> str:
        if self._chosen.inputs is not None:
            return f"*{self._chosen.inputs}"
        args = read_arguments("--args", self._chosen.args) if self._chosen.args is not None else ()
        kwargs = read_arguments("--kwargs", self._chosen.kwargs) if self._chosen.kwargs is not None else {}
        shown = ", ".join([*map(repr, args), *(f"{name}={value!r}" for name, value in kwargs.items())])
        return shown if len(shown) <= 60 else f"{shown[:57]}..."


def _tell(progress: str) -> None:
    """Show progress on stderr: in a single line on a terminal, otherwise one line for each step."""
    if sys.stderr is None:
        return
    if sys.stderr.isatty():
        print(f"\r\033[K{progress}", end="", file=sys.stderr, flush=True)
    elif progress:
        print(progress, file=sys.stderr, flush=True)
