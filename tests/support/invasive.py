"""Tasks that affect the process in which they run. Workers import this by name."""

import atexit
import gc
import io
import logging
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any, NoReturn

from aiointerpreters import InterpreterThreadPoolExecutor, TaskInterrupted, interpreter
from support.gate import Ends, hold_then
from support.work import append_line, echo, square

# ---- Other processes


def run_child(source: str) -> tuple[int, str]:
    """Run Python on this source; returns its exit code and what it printed."""
    done = subprocess.run([sys.executable, "-c", source], stdout=subprocess.PIPE, text=True, check=False)
    return done.returncode, done.stdout


def run_child_with_preexec() -> tuple[int, str]:
    """The same with a function that is called between fork and exec."""
    command = [sys.executable, "-c", "print('child')"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, preexec_fn=os.getpid, check=False)
    return done.returncode, done.stdout


def posix_spawn_child() -> int:
    """Start a process without fork; returns its exit code."""
    process = os.posix_spawn(sys.executable, [sys.executable, "-c", "raise SystemExit(7)"], os.environ)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def start_process(method: str) -> int | None:
    """Start a process with multiprocessing; returns its exit code."""
    process = multiprocessing.get_context(method).Process(target=leave_code, args=(7,))  # type: ignore[attr-defined]
    process.start()
    process.join()
    code: int | None = process.exitcode
    process.close()
    return code


def leave_code(code: int) -> NoReturn:
    """End a process."""
    sys.exit(code)


def square_in_processes(method: str, number: int) -> list[int]:
    """Use a ProcessPoolExecutor."""
    with ProcessPoolExecutor(2, multiprocessing.get_context(method)) as processes:
        return list(processes.map(square, range(number)))


def square_in_process_pool(method: str, number: int) -> list[int]:
    """Use a multiprocessing.Pool."""
    with multiprocessing.get_context(method).Pool(2) as processes:
        return processes.map(square, range(number))


def square_in_own_pool(number: int) -> int:
    """Use a pool of this process."""
    with InterpreterThreadPoolExecutor(2) as pool:
        return pool.submit(interpreter(square), number).result() + pool.submit(square, number).result()


def square_in_pool_left_behind(number: int) -> int:
    """Use a pool and do not shut it down before the end of the process."""
    global _left_behind
    _left_behind = InterpreterThreadPoolExecutor(2)
    return _left_behind.submit(interpreter(square), number).result()


_left_behind: InterpreterThreadPoolExecutor | None = None

# ---- Threads and exit handlers


def start_thread(ends: Ends, path: str) -> None:
    """Leave a thread behind. It runs until the gate is opened, and then leaves a mark."""
    threading.Thread(target=hold_then, args=(ends, append_line, path, "the thread")).start()


def square_in_standard_pool(number: int) -> int:
    """Use a ThreadPoolExecutor of the standard library, and leave it with an idle thread."""
    global _standard_pool
    _standard_pool = ThreadPoolExecutor(1)
    return _standard_pool.submit(square, number).result()


_standard_pool: ThreadPoolExecutor | None = None


def start_thread_that_logs(ends: Ends) -> None:
    """Leave an executor behind that uses objects which end with the interpreter."""
    threading.Thread(target=hold_then, args=(ends, logging.warning, "from a thread of a task")).start()


def fail_loudly(text: str) -> NoReturn:
    """Raise."""
    raise LookupError(text)


def start_thread_that_fails(ends: Ends | None = None) -> None:
    """Start a thread that ends with an exception. Wait for it unless it is held."""
    if ends is None:
        thread = threading.Thread(target=fail_loudly, args=("in a thread",), name="failing")
        thread.start()
        thread.join()
    else:
        threading.Thread(target=hold_then, args=(ends, fail_loudly, "in a thread"), name="failing").start()


def start_thread_that_exits(code: int) -> None:
    """Start a thread that calls sys.exit, and wait for it."""
    thread = threading.Thread(target=sys.exit, args=(code,))
    thread.start()
    thread.join()


def at_exit(fn: Callable[..., Any], *args: Any) -> None:
    """Call this when the interpreter ends."""
    atexit.register(fn, *args)


def start_thread_at_exit(path: str) -> None:
    """Start a thread when the interpreter ends."""

    def start() -> None:
        threading.Thread(target=append_line, args=(path, "the thread")).start()

    atexit.register(start)


