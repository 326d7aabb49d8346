"""Every pool that bench_pools.py and bench_growth.py compare, each behind one small adapter.

A pool is used here as its own documentation uses it, with its defaults. Only the number of workers is given. This file
imports no pool itself. A process imports only the one that it measures, so the same file runs with release 0.6.0 and with
free-threaded CPython. `CANNOT` lists the things that a pool cannot do.
"""

import asyncio
import contextlib
import importlib
import importlib.util
import os
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

type Function = Callable[..., Any]


class Pool(ABC):
    """An open pool, with one way to make a call and one to make many. Times are measured on the caller's side."""

    @abstractmethod
    def latencies(self, function: Function, arguments: tuple[object, ...], calls: int) -> list[float]:
        """Returns the microseconds of each of `calls` calls. Each is awaited before the next one."""

    @abstractmethod
    def batch(self, function: Function, arguments: Sequence[object]) -> list[Any]:
        """Calls the function once for each argument, all at the same time. Returns the results in order."""


@dataclass
class Blocking(Pool):
    """A pool whose caller blocks. `call` makes one call and waits for it. `many` makes one for each argument."""

    call: Callable[..., Any]
    many: Callable[[Function, Sequence[object]], list[Any]]
    prepare: Callable[[Function], Function] = field(default=lambda function: function)

    def latencies(self, function: Function, arguments: tuple[object, ...], calls: int) -> list[float]:
        call, prepared, now, taken = self.call, self.prepare(function), time.perf_counter_ns, []
        for _ in range(calls):
            start = now()
            call(prepared, *arguments)
            taken.append((now() - start) / 1000)
        return taken

    def batch(self, function: Function, arguments: Sequence[object]) -> list[Any]:
        return self.many(self.prepare(function), arguments)


@dataclass
class Awaited(Pool):
    """A pool whose caller awaits in the event loop of `runner`."""

    call: Callable[..., Awaitable[Any]]
    runner: asyncio.Runner
    prepare: Callable[[Function], Function] = field(default=lambda function: function)

    def latencies(self, function: Function, arguments: tuple[object, ...], calls: int) -> list[float]:
        async def one_by_one() -> list[float]:
            call, prepared, now, taken = self.call, self.prepare(function), time.perf_counter_ns, []
            for _ in range(calls):
                start = now()
                await call(prepared, *arguments)
                taken.append((now() - start) / 1000)
            return taken

        return self.runner.run(one_by_one())

    def batch(self, function: Function, arguments: Sequence[object]) -> list[Any]:
        async def gathered() -> list[Any]:
            prepared = self.prepare(function)
            return await asyncio.gather(*(self.call(prepared, argument) for argument in arguments))

        return self.runner.run(gathered())


def of_executor(executor: Any, prepare: Callable[[Function], Function] = lambda function: function) -> Pool:
    """Returns the adapter for a pool with a `submit` that returns futures with a `result`."""
    submit = executor.submit

    def call(function: Function, *arguments: object) -> Any:
        return submit(function, *arguments).result()

    def many(function: Function, arguments: Sequence[object]) -> list[Any]:
        futures = [submit(function, argument) for argument in arguments]
        return [future.result() for future in futures]

    return Blocking(call, many, prepare)


@contextlib.contextmanager
def no_pool(workers: int) -> Iterator[Pool]:
    """Calls the function directly. This measures the cost of the work alone."""
    yield Blocking(lambda function, *arguments: function(*arguments), lambda function, many: list(map(function, many)))


@contextlib.contextmanager
def standard(name: str, workers: int) -> Iterator[Pool]:
    """A pool of `concurrent.futures`, by the name of its class."""
    with getattr(importlib.import_module("concurrent.futures"), name)(workers) as executor:
        yield of_executor(executor)


@contextlib.contextmanager
def ours(workers: int) -> Iterator[Pool]:
    """This package through `submit` with tagged functions. Release 0.6.0 has the same names, so this serves it too."""
    package = _imported("aiointerpreters.executors")
    with package.InterpreterThreadPoolExecutor(workers) as executor:
        yield of_executor(executor, package.interpreter)


