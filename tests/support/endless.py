"""Functions that never end by themselves, in many ways. Workers import this by name."""

import contextlib
import functools
import gc
import importlib
import queue
import sys
import threading
import time
import weakref
from collections.abc import Callable, Coroutine, Iterator
from concurrent import futures
from pathlib import Path
from typing import Any, NoReturn

from aiointerpreters import InterpreterThreadPoolExecutor, TaskInterrupted, interpreter
from support import work
from support.gate import Ends, hold

# A task writes to the gate to report that it is running. It does not wait for the answer.


def arrive(ends: Ends) -> None:
    """Report that this task is running."""
    import os

    os.write(ends[0], b".")


def loop(ends: Ends | None = None) -> NoReturn:
    """Loop forever."""
    if ends is not None:
        arrive(ends)
    while True:
        pass


def loop_over_rows(_: int, ends: Ends) -> NoReturn:
    """The same for `map`."""
    loop(ends)


def sleep(ends: Ends) -> NoReturn:
    """Sleep again and again."""
    arrive(ends)
    while True:
        time.sleep(0.001)


def calls_in_c(ends: Ends) -> NoReturn:
    """Spend the time in C."""
    arrive(ends)
    numbers = list(range(20_000))
    while True:
        sorted(numbers)


class Finalized:
    """Spends its last moments in Python code."""

    def __init__(self) -> None:
        self.me = self

    def __del__(self) -> None:
        for _ in range(2_000):
            pass


def finalizers(ends: Ends) -> NoReturn:
    """Be in a `__del__` nearly all the time. An exception there can only be reported."""
    arrive(ends)
    while True:
        Finalized().me = None  # type: ignore[assignment]


def weak_callbacks(ends: Ends) -> NoReturn:
    """Be in a weak reference's callback nearly all the time."""

    def spend(_: object) -> None:
        for _ in range(2_000):
            pass

    arrive(ends)
    while True:
        thing = Finalized.__new__(Finalized)
        reference = weakref.ref(thing, spend)
        del thing, reference


def generators(ends: Ends) -> NoReturn:
    """Close generators that take long to close."""

    def generate() -> Iterator[int]:
        try:
            yield 1
        finally:
            for _ in range(2_000):
                pass

    arrive(ends)
    while True:
        next(generate())


def collections(ends: Ends) -> NoReturn:
    """Be in the garbage collector's callbacks."""
    calls = 0

    def count(_phase: str, _info: dict[str, int]) -> None:
        nonlocal calls
        for _ in range(2_000):
            calls += 1

    gc.callbacks.append(count)
    arrive(ends)
    try:
        while True:
            gc.collect(0)
    finally:
        gc.callbacks.remove(count)


def imports(ends: Ends) -> NoReturn:
    """Import modules afresh, again and again."""
    arrive(ends)
    while True:
        for name in ("colorsys", "this_module_is_missing", "sched", "quopri"):
            sys.modules.pop(name, None)
            with contextlib.suppress(ImportError):
                importlib.import_module(name)


def locks(ends: Ends) -> NoReturn:
    """Acquire and release locks."""
    lock = threading.RLock()
    arrive(ends)
    while True:
        with lock, lock:
            pass


def handles_exceptions(ends: Ends) -> NoReturn:
    """Survive every Exception."""
    arrive(ends)
    while True:
        with contextlib.suppress(Exception):
            raise ValueError("again")


def waits_for_its_own_pool(ends: Ends) -> None:
    """Wait for a task in a pool that this function has created."""
    with InterpreterThreadPoolExecutor(1) as pool:
        future = pool.submit(interpreter(loop), ends)
        try:
            future.result()
        finally:
            future.interrupt()


def hook_of_its_own(ends: Ends) -> NoReturn:
    """Install a slow hook for unraisable exceptions, and cause many such exceptions."""
    former = sys.unraisablehook

    def hook(unraisable: Any) -> None:
        for _ in range(2_000):
            pass
        if unraisable.exc_type is not ValueError:
            former(unraisable)

    class Fails:
        def __del__(self) -> None:
            raise ValueError("dropped")

    sys.unraisablehook = hook
    arrive(ends)
    try:
        while True:
            Fails()
    finally:
        sys.unraisablehook = sys.__unraisablehook__


def pass_on(former: Callable[[Any], Any], unraisable: Any) -> None:
    """A hook that calls another one."""
    former(unraisable)


def hook_on_hook(ends: Ends) -> NoReturn:
    """Install hook upon hook while it is interrupted."""
    arrive(ends)
    try:
        while True:
            former = sys.unraisablehook
            sys.unraisablehook = functools.partial(pass_on, former)
            Finalized().me = None  # type: ignore[assignment]
            sys.unraisablehook = former
    finally:
        sys.unraisablehook = sys.__unraisablehook__


def waits_for_futures(ends: Ends) -> None:
    """Wait for an event that never comes, with functions of the standard library."""
    arrive(ends)
    futures.wait([futures.Future()])


def takes_futures_as_completed(ends: Ends) -> None:
    """The same, one function after the other."""
    arrive(ends)
    next(futures.as_completed([futures.Future()]))


def waits_for_a_result(ends: Ends) -> None:
    """The same with one of them, and a long timeout instead of none."""
    arrive(ends)
    futures.Future[None]().result(timeout=3600)


def waits_for_a_queue(ends: Ends) -> None:
    """Take from a queue of `queue` that stays empty."""
    arrive(ends)
    queue.Queue[None]().get()


