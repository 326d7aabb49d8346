"""Threads start despite signal handlers that raise, patched threads, and systems that refuse threads."""

import inspect
import sys
import threading
from collections.abc import Callable
from concurrent.futures import thread as standard
from pathlib import Path
from typing import Any

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor
from support import work
from support.protocols import MakePool, Tag
from support.scripts import run_script

# The Python functions that run when a thread starts.
PLACES = [
    (threading.Thread, "__init__"),
    (threading.Thread, "_set_ident"),
    (threading.Thread, "_bootstrap"),
    (threading.Thread, "_bootstrap_inner"),
    (threading.Event, "set"),
    (InterpreterThreadPoolExecutor, "_start_thread"),
]


class Struck(BaseException):
    """An exception raised at an unexpected place."""


@pytest.fixture
def fail_once(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any, str, BaseException], None]:
    """Make the next call of a method raise. Calls that threads of pytest-xdist make for themselves do not count."""

    def fail(owner: Any, name: str, error: BaseException) -> None:
        original = getattr(owner, name)

        def failing(*args: Any, **kwargs: Any) -> Any:
            frame = inspect.currentframe()
            caller = None if frame is None else frame.f_back
            if caller is not None and Path(caller.f_code.co_filename).parent.name in {"xdist", "execnet"}:
                return original(*args, **kwargs)
            monkeypatch.setattr(owner, name, original)
            raise error

        monkeypatch.setattr(owner, name, failing)

    return fail


@pytest.mark.parametrize("error", [RuntimeError("struck"), MemoryError(), TimeoutError(), Struck()], ids=repr)
@pytest.mark.parametrize(("owner", "name"), PLACES, ids=[name for _, name in PLACES])
@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning", "ignore::pytest.PytestUnhandledThreadExceptionWarning"
)
def test_a_start_that_fails_anywhere_is_told_or_makes_no_difference(
    make_pool: MakePool, tag: Tag, fail_once: Callable[..., None], owner: Any, name: str, error: BaseException
) -> None:
    pool = make_pool(1)
    fail_once(owner, name, error)
    try:
        assert pool.submit(tag(work.square), 3).result() == 9
    except type(error) as raised:
        assert raised is error
    assert pool.submit(tag(work.square), 4).result() == 16
    pool.shutdown()
    assert len(pool._threads) == 1


SIGNALS = """
import asyncio, random, signal, threading
from contextlib import suppress
from aiointerpreters import InterpreterThreadPoolExecutor, Runner, RunnerError, interpreter
from support import work

class Struck(KIND):
    pass

def strike(*_):
    raise Struck

longest = 2e-3

def under_fire(act, *args):
    signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-6, longest))
    try:
        return act(*args)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)

async def run(pool):
    # Not the loop itself: what strikes asyncio's own code has it wait for ever, or forget that it has stopped.
    return await under_fire(pool.run, work.square, 3)

signal.signal(signal.SIGALRM, strike)
random.seed(7)
use = USE
for _ in range(10):
    pool = InterpreterThreadPoolExecutor(1)
    runner = Runner(workers=1)
    with suppress(Struck):
        use(pool, runner)
    while True:
        try:
            signal.setitimer(signal.ITIMER_REAL, 0)
            break
        except Struck:
            pass
    with suppress(RunnerError):  # it was struck before it had started
        runner.__exit__(None, None, None)
    assert pool.submit(interpreter(work.square), 3).result() == 9
    assert pool.submit(work.square, 3).result() == 9
    assert list(pool.map(interpreter(work.square), range(4))) == [0, 1, 4, 9]
    pool.shutdown()
for thread in threading.enumerate():
    if thread is not threading.main_thread():
        thread.join()
print("done")
"""

USES = {
    "submit": "lambda pool, _: under_fire(lambda: [pool.submit(fn, 3) for fn in (interpreter(work.square), work.square)])",
    "map": "lambda pool, _: under_fire(pool.map, interpreter(work.square), range(9))",
    "run": "lambda pool, _: asyncio.run(run(pool))",
    "Runner.start": "lambda _, runner: under_fire(runner.start().__enter__)",
}


@pytest.mark.skipif(sys.platform == "win32", reason="there is no setitimer")
@pytest.mark.parametrize(
    ("use", "kind"),
    [*((use, "TimeoutError") for use in USES), *(("submit", kind) for kind in ("KeyboardInterrupt", "BaseException"))],
)
def test_a_signal_handler_that_raises_at_any_moment_loses_no_thread(tmp_path: Path, use: str, kind: str) -> None:
    finished = run_script(tmp_path, SIGNALS.replace("KIND", kind).replace("USE", USES[use], 1))
    assert (finished.code, finished.lines) == (0, ["done"])  # asyncio may report loops that it could not finish creating


