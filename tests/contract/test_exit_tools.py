"""Tools that watch a program: faulthandler, tracing, profiling, monitoring, tracemalloc, Python's options."""

import re
import signal
import sys
from pathlib import Path

import pytest

from support.scripts import run_python, run_script

HEAD = """
import faulthandler, os, signal, sys, threading, tracemalloc
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import invasive, failures, work
from support import gate as gates
from support.gate import Gate
from support.tracing import stop_tracing
"""

HOLD = """
gate = Gate()
pool = InterpreterThreadPoolExecutor(2)
held = [pool.submit(tag(gates.hold), gate.ends, "held") for tag in (interpreter, work.echo)]
gate.wait_for(2)
"""

RELEASE = """
gate.open(2)
print([future.result() for future in held])
"""


def check_is_dump(text: str) -> None:
    """The dump shows the stacks of home's threads and nothing else. A worker that runs a function of home is among them."""
    heads = [line for line in text.splitlines() if line and not line.startswith("  ")]
    for line in heads:
        assert re.match(r"(Current thread|Thread) 0x\w+( \[.*\])? \(most recent call first\):$", line), line
    assert len(heads) >= 2
    assert re.search(r'File ".*gate\.py", line \d+ in hold\n', text)
    assert re.search(r'File ".*script\.py", line \d+ in <module>\n', text)


@pytest.mark.parametrize("options", [[], ["-X", "faulthandler"], ["-X", "dev"]], ids=["", "faulthandler", "dev"])
def test_faulthandler_shows_the_stacks_while_workers_run(tmp_path: Path, options: list[str]) -> None:
    finished = run_script(tmp_path, HEAD + HOLD + "faulthandler.dump_traceback()\n" + RELEASE, options=options)
    assert (finished.code, finished.lines) == (0, ["['held', 'held']"])
    check_is_dump(finished.stderr)


def test_faulthandler_shows_them_on_a_signal(tmp_path: Path) -> None:
    finished = run_script(
        tmp_path,
        HEAD
        + HOLD
        + """
faulthandler.register(signal.SIGUSR1)
os.kill(os.getpid(), signal.SIGUSR1)
"""
        + RELEASE,
    )
    assert (finished.code, finished.lines) == (0, ["['held', 'held']"])
    check_is_dump(finished.stderr)


@pytest.mark.parametrize("tag", ["interpreter", "work.echo"], ids=["tagged", "untagged"])
def test_faulthandler_shows_where_a_task_has_crashed(tmp_path: Path, tag: str) -> None:
    source = HEAD + HOLD.replace("(2)", "(3)", 1) + f"pool.submit({tag}(work.call), os.abort).result()"
    finished = run_script(tmp_path, source, options=["-X", "faulthandler"])
    assert (finished.code, finished.stdout) == (-signal.SIGABRT, "")
    assert finished.stderr.startswith("Fatal Python error: Aborted\n")
    assert re.search(r'File ".*work\.py", line \d+ in call\n', finished.stderr)


WATCHERS = {
    "settrace": """
def watch(frame, event, argument, seen=seen):
    seen.add(frame.f_code.co_name)
    return watch

threading.settrace_all_threads(watch)
""",
    "setprofile": """
def watch(frame, event, argument, seen=seen):
    seen.add(frame.f_code.co_name)

threading.setprofile_all_threads(watch)
""",
    "monitoring": """
events = sys.monitoring
events.use_tool_id(events.PROFILER_ID, "test")
events.register_callback(events.PROFILER_ID, events.events.PY_START, lambda code, _, see=seen.add: see(code.co_name))
events.set_events(events.PROFILER_ID, events.events.PY_START)
""",
}


@pytest.mark.parametrize("when", ["before", "while they run"])
@pytest.mark.parametrize("watcher", WATCHERS.values(), ids=WATCHERS.keys())
def test_home_s_watcher_sees_home_s_functions(tmp_path: Path, watcher: str, when: str) -> None:
    """It sees the functions in threads, not the ones in interpreters. It stays on until the end."""
    hold, release = HOLD, RELEASE
    run_script(
        tmp_path,
        HEAD
        + "seen = set()\n"
        + (watcher + hold if when == "before" else hold + watcher)
        + release
        + """
print(pool.submit(work.square, 3).result(), pool.submit(interpreter(work.divide), 6, 2).result())
print(list(pool.map(interpreter(work.divide), [4, 2], [2, 2], chunksize=2)))
print(pool.submit(interpreter(work.divide), 6, 0).exception())
print(pool.submit(interpreter(lambda: 5)).result())
print("square" in seen, "divide" in seen)
""",
    ).check("['held', 'held']", "9 3.0", "[2.0, 1.0]", "division by zero", "5", "True False")


def test_a_trace_function_that_raises(tmp_path: Path) -> None:
    """The function fails with that exception, as in any thread. Later functions work."""
    run_script(
        tmp_path,
        HEAD
        + """
def watch(frame, event, argument):
    if frame.f_code.co_name == "square":
        raise LookupError("from a trace function")

threading.settrace(watch)
pool = InterpreterThreadPoolExecutor(1)
print(repr(pool.submit(work.square, 3).exception()))
print(pool.submit(work.square, 3).result(), pool.submit(interpreter(work.square), 3).result())
""",
    ).check("LookupError('from a trace function')", "9 9")


