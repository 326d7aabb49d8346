"""What tasks can do to the process, to their interpreter and to its signals, and how the program ends then."""

import signal
from pathlib import Path

import pytest

from support.scripts import run_script

HEAD = """
import os, signal, sys, threading, time
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import failures, invasive, work
from support import gate as gates
from support.gate import Gate

gate = Gate()
pool = InterpreterThreadPoolExecutor(2)
"""

TAGS = pytest.mark.parametrize("tag", ["interpreter", "work.echo"], ids=["tagged", "untagged"])


# ---- The end of the process by a task


@TAGS
def test_a_task_ends_the_process(tmp_path: Path, tag: str) -> None:
    source = HEAD + f"print('before', flush=True)\npool.submit({tag}(os._exit), 5).result()\nprint('after')\n"
    run_script(tmp_path, source).check("before", code=5)


@TAGS
def test_a_task_ends_the_process_while_others_run(tmp_path: Path, tag: str) -> None:
    run_script(
        tmp_path,
        HEAD.replace("(2)", "(3)")
        + f"""
held = [pool.submit(tag(gates.hold), gate.ends) for tag in (interpreter, work.echo)]
gate.wait_for(2)
pool.submit({tag}(os._exit), 5)
""",
    ).check(code=5)


@TAGS
def test_a_task_aborts(tmp_path: Path, tag: str) -> None:
    run_script(tmp_path, HEAD + f"pool.submit({tag}(os.abort)).result()\n").check(code=-signal.SIGABRT)


@TAGS
def test_a_task_kills_the_process(tmp_path: Path, tag: str) -> None:
    source = HEAD + f"pool.submit({tag}(invasive.send_signal), signal.SIGTERM).result()\ngate.wait_for()\n"
    run_script(tmp_path, source).check(code=-signal.SIGTERM)


LEAVING = ["SystemExit(7)", "SystemExit('text')", "SystemExit()", "KeyboardInterrupt()", "GeneratorExit('text')"]


@TAGS
@pytest.mark.parametrize("error", LEAVING)
def test_what_would_end_a_program_ends_a_task(tmp_path: Path, tag: str, error: str) -> None:
    run_script(
        tmp_path,
        HEAD
        + f"""
futures = [pool.submit({tag}(failures.fail), {error}) for _ in range(3)]
print([repr(future.exception()) for future in futures] == [repr({error})] * 3)
print(pool.submit({tag}(work.square), 3).result())
""",
    ).check("True", "9")


@TAGS
@pytest.mark.parametrize(
    ("error", "code", "stderr"),
    [
        ("SystemExit(7)", 7, []),
        ("SystemExit('text')", 1, ["text"]),
        ("KeyboardInterrupt()", -signal.SIGINT, ["KeyboardInterrupt"]),
        ("GeneratorExit('text')", 1, ["GeneratorExit: text"]),
    ],
)
def test_it_ends_the_program_that_asks_for_the_result(
    tmp_path: Path, tag: str, error: str, code: int, stderr: list[str]
) -> None:
    finished = run_script(tmp_path, HEAD + f"pool.submit({tag}(failures.fail), {error}).result()\n")
    assert (finished.code, finished.stdout, finished.stderr.splitlines()[-1:]) == (code, "", stderr)
    assert "TaskInterrupted" not in finished.stderr


# ---- Streams and modules


@pytest.mark.parametrize("function", ["replace_streams", "lose_streams"])
def test_a_task_replaces_the_streams_of_its_interpreter(tmp_path: Path, function: str) -> None:
    run_script(
        tmp_path,
        HEAD
        + f"""
print("before", flush=True)
pool.submit(interpreter(invasive.{function})).result()
print(pool.submit(interpreter(print), "nowhere to be seen").result())
pool.submit(interpreter(invasive.drop_what_fails)).result()
""",
    ).check("before", "None")


@pytest.mark.parametrize("name", ["untagged", "tagged"])
@pytest.mark.parametrize("function", ["close_streams", "close_output"])
def test_a_task_closes_what_the_process_prints_to(tmp_path: Path, function: str, name: str) -> None:
    """Later output of home is lost, as with the standard library. Earlier output is not."""
    source = f"""
import sys
from support import invasive, work
from support.kinds import Kind

kind = Kind(sys.argv[1])
executor = kind.executor_type(1)
print("before", flush=True)
executor.submit(kind.call(invasive.{function})).result()
if executor.submit(kind.call(work.square), 3).result() == 9:
    sys.exit(7)
"""
    finished = run_script(tmp_path, source, args=[name])
    assert finished == run_script(tmp_path, source, args=["original"])
    finished.check("before", code=7)