def waits_for_an_event(ends: Ends) -> None:
    """Wait for one event after the other."""
    arrive(ends)
    while True:
        threading.Event().wait()


def leaves_a_thread_that_waits(ends: Ends) -> None:
    """Return, and leave a thread behind that waits for events."""
    threading.Thread(target=waits_for_an_event, args=(ends,)).start()


WAYS = [
    loop,
    sleep,
    calls_in_c,
    finalizers,
    weak_callbacks,
    generators,
    collections,
    imports,
    locks,
    handles_exceptions,
    waits_for_its_own_pool,
    waits_for_futures,
    takes_futures_as_completed,
    waits_for_a_result,
    waits_for_a_queue,
    waits_for_an_event,
]


def cleans_up(ends: Ends, marks: str) -> NoReturn:
    """Do something when stopped."""
    try:
        loop(ends)
    finally:
        Path(marks).write_text("cleaned up")


def returns_instead(ends: Ends) -> str:
    """Swallow the interrupt."""
    try:
        loop(ends)
    except TaskInterrupted:
        return "swallowed"


def fails_instead(ends: Ends) -> NoReturn:
    """Turn the interrupt into something else."""
    try:
        loop(ends)
    except TaskInterrupted as error:
        raise LookupError("instead") from error


def ignores(ends: Ends) -> Any:
    """Swallow the interrupt, report that, and continue until the gate is opened."""
    with contextlib.suppress(TaskInterrupted):
        loop(ends)
    return hold(ends)


class EndlessResult:
    """Its pickling never ends."""

    def __init__(self, ends: Ends) -> None:
        self.ends = ends

    def __reduce__(self) -> Any:
        loop(self.ends)


def endless_result(ends: Ends) -> EndlessResult:
    """Return immediately an object that cannot be returned."""
    return EndlessResult(ends)


class EndlessArgument:
    """Its unpickling never ends."""

    def __init__(self, ends: Ends) -> None:
        self.ends = ends

    def __reduce__(self) -> Any:
        return loop, (self.ends,)


class EndlessEnd:
    """Pickles as a number. Its destruction in the worker never ends."""

    def __init__(self, ends: Ends) -> None:
        self.ends = ends

    def __reduce__(self) -> Any:
        return int, ("5",)

    def __del__(self) -> None:
        loop(self.ends)


def endless_end(ends: Ends) -> EndlessEnd:
    """Return an object that keeps running after the result is known."""
    return EndlessEnd(ends)


class EndlessLater:
    """Its destruction never ends, even if the modules that it would need are gone."""

    def __init__(self, ends: Ends) -> None:
        import os

        self.write, self.arrived = os.write, ends[0]

    def __del__(self) -> None:
        self.write(self.arrived, b".")
        while True:
            pass


_kept: list[Any] = []


def keep_in_module(ends: Ends) -> None:
    """Leave such an object in this module."""
    _kept.append(EndlessLater(ends))


def keep_in_main(ends: Ends) -> None:
    """Leave such an object in this interpreter's `__main__`."""
    sys.modules["__main__"].kept = EndlessLater(ends)  # type: ignore[attr-defined]


def keep_in_several_places(ends: Ends) -> None:
    """Leave such objects in modules that are not ours, also in cycles."""
    sys.kept = EndlessLater(ends)  # type: ignore[attr-defined]
    threading.kept = cycle = [EndlessLater(ends)]  # type: ignore[attr-defined]
    cycle.append(cycle)  # type: ignore[arg-type]
    EndlessLater.kept = [EndlessLater(ends)]  # type: ignore[attr-defined]


class EndlessText(Exception):
    """Its repr never ends."""

    def __init__(self, ends: Ends) -> None:
        super().__init__()
        self.ends = ends

    def __str__(self) -> str:
        loop(self.ends)


def endless_text(ends: Ends) -> NoReturn:
    """Raise an exception that cannot be described."""
    raise EndlessText(ends)


def for_a_while(rounds: int) -> int:
    """Run this number of rounds of typical Python code. Return the number."""
    done = 0
    for _ in range(rounds):
        done += len([str(n) for n in range(20)]) // 20
    return done


class EndlessElsewhere:
    """Its destruction never ends, except in the interpreter that has created it."""

    def __init__(self, ends: Ends, home: str | None = None) -> None:
        self.ends = ends
        self.home = work.HERE if home is None else home

    def __reduce__(self) -> Any:
        return EndlessElsewhere, (self.ends, self.home)

    def __del__(self) -> None:
        if self.home != work.HERE:
            loop(self.ends)


def with_closure(ends: Ends) -> Callable[[], bool]:
    """Make a function that crosses by value and keeps such an object in each interpreter."""
    kept = EndlessElsewhere(ends)
    return lambda: kept is not None


def with_closure_in_loop(ends: Ends) -> Callable[[], Coroutine[Any, Any, bool]]:
    """The same, a coroutine function."""
    kept = EndlessElsewhere(ends)

    async def fn() -> bool:
        return kept is not None

    return fn


def leave_waiting_thread(ends: Ends) -> None:
    """Leave a thread behind that waits for the gate."""
    threading.Thread(target=hold, args=(ends,), name="left behind").start()


def leave_thread(ends: Ends) -> str:
    """Return, but leave a thread behind that never ends."""
    threading.Thread(target=loop, args=(ends,), name="left behind").start()
    return "returned"
