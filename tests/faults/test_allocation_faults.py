"""Memory can run out anywhere in the engine: the call ends with its result or with a clear error, and the next call works.

Each test repeats one use of an executor. In the first repetition the engine's first allocation fails, in the second one the
second, and so on, until a repetition needs fewer allocations. The tests need the build of `make faults`.
"""

from pathlib import Path

import pytest

from support import faults
from support.scripts import run_script

pytestmark = pytest.mark.skipif(not faults.BUILT, reason="needs the build of `make faults`")

HEAD = """
import asyncio, concurrent.futures, faulthandler, logging, os, select, sys, threading
from concurrent.futures.thread import BrokenThreadPool
from aiointerpreters import InterpreterError, InterpreterThreadPoolExecutor, interpreter
from aiointerpreters import NotTransferableError, SharedBuffer, TaskInterrupted
from support import coroutines, endless, failures, faults, memory, shapes, work

faulthandler.dump_traceback_later(230, exit=True)
logging.disable()
sys.unraisablehook = threading.excepthook = lambda _: None  # what cannot be told otherwise
block = bytearray(5000)
arrived, *ends = *os.pipe(), 0
pool = None

def call(fn, *args):
    "Its result in an interpreter."
    return wait_for(pool.submit(interpreter(fn), *args))

def error_of(fn, *args):
    "The type of its exception."
    return type(pool.submit(interpreter(fn), *args).exception(timeout=200))

def wait_for(future):
    "Its result. Who waits longer has lost it."
    return future.result(timeout=200)

def attempt(call, *expected):
    "Call it. It answers something expected, or says that there is no memory."
    try:
        answer = call()
    except MemoryError:
        return
    except BrokenThreadPool as error:
        assert "memory" in str(error).lower(), error
        return
    assert answer in expected, answer

def renew():
    "A pool that works."
    global pool
    if pool is not None:
        pool.shutdown()
    pool = InterpreterThreadPoolExecutor(1)
    assert wait_for(pool.submit(interpreter(work.square), 3)) == 9

def check():
    "The pool still works, unless it says that it is broken."
    for tag in (interpreter, lambda fn: fn):
        try:
            assert wait_for(pool.submit(tag(work.square), 5)) == 25
        except BrokenThreadPool as error:
            assert "memory" in str(error).lower(), error
            return renew()
"""

CALLS = {
    "untagged": "attempt(lambda: wait_for(pool.submit(work.square, 3)), 9)",
    "tagged": "attempt(lambda: call(work.square, 3), 9)",
    "by value": "attempt(lambda: call(lambda n: n + 1, 3), 4)",
    "objects": "attempt(lambda: call(work.echo, shapes.Point(1, 2)), shapes.Point(1, 2))",
    "large bytes": "attempt(lambda: len(call(work.echo, bytes(50_000))), 50_000)",
    "very large bytes": "attempt(lambda: len(call(work.echo, bytes(9_000_000))), 9_000_000)",
    "views": "attempt(lambda: len(call(work.echo, memoryview(block))), 5000)",
    "views of workers": "attempt(lambda: len(call(memory.own_view, 5000)), 5000)",
    "shared buffers": "attempt(lambda: len(memoryview(call(work.echo, SharedBuffer(5000)))), 5000)",
    "exceptions": "attempt(lambda: error_of(failures.fail_with_cause), LookupError, MemoryError, InterpreterError)",
    "refusals": "attempt(lambda: error_of(work.echo, (x for x in ())), NotTransferableError, MemoryError)",
    "refused results": "attempt(lambda: error_of(shapes.make_rows_with_generator),"
    " NotTransferableError, MemoryError, InterpreterError)",
    "map": "attempt(lambda: list(pool.map(interpreter(work.square), range(20), chunksize=7)), [n * n for n in range(20)])",
    "wait": "attempt(lambda: len(concurrent.futures.wait([pool.submit(interpreter(work.square), 3)], timeout=200).done), 1)",
    "callbacks": "attempt(with_callback, True)",
    "cancelled": "attempt(cancel, True, 9)",
    "interrupted": "interrupt()",
    "run": "attempt(lambda: asyncio.run(run(work.square, 3)), 9)",
    "coroutine functions": "attempt(lambda: call(coroutines.square, 3), 9)",
}