def make_pool_at_exit() -> None:
    """Create and use a pool when the interpreter ends."""

    def use() -> None:
        try:
            InterpreterThreadPoolExecutor(1).submit(interpreter(square), 3)
        except RuntimeError as error:
            print(error, flush=True)

    atexit.register(use)


# ---- Hooks


def use_hooks_that_print() -> None:
    """Replace the hooks that report unhandled exceptions."""
    threading.excepthook = lambda args: print("threading:", args.exc_value, flush=True)
    sys.unraisablehook = lambda args: print("unraisable:", args.exc_value, flush=True)
    sys.excepthook = lambda _type, error, _trace: print("excepthook:", error, flush=True)


class FailsWhenDropped:
    """Has a finalizer that raises."""

    def __init__(self) -> None:
        self.me = self

    def __del__(self) -> None:
        raise LookupError("in a finalizer")


def drop_what_fails() -> None:
    """Let a finalizer raise."""
    FailsWhenDropped().me = None  # type: ignore[assignment]
    gc.collect()


def keep_what_fails() -> None:
    """Leave an object behind. Its finalizer raises when the interpreter ends."""
    global _kept
    _kept = FailsWhenDropped()


_kept: object = None

# ---- The state of process and interpreter


def replace_streams() -> None:
    """Redirect the output of this interpreter."""
    sys.stdout = sys.stderr = io.StringIO()


def lose_streams() -> None:
    """Remove the output streams."""
    sys.stdout = sys.stderr = sys.stdin = None


def close_streams() -> None:
    """Close this interpreter's streams, and with them the streams of the process."""
    sys.stdout.close()
    sys.stderr.close()


def close_output() -> None:
    """Close descriptors that belong to the whole process."""
    os.close(1)
    os.close(2)


def remove_modules(*names: str) -> None:
    """Forget modules; all of them if no names are given."""
    for name in names or list(sys.modules):
        sys.modules.pop(name, None)


def set_signal_handler() -> None:
    """Call functions that only the main interpreter may call."""
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)


def set_wakeup_fd() -> None:
    """The same."""
    signal.set_wakeup_fd(-1)


def send_signal(number: int) -> None:
    """Send the process a signal."""
    os.kill(os.getpid(), number)


def traced_names(fn: Callable[..., Any], *args: Any) -> list[str]:
    """Call with a trace function. Return the names of the functions of `support` that it has seen."""
    seen = []

    def trace(frame: Any, _event: str, _arg: object) -> None:
        if frame.f_globals["__name__"].startswith("support"):
            seen.append(frame.f_code.co_name)

    sys.settrace(trace)
    try:
        fn(*args)
    finally:
        sys.settrace(None)
    return seen


def leave_trace_function() -> None:
    """Trace everything from now on."""
    sys.settrace(lambda *_: echo(None))
    sys.setprofile(lambda *_: echo(None))


def monitored_names(fn: Callable[..., Any], *args: Any) -> list[str]:
    """Call while sys.monitoring is on. Return the names of the functions of `support` that it has seen."""
    seen = []
    monitoring = sys.monitoring
    monitoring.use_tool_id(monitoring.DEBUGGER_ID, "test")

    def started(code: Any, _offset: int) -> None:
        if os.sep + "support" + os.sep in code.co_filename:
            seen.append(code.co_name)

    monitoring.register_callback(monitoring.DEBUGGER_ID, monitoring.events.PY_START, started)
    monitoring.set_events(monitoring.DEBUGGER_ID, monitoring.events.PY_START)
    try:
        fn(*args)
    finally:
        monitoring.set_events(monitoring.DEBUGGER_ID, 0)
        monitoring.free_tool_id(monitoring.DEBUGGER_ID)
    return seen


def strike(file_name: str, line: int, marks: str) -> None:
    """Interrupt this thread at a line of that file: the `line`-th line that it reaches from now on.

    marks: this file is written when the interrupt strikes.
    """
    left = line

    def trace(frame: Any, event: str, _arg: object) -> Any:
        nonlocal left
        if not frame.f_code.co_filename.endswith(file_name) or frame.f_code.co_name == "<module>":
            return None
        left -= event == "line"
        if left < 0:
            sys.settrace(None)
            append_line(marks, f"{frame.f_code.co_name} {frame.f_lineno}")
            raise TaskInterrupted
        return trace

    sys.settrace(trace)