@pytest.mark.parametrize(
    "names",
    [
        "",
        "'threading', 'atexit', 'logging'",
        "'aiointerpreters', 'aiointerpreters._core', 'aiointerpreters._lifecycle', 'aiointerpreters.executors'",
        "'sys', 'builtins', '__main__'",
        "'pickle', 'copyreg', 'cloudpickle', 'importlib', 'importlib._bootstrap'",
    ],
    ids=["all", "threads", "package", "basic", "pickle"],
)
def test_a_task_removes_modules(tmp_path: Path, names: str) -> None:
    """The call itself ends. Other calls and the program go on."""
    finished = run_script(
        tmp_path,
        HEAD
        + f"""
print(pool.submit(interpreter(work.squares_in_own_pool), [3]).result()[0])
pool.submit(interpreter(invasive.remove_modules), *[{names}]).exception()
futures = [pool.submit(interpreter(work.square), 3), pool.submit(interpreter(work.echo), 3 + 4j)]
futures += [pool.submit(interpreter(lambda: 5)), pool.submit(interpreter(failures.fail_below))]
for future in futures:
    future.exception()
print(pool.submit(work.square, 3).result())
""",
    )
    assert (finished.code, finished.lines) == (0, ["[9]", "9"])
    if names:
        assert finished.stderr == ""


# ---- Signals


@pytest.mark.parametrize("function", ["set_signal_handler", "set_wakeup_fd"])
@TAGS
def test_signal_handlers_are_the_main_thread_s(tmp_path: Path, tag: str, function: str) -> None:
    run_script(
        tmp_path,
        HEAD
        + f"""
error = pool.submit({tag}(invasive.{function})).exception()
print(type(error).__name__, "only works in main thread of the main interpreter" in str(error))
print(signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL)
""",
    ).check("ValueError True", "True")


WAITS = {
    "result": "future.result()",
    "exception": "future.exception()",
    "wait": "concurrent.futures.wait([future])",
    "shutdown": "pool.shutdown()",
    "map": "list(pool.map(tag(gates.hold), [gate.ends]))",
}


@TAGS
@pytest.mark.parametrize("wait", WAITS.values(), ids=WAITS.keys())
def test_a_signal_handler_runs_while_home_waits(tmp_path: Path, tag: str, wait: str) -> None:
    run_script(
        tmp_path,
        HEAD
        + f"""
import concurrent.futures
tag = {tag}
signal.signal(signal.SIGTERM, lambda number, _: (print("handled", number), gate.open(2)))
future = pool.submit(tag(gates.hold), gate.ends, "result")
gate.wait_for()
threading.Timer(0.01, os.kill, (os.getpid(), signal.SIGTERM)).start()
{wait}
print(future.result())
""",
    ).check("handled 15", "result")


@TAGS
@pytest.mark.parametrize("number", ["SIGALRM", "SIGTERM"])
@pytest.mark.parametrize("raised", ["SystemExit(7)", "LookupError('from a handler')"])
def test_a_signal_handler_ends_the_wait(tmp_path: Path, tag: str, number: str, raised: str) -> None:
    finished = run_script(
        tmp_path,
        HEAD
        + f"""
def handle(*_):
    gate.open()  # or the program would wait for the task at its end
    raise {raised}

signal.signal(signal.{number}, handle)
future = pool.submit({tag}(gates.hold_then), gate.ends, print, "the task has ended")
gate.wait_for()
threading.Timer(0.01, os.kill, (os.getpid(), signal.{number})).start()
future.result()
""",
    )
    assert finished.lines == ["the task has ended"]
    if "SystemExit" in raised:
        assert (finished.code, finished.stderr) == (7, "")
    else:
        assert finished.code == 1
        assert finished.stderr.splitlines()[-1] == "LookupError: from a handler"


@TAGS
def test_a_signal_handler_at_exit(tmp_path: Path, tag: str) -> None:
    """The end of the program waits for the task. Meanwhile signal handlers run."""
    run_script(
        tmp_path,
        HEAD
        + f"""
def handle(number, _):
    print("handled", number, flush=True)
    gate.open()

signal.signal(signal.SIGTERM, handle)
pool.submit({tag}(gates.hold_then), gate.ends, print, "the task has ended")
gate.wait_for()

# Before the package's own, which came first: so the signal comes while that waits, or right before.
threading._register_atexit(os.kill, os.getpid(), signal.SIGTERM)
""",
    ).check("handled 15", "the task has ended")


@TAGS
def test_the_wakeup_fd_hears_of_signals_while_home_waits(tmp_path: Path, tag: str) -> None:
    run_script(
        tmp_path,
        HEAD
        + f"""
reader, writer = os.pipe2(os.O_NONBLOCK)
os.set_blocking(reader, True)
signal.signal(signal.SIGUSR1, lambda *_: None)
signal.set_wakeup_fd(writer)
future = pool.submit({tag}(gates.hold), gate.ends, "result")
gate.wait_for()

def wake():
    os.kill(os.getpid(), signal.SIGUSR1)
    print(list(os.read(reader, 10)))
    gate.open()

threading.Thread(target=wake).start()
print(future.result(), signal.set_wakeup_fd(-1) == writer)
""",
    ).check("[10]", "result True")


@TAGS
def test_many_signals_do_no_harm(tmp_path: Path, tag: str) -> None:
    run_script(
        tmp_path,
        HEAD
        + f"""
signals = 0
def count(*_):
    global signals
    signals += 1

signal.signal(signal.SIGALRM, count)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
while signals < 20:
    assert list(pool.map({tag}(work.square), range(200))) == [n * n for n in range(200)]
signal.setitimer(signal.ITIMER_REAL, 0)
print("fine")
""",
    ).check("fine")