USES = """
def with_callback():
    told = threading.Event()
    future = pool.submit(interpreter(work.square), 3)
    future.add_done_callback(lambda _: told.set())
    wait_for(future)
    return told.wait(200)

def several():
    return [wait_for(future) for future in [pool.submit(interpreter(work.square), 3) for _ in range(4)]]

def cancel():
    held = pool.submit(work.square, 2)
    future = pool.submit(interpreter(work.square), 3)
    return future.cancel() or wait_for(future)

def interrupt():
    try:
        future = pool.submit(interpreter(endless.loop), tuple(ends))
    except MemoryError:
        return
    if future.done():
        assert isinstance(future.exception(), (MemoryError, BrokenThreadPool))
        return
    while not future.done() and not select.select([arrived], [], [], 0.01)[0]:
        pass
    if future.done():
        assert isinstance(future.exception(), (MemoryError, BrokenThreadPool)), future.exception()
        return
    os.read(arrived, 1)
    try:
        future.interrupt()
    except (MemoryError, RuntimeError) as error:
        assert isinstance(error, MemoryError) or "can't start new thread" in str(error), error
        faults.fail(0)
        future.interrupt()
    assert isinstance(future.exception(timeout=200), (TaskInterrupted, MemoryError, BrokenThreadPool)), future.exception()

async def run(function, *args):
    return await asyncio.wait_for(pool.run(function, *args), 200)
"""


@pytest.mark.parametrize("lasting", [False, True], ids=["one", "all that follow"])
@pytest.mark.parametrize("use", CALLS.values(), ids=CALLS)
def test_a_call(tmp_path: Path, use: str, lasting: bool) -> None:
    finished = run_script(
        tmp_path,
        HEAD
        + USES
        + f"""
renew()
for _ in range(3):
    {use}
    check()
number = 0
while True:
    number += 1
    faults.fail(number, lasting={lasting})
    {use}
    made = faults.count()
    faults.fail(0)
    check()
    if made < number:
        break
pool.shutdown()
print(number > 1)
""",
    )
    finished.check("True")


STARTS = {
    "untagged": "attempt(lambda: wait_for(pool.submit(work.square, 3)), 9)",
    "tagged": "attempt(lambda: call(work.square, 3), 9)",
    "coroutine function": "attempt(lambda: call(coroutines.square, 3), 9)",
    "run": "attempt(lambda: asyncio.run(run(work.square, 3)), 9)",
    "several": "attempt(several, [9] * 4)",
}


@pytest.mark.parametrize("arguments", ["1", "2", "1, initializer=interpreter(work.square), initargs=(3,)"])
@pytest.mark.parametrize("use", STARTS.values(), ids=STARTS)
def test_a_pools_first_call(tmp_path: Path, use: str, arguments: str) -> None:
    finished = run_script(
        tmp_path,
        HEAD
        + USES
        + f"""
renew()
number, few = 0, 0
while few < 3:  # how many are needed differs
    number += 1
    pool.shutdown()
    pool = None
    try:
        faults.fail(number)
        pool = InterpreterThreadPoolExecutor({arguments})
        {use}
    except MemoryError:
        pass
    made = faults.count()
    faults.fail(0)
    if pool is None:
        renew()
    check()
    few += made < number
pool.shutdown()
print(number >= 3)
""",
    )
    finished.check("True")


ENDS = {
    "idle": "",
    "after a coroutine function": "assert call(coroutines.square, 3) == 9",
    "with calls queued": "futures = [pool.submit(interpreter(work.square), n) for n in range(5)]",
    "with views": "futures = [pool.submit(interpreter(memory.own_view), 5000)]; futures[0].result()",
}


@pytest.mark.parametrize("options", ["", "cancel_futures=True"])
@pytest.mark.parametrize("before", ENDS.values(), ids=ENDS)
def test_a_shutdown(tmp_path: Path, before: str, options: str) -> None:
    finished = run_script(
        tmp_path,
        HEAD
        + USES
        + f"""
renew()
number, few = 0, 0
while few < 3:
    number += 1
    futures = []
    {before or "pass"}
    faults.fail(number)
    try:
        pool.shutdown({options})
    except MemoryError:
        faults.fail(0)
        pool.shutdown({options})
    made = faults.count()
    faults.fail(0)
    for future in futures:
        assert future.done()
    pool = None
    few += made < number
    renew()
pool.shutdown()
print(number >= 3)
""",
    )
    finished.check("True")
