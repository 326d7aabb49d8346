"""The process ends cleanly from every state: the exit code is right, stderr is empty, queued work is done."""

from pathlib import Path

import pytest

from support.scripts import run_python, run_script

HEAD = """
import os, sys, threading
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import work, failures, shapes
from support import gate as gates
from support.gate import Gate
"""

TAGS = pytest.mark.parametrize("tag", ["interpreter", "work.echo"], ids=["tagged", "untagged"])


@TAGS
def test_a_program_may_end_with_idle_workers(tmp_path: Path, tag: str) -> None:
    run_script(
        tmp_path,
        HEAD
        + f"""
pool = InterpreterThreadPoolExecutor(2)
print(list(pool.map({tag}(work.square), range(4))))
""",
    ).check("[0, 1, 4, 9]")


def test_a_program_may_end_with_a_pool_that_was_never_used(tmp_path: Path) -> None:
    run_script(tmp_path, HEAD + "pool = InterpreterThreadPoolExecutor(2)\n").check()


def test_a_program_may_only_import_the_package(tmp_path: Path) -> None:
    run_script(tmp_path, "import aiointerpreters\n", options=["-X", "dev", "-W", "error"]).check()


@TAGS
def test_queued_tasks_are_carried_out_before_the_program_ends(tmp_path: Path, tag: str) -> None:
    marks = tmp_path / "marks"
    run_script(
        tmp_path,
        HEAD
        + f"""
pool = InterpreterThreadPoolExecutor(1)
for n in range(100):
    pool.submit({tag}(work.append_line), {str(marks)!r}, str(n))
""",
    ).check()
    assert marks.read_text().split() == [str(n) for n in range(100)]


@TAGS
def test_running_tasks_finish_before_the_program_ends(tmp_path: Path, tag: str) -> None:
    marks = tmp_path / "marks"
    run_script(
        tmp_path,
        HEAD
        + f"""
gate = Gate()
pool = InterpreterThreadPoolExecutor(2)
for n in range(2):
    pool.submit({tag}(gates.hold_then), gate.ends, work.append_line, {str(marks)!r}, "passed")
gate.wait_for(2)
threading.Thread(target=gate.open, args=(2,)).start()
""",
    ).check()
    assert marks.read_text().split() == ["passed", "passed"]


@TAGS
def test_a_dropped_pool_s_tasks_are_carried_out_before_the_program_ends(tmp_path: Path, tag: str) -> None:
    marks = tmp_path / "marks"
    run_script(
        tmp_path,
        HEAD
        + f"""
for n in range(20):
    InterpreterThreadPoolExecutor(1).submit({tag}(work.append_line), {str(marks)!r}, str(n))
""",
    ).check()
    assert sorted(marks.read_text().split(), key=int) == [str(n) for n in range(20)]


@pytest.mark.parametrize("code", [0, 3])
@TAGS
def test_sys_exit_keeps_its_code(tmp_path: Path, tag: str, code: int) -> None:
    run_script(
        tmp_path,
        HEAD
        + f"""
pool = InterpreterThreadPoolExecutor(2)
pool.submit({tag}(work.square), 3).result()
for n in range(10):
    pool.submit({tag}(work.square), n)
sys.exit({code})
""",
    ).check(code=code)


@TAGS
def test_an_unhandled_exception_ends_with_its_traceback_alone(tmp_path: Path, tag: str) -> None:
    finished = run_script(
        tmp_path,
        HEAD
        + f"""
pool = InterpreterThreadPoolExecutor(2)
pool.submit({tag}(work.square), 3).result()
raise LookupError("the end")
""",
    )
    assert finished.code == 1
    lines = finished.stderr.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-1] == "LookupError: the end"
    assert len([line for line in lines if not line.startswith(" ")]) == 2


@TAGS
def test_an_unhandled_exception_of_a_task_ends_with_one_traceback(tmp_path: Path, tag: str) -> None:
    finished = run_script(
        tmp_path,
        HEAD
        + f"""
pool = InterpreterThreadPoolExecutor(2)
pool.submit({tag}(failures.fail_below)).result()
""",
    )
    assert finished.code == 1
    assert finished.stderr.splitlines()[-1] == "ValueError: no such row: 3"
    assert "Fatal" not in finished.stderr