def test_tasks_trace_what_runs_in_their_interpreter(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        HEAD
        + """
pool = InterpreterThreadPoolExecutor(1)
for watch in (invasive.traced_names, invasive.monitored_names):
    print(pool.submit(interpreter(watch), work.call, work.square, 3).result())
""",
    ).check("['call', 'square']", "['call', 'square']")


def test_a_task_leaves_a_trace_function_behind(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        HEAD
        + """
pool = InterpreterThreadPoolExecutor(1)
pool.submit(interpreter(invasive.leave_trace_function)).result()
print(pool.submit(interpreter(work.square), 3).result(), pool.submit(work.square, 4).result())
print(type(pool.submit(interpreter(failures.fail_with_cause)).exception()).__name__)
""",
    ).check("9 16", "LookupError")


def test_profiles_of_home(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        HEAD
        + """
import cProfile, pstats
def names(profile):
    return {name for _, _, name in pstats.Stats(profile).stats}

pool = InterpreterThreadPoolExecutor(2)
with cProfile.Profile() as profile:
    print(sum(pool.map(interpreter(work.square), range(50))), sum(pool.map(work.square, range(50))))
print("map" in names(profile), "divide" in names(profile))
print(pool.submit(cProfile.runctx, "work.square(3)", {"work": work}, {}, os.devnull).result())
""",
    ).check("40425 40425", "True False", "None")


PROGRAM = """
import sys
sys.path[:0] = sys.argv[1].split(":")
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import failures, invasive, work

def local(x):
    return x + 1

if __name__ == "__main__":
    pool = InterpreterThreadPoolExecutor(2)
    print(list(pool.map(interpreter(work.square), range(4))), list(pool.map(work.square, range(4))))
    print(pool.submit(interpreter(local), 1).result(), pool.submit(interpreter(lambda: 5)).result())
    print(type(pool.submit(interpreter(failures.fail_with_cause)).exception()).__name__)
    with InterpreterThreadPoolExecutor(2) as other:
        other.submit(interpreter(work.import_modules), ["asyncio", "datetime", "logging", "decimal"]).result()
        print(other.submit(interpreter(invasive.square_in_own_pool), 3).result())
"""

PRINTED = ["[0, 1, 4, 9] [0, 1, 4, 9]", "2 5", "LookupError", "18"]

OPTIONS = {
    "-E": [],
    "-s": [],
    "-P": [],
    "-OO": [],
    "-bb": [],
    "-B": [],
    "-u": [],
    "-X frozen_modules=off": [],
    "-X frozen_modules=on": [],
    "-X no_debug_ranges": [],
    "-X utf8=0": [],
    "-X cpu_count=1": [],
    "-X int_max_str_digits=640": [],
    "-X warn_default_encoding": [],
    "-X pycache_prefix=cache": [],
    "-X perf": [],
    "-X lazy_imports=all": [(3, 15)],
    "-X lazy_imports=normal": [(3, 15)],
    "-X context_aware_warnings=1 -W error": [(3, 14)],
    "-X dev -X faulthandler -W error -I": [],
}


@pytest.mark.parametrize("options", [name for name, least in OPTIONS.items() if all(sys.version_info >= v for v in least)])
def test_options(tmp_path: Path, options: str) -> None:
    (tmp_path / "script.py").write_text(PROGRAM, encoding="utf-8")
    path = ":".join([str(Path(__file__).parents[1])])
    run_python(*options.split(), "script.py", path, cwd=tmp_path).check(*PRINTED)


@pytest.mark.parametrize("setting", ["PYTHONMALLOC=debug", "PYTHONMALLOC=malloc", "PYTHONMALLOC=malloc_debug"])
def test_allocators(tmp_path: Path, setting: str) -> None:
    from support.scripts import environment

    (tmp_path / "script.py").write_text(PROGRAM, encoding="utf-8")
    name, _, value = setting.partition("=")
    path = str(Path(__file__).parents[1])
    run_python("script.py", path, cwd=tmp_path, env=environment(**{name: value})).check(*PRINTED)


def test_import_times_are_told_and_nothing_else(tmp_path: Path) -> None:
    finished = run_script(tmp_path, PROGRAM, options=["-X", "importtime"], args=[""])
    assert (finished.code, finished.lines) == (0, PRINTED)
    assert [line for line in finished.stderr.splitlines() if not line.startswith("import time:")] == []


TRACING = {
    "stopped before": """
tracemalloc.start(5)
print(sum(pool.map(interpreter(work.square), range(100))), sum(pool.map(work.square, range(100))))
print(tracemalloc.get_traced_memory()[0] > 0, len(tracemalloc.take_snapshot().traces) > 0)
stop_tracing(pool, 2)
""",
    "twice": """
for _ in range(2):
    tracemalloc.start()
    print(sum(pool.map(interpreter(work.square), range(100))))
    stop_tracing(pool, 2)
""",
}


@pytest.mark.parametrize("source", TRACING.values(), ids=TRACING.keys())
def test_tracemalloc_around_tasks(tmp_path: Path, source: str) -> None:
    finished = run_script(
        tmp_path, HEAD + "pool = InterpreterThreadPoolExecutor(2)\npool.submit(interpreter(work.nothing)).result()" + source
    )
    assert (finished.code, finished.stderr) == (0, "")
    assert finished.lines in (["328350 328350", "True True"], ["328350", "328350"])
