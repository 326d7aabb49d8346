"""Daemon threads that tasks start and never end, as some packages do. Workers import this by name."""

import _thread
import asyncio
import contextlib
import importlib
import logging.handlers
import multiprocessing
import os
import queue
import select
import socket
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support.gate import Ends, hold
from support.work import append_line, remember


def start(name: str, run: Callable[..., object], *args: Any) -> None:
    """Start a daemon thread."""
    threading.Thread(target=run, args=args, name=name, daemon=True).start()


# ---- Threads that an exception stops


def monitor() -> None:
    """Check something now and then, as tqdm does."""

    def run() -> None:
        while not killed.wait(10):
            pass

    killed = threading.Event()
    start("monitor", run)


def waits() -> None:
    """Wait for an event that never comes."""
    start("waits", threading.Event().wait)


def background_worker() -> None:
    """Process a queue, as Sentry's SDK does."""

    def run() -> None:
        while True:
            job = jobs.get()
            with contextlib.suppress(Exception):
                job()
            jobs.task_done()

    jobs: queue.Queue[Callable[[], object]] = queue.Queue()
    start("background worker", run)
    jobs.put(time.time)
    jobs.join()


def new_loop() -> asyncio.AbstractEventLoop:
    """Create an event loop that is never closed, as those libraries do. A debug build would warn about it."""
    warnings.simplefilter("ignore", ResourceWarning)
    return asyncio.new_event_loop()


def event_loop() -> None:
    """Run an event loop in a thread, as fsspec and zarr do."""
    loop = new_loop()
    start("event loop", loop.run_forever)
    asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result()


def event_loop_in_c() -> None:
    """Run uvloop in threads, in all ways to start it."""

    def run() -> None:
        own.run_forever()

    async def wait() -> None:
        ready.set()
        await asyncio.Event().wait()

    uvloop: Any = importlib.import_module("uvloop")
    warnings.simplefilter("ignore", ResourceWarning)
    loop, own, ready = uvloop.new_event_loop(), uvloop.new_event_loop(), threading.Event()
    start("uvloop", loop.run_forever)
    start("function with uvloop", run)
    start("runner of uvloop", uvloop.run, wait())
    for each in (loop, own):
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0), each).result()
    ready.wait()


def executor_of_event_loop() -> None:
    """Let such a loop use its executor. The threads of that executor are daemons too."""
    loop = new_loop()
    start("event loop", loop.run_forever)

    async def use() -> None:
        await asyncio.gather(*(loop.run_in_executor(None, time.sleep, 0.001) for _ in range(3)))

    asyncio.run_coroutine_threadsafe(use(), loop).result()


def standard_executor() -> None:
    """Leave an executor with idle threads."""
    executor = ThreadPoolExecutor(2)
    remember("executor", executor)
    assert list(executor.map(abs, [-1, -2])) == [1, 2]


def feeder() -> None:
    """Use a multiprocessing queue, which feeds its pipe from a thread."""
    items = multiprocessing.get_context("spawn").Queue()
    remember("items", items)
    items.put("item")
    assert items.get() == "item"


def log_listener() -> None:
    """Handle log records in another thread."""
    listener = logging.handlers.QueueListener(queue.Queue())
    remember("listener", listener)
    listener.start()


def spins() -> None:
    """Compute forever."""

    def run() -> None:
        while True:
            pass

    start("spins", run)


def naps() -> None:
    """Sleep for short times."""

    def run() -> None:
        while True:
            time.sleep(0.01)

    start("naps", run)


def without_threading() -> None:
    """Run in a thread that is no threading.Thread."""

    def run() -> None:
        while True:
            time.sleep(0.01)

    _thread.start_new_thread(run, ())


def handles_once() -> None:
    """Ignore the request to end, once."""

    def run() -> None:
        with contextlib.suppress(BaseException):
            threading.Event().wait()
        threading.Event().wait()

    start("handles once", run)


