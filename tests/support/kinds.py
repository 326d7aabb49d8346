"""Three kinds of executor for one scenario. Ours must behave like the standard library's.

A scenario is a function of a `Kind` that returns its observations. `same_as_original` makes a test of it. The test compares
ours, with untagged and tagged functions, with the original. `no_later_than_original` compares which objects are alive when.
"""

import functools
import gc
import inspect
import logging
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Self

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import gate as gates
from support import work
from support.gate import Gate

type Scenario = Callable[..., Any]


class Kind:
    """One kind of executor, and all executors and gates that a scenario creates. The end of this context ends them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_ours = name != "original"
        self.is_tagged = name == "tagged"
        self.executor_type: type[ThreadPoolExecutor] = InterpreterThreadPoolExecutor if self.is_ours else ThreadPoolExecutor
        self.log: list[str] = []
        self._gates: list[Gate] = []
        self._executors: list[weakref.ref[ThreadPoolExecutor]] = []
        self._handler = logging.Handler()
        self._handler.emit = lambda record: self.log.append(describe_record(record))  # type: ignore[method-assign]

    def __enter__(self) -> Self:
        logging.getLogger("concurrent.futures").addHandler(self._handler)
        return self

    def __exit__(self, *exc_info: object) -> None:
        for gate in self._gates:
            gate.open_wide()
        for reference in self._executors:
            executor = reference()
            if executor is not None:
                executor.shutdown(cancel_futures=True)
        logging.getLogger("concurrent.futures").removeHandler(self._handler)
        for gate in self._gates:
            gate.dispose()

    def make(self, *args: Any, **kwargs: Any) -> ThreadPoolExecutor:
        """Make an executor. No reference to it is kept here. Calls that it runs after its end must not wait at a gate."""
        executor = self.executor_type(*args, **kwargs)
        self._executors.append(weakref.ref(executor))
        return executor

    def call(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """The callable to submit for fn: fn itself, or its tag."""
        return interpreter(fn) if self.is_tagged else fn

    def gate(self) -> Gate:
        """Holds tasks until the scenario opens it, or until the scenario ends."""
        self._gates.append(Gate())
        return self._gates[-1]

    def occupy(self, executor: ThreadPoolExecutor, count: int = 1) -> Gate:
        """Let this many calls run until the gate is opened."""
        gate = self.gate()
        for _ in range(count):
            executor.submit(self.call(gates.hold), gate.ends)
        gate.wait_for(count)
        return gate

    def settle(self, executor: ThreadPoolExecutor) -> None:
        """Make the only worker of an executor drop all objects of earlier calls. It does so before it begins a call."""
        executor.submit(self.call(work.nothing)).result()

    def neutral(self, text: str) -> str:
        """The text without the name of the class, which is the only allowed difference."""
        return text.replace("InterpreterThreadPoolExecutor", "ThreadPoolExecutor")

    def failure(self, action: Callable[[], Any]) -> Any:
        """The description of the exception that an action raises, or None."""
        try:
            action()
        except BaseException as error:
            return self.describe(error)
        return None

    def describe(self, error: BaseException | None) -> Any:
        """The visible properties of an exception: its type, its arguments, its cause and context."""
        if error is None or type(error).__name__ == "RemoteTraceback":
            return None  # the innermost cause of a tagged call, the worker's traceback, has no counterpart at home
        args = tuple(self.neutral(arg) if isinstance(arg, str) else arg for arg in error.args)
        return type(error).__name__, args, self.describe(error.__cause__), self.describe(error.__context__)


def describe_record(record: logging.LogRecord) -> str:
    """A line of a log and the exception in it, without addresses."""
    shown = record.exc_info[1] if record.exc_info else None
    return f"{record.levelname} {record.msg} {shown!r}"


def same_as_original(scenario: Scenario) -> Scenario:
    """Make a test of a scenario. Ours must give the same observations as the original."""

    def test(ours: str, **parameters: Any) -> None:
        with Kind("original") as kind:
            expected = scenario(kind, **parameters)
        with Kind(ours) as kind:
            assert scenario(kind, **parameters) == expected

    return _as_test(scenario, test)


class Watch:
    """Records which objects are alive at named moments."""

    def __init__(self) -> None:
        self._references: dict[str, weakref.ref[Any]] = {}
        self.moments: dict[str, set[str]] = {}

    def __call__(self, **objects: Any) -> None:
        """Watch these objects from now on."""
        self._references |= {name: weakref.ref(value) for name, value in objects.items()}

    def look(self, moment: str) -> None:
        """Record the objects that are alive."""
        self.moments[moment] = {name for name, reference in self._references.items() if reference() is not None}


def no_later_than_original(scenario: Scenario) -> Scenario:
    """Make a test of a scenario with a Kind and a Watch. At each moment ours keeps no more objects than the original."""

    def test(ours: str, **parameters: Any) -> None:
        seen = []
        for name in ("original", ours):
            watch = Watch()
            with no_collector(), Kind(name) as kind:
                scenario(kind, watch, **parameters)
            seen.append(watch.moments)
        original, other = seen
        assert original
        assert original.keys() == other.keys()
        assert {moment: other[moment] - original[moment] for moment in original} == {moment: set() for moment in original}

    return _as_test(scenario, test, 2)


def _as_test(scenario: Scenario, test: Scenario, own: int = 1) -> Scenario:
    import pytest  # here: workers import this module

    functools.update_wrapper(test, scenario)
    rest = list(inspect.signature(scenario).parameters.values())[own:]
    ours = inspect.Parameter("ours", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    test.__signature__ = inspect.Signature([ours, *rest])  # type: ignore[attr-defined]
    marked: Scenario = pytest.mark.parametrize("ours", ["untagged", "tagged"])(test)
    return marked


@contextmanager
def no_collector() -> Iterator[None]:
    """Let objects die by their reference count alone."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class Gone:
    """Reports the death of an object, even if another thread drops it."""

    def __init__(self, value: Any) -> None:
        self._event = threading.Event()
        self._reference = weakref.ref(value, lambda _: self._event.set())

    def wait(self) -> None:
        """Wait until it is gone. If it stays, pytest's timeout ends the wait."""
        self._event.wait()


def join_all(threads: Iterable[threading.Thread]) -> None:
    """Wait for threads that end by themselves."""
    for thread in threads:
        thread.join()


def states(futures: list[Future[Any]]) -> list[str]:
    """The states of futures."""
    return [
        "cancelled" if future.cancelled() else "done" if future.done() else "running" if future.running() else "pending"
        for future in futures
    ]