@contextlib.contextmanager
def ours_awaited(workers: int) -> Iterator[Pool]:
    """This package through `await executor.run(...)`."""
    with _imported("aiointerpreters").InterpreterThreadPoolExecutor(workers) as executor, asyncio.Runner() as runner:
        yield Awaited(executor.run, runner)


@contextlib.contextmanager
def loky(workers: int) -> Iterator[Pool]:
    """loky's executor, not the reusable one, which is the same with a time limit."""
    with _imported("loky").ProcessPoolExecutor(workers) as executor:
        yield of_executor(executor)


@contextlib.contextmanager
def joblib(workers: int) -> Iterator[Pool]:
    """A `Parallel` that stays open, as its documentation advises for repeated use."""
    package = _imported("joblib")
    delayed = package.delayed
    with package.Parallel(n_jobs=workers) as parallel:

        def call(function: Function, *arguments: object) -> Any:
            return parallel([delayed(function)(*arguments)])[0]

        def many(function: Function, arguments: Sequence[object]) -> list[Any]:
            results: list[Any] = parallel(delayed(function)(argument) for argument in arguments)
            return results

        yield Blocking(call, many)


@contextlib.contextmanager
def pebble(workers: int) -> Iterator[Pool]:
    """`submit` accepts a time limit for each call. None is given here."""
    with _imported("pebble").ProcessPool(max_workers=workers) as pool:

        def call(function: Function, *arguments: object) -> Any:
            return pool.submit(function, None, *arguments).result()

        def many(function: Function, arguments: Sequence[object]) -> list[Any]:
            futures = [pool.submit(function, None, argument) for argument in arguments]
            return [future.result() for future in futures]

        yield Blocking(call, many)


@contextlib.contextmanager
def mpire(workers: int) -> Iterator[Pool]:
    """`apply_async` for each call. The workers stay alive between the calls."""
    with _imported("mpire").WorkerPool(n_jobs=workers, keep_alive=True) as pool:

        def call(function: Function, *arguments: object) -> Any:
            return pool.apply_async(function, arguments).get()

        def many(function: Function, arguments: Sequence[object]) -> list[Any]:
            results = [pool.apply_async(function, (argument,)) for argument in arguments]
            return [result.get() for result in results]

        yield Blocking(call, many)


@contextlib.contextmanager
def aiomultiprocess(workers: int) -> Iterator[Pool]:
    """It calls coroutine functions only, so it gets coroutine functions that do the same work."""
    package, coroutines = _imported("aiomultiprocess"), _imported("coroutine_workloads")

    async def opened() -> Any:
        pool = package.Pool(processes=workers)
        return await pool.__aenter__()

    with asyncio.Runner() as runner:
        pool = runner.run(opened())
        try:
            yield Awaited(
                lambda function, *arguments: pool.apply(function, arguments),
                runner,
                lambda function: getattr(coroutines, function.__name__),
            )
        finally:
            runner.run(pool.__aexit__(None, None, None))


@contextlib.contextmanager
def anyio(workers: int) -> Iterator[Pool]:
    """`to_interpreter.run_sync`, with at most as many calls at a time as there are workers.

    Its own limiter only limits how many calls run. Each waiting call already has an interpreter, so a thousand calls at the
    same time would create a thousand interpreters.
    """
    run_sync, room = _imported("anyio.to_interpreter").run_sync, asyncio.Semaphore(workers)

    async def call(function: Function, *arguments: object) -> Any:
        async with room:
            return await run_sync(function, *arguments)

    with asyncio.Runner() as runner:
        yield Awaited(call, runner)