def test_a_failed_task_that_nobody_asked_about_is_no_news(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        HEAD
        + """
pool = InterpreterThreadPoolExecutor(1)
pool.submit(interpreter(failures.fail_below))
pool.submit(failures.fail_below)
pool.submit(interpreter(failures.leave), 5)
pool.submit(interpreter(shapes.make_generator))
""",
    ).check()


@TAGS
def test_a_pool_made_in_a_thread_that_has_ended(tmp_path: Path, tag: str) -> None:
    run_script(
        tmp_path,
        HEAD
        + f"""
pools = []
def make():
    pools.append(InterpreterThreadPoolExecutor(2))
    print(pools[0].submit({tag}(work.square), 3).result())
thread = threading.Thread(target=make)
thread.start()
thread.join()
print(pools[0].submit({tag}(work.square), 4).result())
""",
    ).check("9", "16")


@TAGS
def test_a_pool_that_only_a_running_thread_uses(tmp_path: Path, tag: str) -> None:
    run_script(
        tmp_path,
        HEAD
        + f"""
submitted = threading.Event()
def use():
    with InterpreterThreadPoolExecutor(2) as pool:
        results = pool.map({tag}(work.square), range(100))
        submitted.set()
        print(sum(results))
threading.Thread(target=use).start()
submitted.wait()
""",
    ).check("328350")


@TAGS
def test_a_daemon_thread_that_waits_for_a_result_does_not_hold_the_program(tmp_path: Path, tag: str) -> None:
    run_script(
        tmp_path,
        HEAD
        + f"""
gate = Gate()
pool = InterpreterThreadPoolExecutor(1)
future = pool.submit({tag}(gates.hold), gate.ends)
gate.wait_for()
for _ in range(3):
    threading.Thread(target=future.result, daemon=True).start()
gate.open()
""",
    ).check()


def test_submitting_while_the_interpreter_shuts_down_is_refused(tmp_path: Path) -> None:
    finished = run_script(
        tmp_path,
        HEAD
        + """
import atexit
pool = InterpreterThreadPoolExecutor(1)
pool.submit(interpreter(work.square), 3).result()

@atexit.register
def late():
    for fn in (interpreter(work.square), work.square):
        try:
            pool.submit(fn, 3)
        except RuntimeError as error:
            print(error)
""",
    )
    assert (finished.code, finished.stderr) == (0, "")
    assert len(finished.lines) == 2
    for line in finished.lines:
        assert line.startswith("cannot schedule new futures after")


def test_results_can_be_read_while_the_interpreter_shuts_down(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        HEAD
        + """
import atexit
pool = InterpreterThreadPoolExecutor(1)
future = pool.submit(interpreter(shapes.Point), 1, 2)

@atexit.register
def late():
    print(future.result())
""",
    ).check("Point(x=1, y=2)")


def test_callbacks_are_called_before_the_program_ends(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        HEAD
        + """
pool = InterpreterThreadPoolExecutor(1)
for n in range(3):
    future = pool.submit(interpreter(work.square), n)
    future.add_done_callback(lambda future: print(future.result()))
""",
    ).check("0", "1", "4")


def test_what_workers_print_is_not_lost(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        HEAD
        + """
pool = InterpreterThreadPoolExecutor(1)
pool.submit(interpreter(print), "from a worker").result()
""",
    ).check("from a worker")