def test_no_bytecode_runs_where_a_thread_is_asked_for(make_pool: MakePool, tag: Tag) -> None:
    """A signal handler can raise only where Python code runs on the main thread."""
    pool = make_pool(1)
    here = threading.get_ident()
    events: list[str] = []

    def trace(frame: Any, event: str, _: object) -> Any:
        if threading.get_ident() == here and frame.f_code.co_filename != __file__:
            events.append(f"{frame.f_code.co_filename}:{frame.f_code.co_name}")
        return trace

    pool._max_workers = 1  # all imports have happened
    fn = tag(work.square)
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        future = pool.submit(fn, 3)
    finally:
        sys.settrace(before)
    assert future.result() == 9
    assert [event for event in events if "thread" in event or "executors" in event] == []


def test_an_audit_hook_that_refuses_threads_is_told(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        """
import sys
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import work

refusing = True

def refuse(event, args):
    if refusing and event == "_thread.start_joinable_thread":
        raise PermissionError("no threads here")

sys.addaudithook(refuse)
with InterpreterThreadPoolExecutor(1) as pool:
    try:
        pool.submit(interpreter(work.square), 3)
    except PermissionError as error:
        print(error)
    refusing = False
    print(pool.submit(interpreter(work.square), 3).result())
""",
    ).check("no threads here", "9")


def test_threads_are_threading_s(make_pool: MakePool, tag: Tag) -> None:
    pool = make_pool(1)
    found = pool.submit(work.in_a_thread).result()
    (thread,) = pool._threads
    assert found is thread
    assert thread in threading.enumerate()
    assert thread.is_alive()
    assert not thread.daemon
    assert type(thread) is threading.Thread
    assert thread.native_id is not None
    assert thread in standard._threads_queues
    with pytest.raises(RuntimeError, match="threads can only be started once"):
        thread.start()
    pool.shutdown()
    assert not thread.is_alive()
    assert thread not in threading.enumerate()
    thread.join()


def test_a_thread_can_be_joined_as_soon_as_it_is_there() -> None:
    pool = InterpreterThreadPoolExecutor(4)
    futures = [pool.submit(work.square, n) for n in range(8)]
    threads = list(pool._threads)
    del pool
    for thread in threads:
        thread.join()
    assert [future.result() for future in futures] == [n * n for n in range(8)]


def test_settrace_of_threading_reaches_the_threads(make_pool: MakePool) -> None:
    pool = make_pool(1)
    seen: list[str] = []

    def trace(frame: Any, *_: object) -> None:
        seen.append(frame.f_code.co_name)

    threading.settrace(trace)
    try:
        assert pool.submit(work.square, 3).result() == 9
    finally:
        threading.settrace(None)  # type: ignore[arg-type, unused-ignore]
    assert "square" in seen


PATCHED = """
import sys, threading
real_start = threading.Thread.start
real_run = threading.Thread.run

def start(self):
    self._label = "mine"
    return real_start(self)

def run(self):
    assert self._label == "mine"  # as a tool does it that trusts its own `start`
    return real_run(self)

def refuse(*_, **__):
    raise AssertionError("no thread of this kind")

def patch():
    threading.Thread.start = start
    threading.Thread.run = run
    threading._start_joinable_thread = refuse
    import _thread
    _thread.start_joinable_thread = refuse
    _thread.start_new_thread = refuse
    threading.Event.wait = refuse

if BEFORE:
    patch()
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import work
if not BEFORE:
    patch()
with InterpreterThreadPoolExecutor(2) as pool:
    print(pool.submit(interpreter(work.square), 3).result(), pool.submit(work.square, 4).result())
"""


@pytest.mark.parametrize("before", [True, False])
def test_patched_threads_do_not_matter(tmp_path: Path, before: bool) -> None:
    run_script(tmp_path, PATCHED.replace("BEFORE", str(before))).check("9 16")


GREEN = """
import importlib, warnings
warnings.simplefilter("ignore")
def patch():
    package, name = PATCH.rsplit(".", 1)
    getattr(importlib.import_module(package), name)()
if BEFORE:
    patch()
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import work
if not BEFORE:
    patch()
with InterpreterThreadPoolExecutor(2) as pool:
    print(pool.submit(interpreter(work.square), 3).result(), pool.submit(work.square, 4).result())
left_open = InterpreterThreadPoolExecutor(1)
print(list(left_open.map(interpreter(work.square), range(3))))
"""


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("patch", ["gevent.monkey.patch_all", "eventlet.monkey_patch"])
def test_green_threads_where_they_are_installed(tmp_path: Path, patch: str, before: bool) -> None:
    pytest.importorskip(patch.split(".")[0])
    finished = run_script(tmp_path, GREEN.replace("PATCH", repr(patch)).replace("BEFORE", str(before)))
    assert (finished.code, finished.lines) == (0, ["9 16", "[0, 1, 4]"])