@dataclass(frozen=True)
class Peer:
    """A pool that is compared: how it is opened, and its requirements.

    `package` must be installed and Python must be at least `since`, otherwise `missing` gives the reason. `python`
    names the other Python in which it is measured. Workers of a `shared` pool are threads of one interpreter.
    """

    name: str
    open: Callable[[int], contextlib.AbstractContextManager[Pool]]
    package: str = ""
    since: tuple[int, int] = (3, 13)
    python: str = ""
    shared: bool = False

    def missing(self) -> str:
        """Returns the reason why this Python does not have it, or an empty string."""
        if sys.version_info < self.since:
            return f"new in Python {self.since[0]}.{self.since[1]}"
        if self.package and importlib.util.find_spec(self.package) is None:
            return f"{self.package} is not installed (the extra `rivals`)"
        return ""


def _standard(name: str) -> Callable[[int], contextlib.AbstractContextManager[Pool]]:
    return lambda workers: standard(name, workers)


OURS, OURS_AWAITED = "aiointerpreters, tagged", "aiointerpreters, run"
OLD_RELEASE, FREE_THREADED = "release 0.6.0", "free-threaded CPython"
NO_POOL = "no pool"
ALL = (
    Peer(OURS, ours, "aiointerpreters"),
    Peer(OURS_AWAITED, ours_awaited, "aiointerpreters"),
    Peer("InterpreterPoolExecutor", _standard("InterpreterPoolExecutor"), since=(3, 14)),
    Peer("ThreadPoolExecutor", _standard("ThreadPoolExecutor"), shared=True),
    Peer("ProcessPoolExecutor", _standard("ProcessPoolExecutor")),
    Peer("loky", loky, "loky"),
    Peer("joblib", joblib, "joblib"),
    Peer("pebble", pebble, "pebble"),
    Peer("mpire", mpire, "mpire"),
    Peer("aiomultiprocess", aiomultiprocess, "aiomultiprocess"),
    Peer("anyio.to_interpreter", anyio, "anyio", since=(3, 14)),
    Peer(OLD_RELEASE, ours, python="old release"),
    Peer(FREE_THREADED, _standard("ThreadPoolExecutor"), python="free-threaded", shared=True),
    Peer(NO_POOL, no_pool, shared=True),
)
BY_NAME = {peer.name: peer for peer in ALL}

CANNOT = {
    NO_POOL: "no second core; the caller waits",
    "ThreadPoolExecutor": "Python code runs on one core; a running call cannot be stopped",
    "InterpreterPoolExecutor": "NumPy and most compiled packages cannot be imported; a running call cannot be stopped",
    "ProcessPoolExecutor": "no closures or lambdas; memory is not shared; stopping a call kills processes (3.14)",
    "loky": "memory is not shared; stopping a call kills all workers",
    "joblib": "no futures: results come when a whole batch is done, or in order from a generator; no asyncio",
    "pebble": "no closures or lambdas; memory is not shared; stopping a call kills its worker",
    "mpire": "memory is not shared between calls, apart from objects that the pool is made with; no asyncio",
    "aiomultiprocess": "coroutine functions only; no use without asyncio; an exception arrives as text",
    "anyio.to_interpreter": "asyncio and Trio only; NumPy and most compiled packages cannot be imported",
    OLD_RELEASE: "values are pickled; a running call cannot be stopped; NumPy cannot be imported",
    FREE_THREADED: "needs a build of its own, and packages that are built for it; code that shares objects needs locks",
}
"""What a pool cannot do, in words. None of it is measured here."""


def _imported(name: str) -> ModuleType:
    """Imports a module that need not be installed when types are checked."""
    return importlib.import_module(name)


def memory_of_the_tree() -> float:
    """Returns the megabytes (10^6 bytes) of the machine's memory that this process and its descendants use (Linux).

    A page that several of them share, for example after a fork, counts once. Pages of files do not count.
    """
    return sum(_memory(pid) for pid in _tree(os.getpid()))


def _tree(pid: int) -> list[int]:
    found = [pid]
    with contextlib.suppress(FileNotFoundError):  # it has ended meanwhile
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as children:
                found += [below for child in children.read().split() for below in _tree(int(child))]
    return found


def _memory(pid: int) -> float:
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as lines:
        kibibytes = sum(int(line.split()[1]) for line in lines if line.startswith(("Pss_Anon:", "Pss_Shmem:")))
    return kibibytes * 1024 / 1e6