def test_exit_handlers_registered_by_a_task_run_when_its_interpreter_ends(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    run_script(
        tmp_path,
        HEAD
        + f"""
with InterpreterThreadPoolExecutor(1) as pool:
    pool.submit(interpreter(work.at_exit), {str(marks)!r}, "with").result()
pool = InterpreterThreadPoolExecutor(1)
pool.submit(interpreter(work.at_exit), {str(marks)!r}, "at exit").result()
""",
    ).check()
    assert marks.read_text().splitlines() == ["with", "at exit"]


def test_pools_in_global_cycles_and_other_modules_are_cleared(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        HEAD
        + """
class Owner:
    def __init__(self):
        self.pool = InterpreterThreadPoolExecutor(1)
        self.me = self
        self.future = self.pool.submit(interpreter(work.square), 3)
    def __del__(self):
        self.pool.shutdown(wait=False)

sys.owner = Owner()
work.owner = Owner()
owners = [Owner() for _ in range(2)]
print(sys.owner.future.result())
""",
    ).check("9")


@pytest.mark.parametrize("options", [["-X", "dev"], ["-W", "error"], ["-X", "dev", "-W", "error"], ["-I"], ["-O"]])
def test_a_program_is_clean_under_every_option(tmp_path: Path, options: list[str]) -> None:
    source = """
        import sys
        sys.path[:0] = sys.argv[1].split(":")
        from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
        from support import failures, work

        def local(x):
            return x + 1

        if __name__ == "__main__":
            pool = InterpreterThreadPoolExecutor(2)
            print(list(pool.map(interpreter(work.square), range(4))))
            print(pool.submit(interpreter(local), 1).result(), pool.submit(interpreter(lambda: 5)).result())
            print(type(pool.submit(interpreter(failures.fail_with_cause)).exception()).__name__)
            print(pool.submit(work.square, 3).result())
            with InterpreterThreadPoolExecutor(1) as other:
                other.submit(interpreter(work.import_modules), ["asyncio", "datetime", "logging"]).result()
    """
    from support.scripts import environment

    path = environment()["PYTHONPATH"]
    run_script(tmp_path, source, options=options, args=[path]).check("[0, 1, 4, 9]", "2 5", "LookupError", "9")


MODULES = [
    "datetime",
    "decimal",
    "json",
    "asyncio",
    "ctypes",
    "sqlite3",
    "ssl",
    "struct",
    "cmath",
    "zoneinfo",
    "logging",
    "multiprocessing",
    "concurrent.futures",
    "hashlib",
    "random",
    "xml.etree.ElementTree",
]


@pytest.mark.parametrize("home_first", [False, True], ids=["home never", "home later"])
def test_modules_imported_by_workers_first(tmp_path: Path, home_first: bool) -> None:
    run_script(
        tmp_path,
        HEAD
        + f"""
gate = Gate()
with InterpreterThreadPoolExecutor(4) as pool:
    futures = [
        pool.submit(interpreter(gates.hold_then), gate.ends, work.import_modules, {MODULES}) for _ in range(4)
    ]
    gate.wait_for(4)
    gate.open(4)
    print({{len(future.result()) for future in futures}})
if {home_first}:
    for name in {MODULES}:
        __import__(name)
    import datetime
    datetime.datetime.now()
pool = InterpreterThreadPoolExecutor(2)
print(pool.submit(interpreter(work.import_modules), {MODULES[::-1]}).result()[0])
""",
    ).check("{16}", "xml.etree.ElementTree")


def test_datetime_used_by_one_worker_after_the_other(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        HEAD
        + """
for n in range(4):
    with InterpreterThreadPoolExecutor(2) as pool:
        print(pool.submit(interpreter(work.a_date)).result())
""",
    ).check(*["2024-02-29"] * 4)


@pytest.mark.parametrize("how", ["-c", "stdin"])
def test_programs_without_a_file_end_cleanly(how: str) -> None:
    source = "from aiointerpreters import *\np = InterpreterThreadPoolExecutor(2)\np.submit(interpreter(lambda: 5))\n"
    if how == "-c":
        run_python("-c", source).check()
    else:
        run_python(stdin=source).check()


def test_asyncio_programs_end_cleanly(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        HEAD
        + """
import asyncio

async def main():
    loop = asyncio.get_running_loop()
    loop.set_default_executor(InterpreterThreadPoolExecutor(2))
    print(await asyncio.gather(*(asyncio.to_thread(interpreter(work.square), n) for n in range(4))))

asyncio.run(main(), debug=True)
""",
        options=["-X", "dev", "-W", "error"],
    ).check("[0, 1, 4, 9]")


def test_exit_while_many_pools_are_alive(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        HEAD
        + """
pools = [InterpreterThreadPoolExecutor(1) for _ in range(8)]
futures = [pool.submit(interpreter(work.import_modules), ["decimal", "datetime"]) for pool in pools]
print(futures[-1].result())
""",
    ).check("['decimal', 'datetime']")