def handles_all() -> None:
    """Ignore each request to end."""

    def run() -> None:
        while True:
            with contextlib.suppress(BaseException):
                while True:
                    time.sleep(0.001)

    start("handles all", run)


def starts_others() -> None:
    """Start another daemon thread at the end."""

    def run() -> None:
        try:
            threading.Event().wait()
        finally:
            start("another", threading.Event().wait)

    start("starts others", run)


PROMPT = [
    monitor,
    waits,
    background_worker,
    event_loop,
    executor_of_event_loop,
    standard_executor,
    feeder,
    log_listener,
    spins,
    naps,
    without_threading,
    starts_others,
]


def notify_at_their_end() -> None:
    """Start pairs of threads. One waits in a condition. The other one notifies it at its own end."""

    def notify(condition: threading.Condition) -> None:
        try:
            threading.Event().wait()
        finally:
            with condition:
                condition.notify()

    def wait(condition: threading.Condition) -> None:
        with condition:
            condition.wait()

    for _ in range(50):
        condition = threading.Condition()
        start("notifies", notify, condition)
        start("waits for it", wait, condition)


def prompt() -> None:
    """Start all of these."""
    for each in PROMPT:
        each()


@contextlib.contextmanager
def _mark_at_end(path: str) -> Iterator[None]:
    try:
        yield
    finally:
        append_line(path, "cleaned up")


def cleans_up(path: str) -> None:
    """Leave a mark when it ends."""
    ready = threading.Event()

    def run() -> None:
        with _mark_at_end(path):
            ready.set()
            threading.Event().wait()

    start("cleans up", run)
    ready.wait()


# ---- Threads that sleep in C, where no exception reaches them


def sleeps() -> None:
    """Sleep for long."""
    start("sleeps", time.sleep, 3600)


def locked_out() -> None:
    """Wait for a lock."""
    lock = threading.Lock()
    lock.acquire()
    start("locked out", lock.acquire)


def receives() -> None:
    """Wait for data that never comes."""
    pair = socket.socketpair()
    remember("pair", pair)
    start("receives", pair[0].recv, 1)


def selects() -> None:
    """Wait for a descriptor."""
    readable, _ = os.pipe()
    start("selects", select.select, [readable], [], [])


def sleeps_without_threading() -> None:
    """Sleep in a thread that is no threading.Thread."""
    _thread.start_new_thread(time.sleep, (3600,))


def reads(ends: Ends) -> None:
    """Wait for the gate."""
    start("reads", os.read, ends[1], 1)


ASLEEP = [sleeps, locked_out, receives, selects]


def asleep() -> None:
    """Start all of these."""
    for each in ASLEEP:
        each()


def has_daemon_threads() -> tuple[bool, bool]:
    """Return whether the thread of this task is a daemon, and whether a thread that it starts is a daemon."""
    return threading.current_thread().daemon, threading.Thread().daemon


def sleeps_at_gate(ends: Ends) -> None:
    """Leave a thread behind that sleeps, and pass the gate."""
    sleeps()
    hold(ends)


def asleep_in_own_pool() -> None:
    """Leave a thread behind in an interpreter that this interpreter has created."""
    with InterpreterThreadPoolExecutor(1) as pool:
        pool.submit(interpreter(sleeps)).result()


def tells_of_its_end(ends: Ends) -> None:
    """Report at the gate when daemon threads are told to end."""
    started = threading.Event()

    def run() -> None:
        try:
            started.set()
            threading.Event().wait()
        finally:
            os.write(ends[0], b".")

    start("tells of its end", run)
    started.wait()


_count = 0


def counts_while_looping(ends: Ends) -> None:
    """Leave a thread behind that counts, and loop forever."""

    def run() -> None:
        global _count
        while True:
            _count += 1
            time.sleep(0.001)

    start("counts", run)
    os.write(ends[0], b".")
    while True:
        pass


def goes_on() -> bool:
    """Wait until the counter has gone up."""
    before = _count
    while _count == before:
        time.sleep(0.001)
    return True
