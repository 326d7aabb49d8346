"""Other processes beside a live pool: multiprocessing, subprocess, fork. Nothing on stderr, exit codes as they should be."""

from pathlib import Path

import pytest

from support.scripts import run_script

HEAD = """
import multiprocessing, os, subprocess, sys, threading, warnings
from concurrent.futures import ProcessPoolExecutor
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import invasive, work
from support import gate as gates
from support.gate import Gate

warnings.filterwarnings("ignore", ".*multi-threaded, use of fork", DeprecationWarning)  # whatever the threads are
"""

METHODS = ["spawn", "forkserver", "fork"]
WITHOUT_FORK = METHODS[:2]  # a fork while interpreters are running code cannot work (hazard 16)


@pytest.mark.parametrize("method", METHODS)
def test_processes_beside_idle_workers(tmp_path: Path, method: str) -> None:
    run_script(
        tmp_path,
        HEAD
        + f"""
if __name__ == "__main__":
    pool = InterpreterThreadPoolExecutor(2)
    print(list(pool.map(interpreter(work.square), range(3))), list(pool.map(work.square, range(3))))
    print(invasive.square_in_process_pool("{method}", 4))
    print(invasive.square_in_processes("{method}", 4))
    print(invasive.start_process("{method}"))
    print(pool.submit(interpreter(work.square), 5).result(), pool.submit(work.square, 6).result())
""",
    ).check("[0, 1, 4] [0, 1, 4]", "[0, 1, 4, 9]", "[0, 1, 4, 9]", "7", "25 36")


@pytest.mark.parametrize("method", METHODS)
def test_processes_beside_a_busy_thread(tmp_path: Path, method: str) -> None:
    run_script(
        tmp_path,
        HEAD
        + f"""
if __name__ == "__main__":
    gate = Gate()
    pool = InterpreterThreadPoolExecutor(2)
    print(pool.submit(interpreter(work.square), 4).result())
    held = pool.submit(gates.hold, gate.ends, "held")
    gate.wait_for()
    print(invasive.square_in_process_pool("{method}", 4))
    print(invasive.start_process("{method}"))
    print(pool.submit(interpreter(work.square), 5).result())
    gate.open()
    print(held.result())
""",
    ).check("16", "[0, 1, 4, 9]", "7", "25", "held")


@pytest.mark.parametrize("method", WITHOUT_FORK)
def test_processes_beside_busy_interpreters(tmp_path: Path, method: str) -> None:
    run_script(
        tmp_path,
        HEAD
        + f"""
if __name__ == "__main__":
    gate = Gate()
    pool = InterpreterThreadPoolExecutor(2)
    held = [pool.submit(interpreter(gates.hold), gate.ends, "held") for _ in range(2)]
    gate.wait_for(2)
    print(invasive.square_in_process_pool("{method}", 4))
    print(invasive.start_process("{method}"))
    gate.open(2)
    print([future.result() for future in held])
""",
    ).check("[0, 1, 4, 9]", "7", "['held', 'held']")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("function", ["square_in_own_pool", "square_in_pool_left_behind"])
def test_children_use_pools_of_their_own(tmp_path: Path, method: str, function: str) -> None:
    results = {"square_in_own_pool": "[18, 32]", "square_in_pool_left_behind": "[9, 16]"}
    run_script(
        tmp_path,
        HEAD
        + f"""
def use(number):
    print(invasive.{function}(number), flush=True)

if __name__ == "__main__":
    pool = InterpreterThreadPoolExecutor(2)
    print(pool.submit(interpreter(work.square), 5).result(), flush=True)
    context = multiprocessing.get_context("{method}")
    with ProcessPoolExecutor(1, context) as processes:
        print(list(processes.map(invasive.{function}, [3, 4])), flush=True)
    process = context.Process(target=use, args=(3,))
    process.start()
    process.join()
    print(process.exitcode, pool.submit(interpreter(work.square), 6).result())
""",
    ).check("25", results[function], results[function][1:].partition(",")[0], "0 36")


def test_a_forked_child_uses_the_pool_that_it_has_inherited(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        HEAD
        + """
def local(number):
    return number + 1

def use():
    print(pool.submit(interpreter(local), 3).result(), pool.submit(local, 4).result(), flush=True)

if __name__ == "__main__":
    pool = InterpreterThreadPoolExecutor(2)
    use()
    process = multiprocessing.get_context("fork").Process(target=use)
    process.start()
    process.join()
    print(process.exitcode, flush=True)
    use()
""",
    ).check("4 5", "4 5", "0", "4 5")


@pytest.mark.parametrize("method", WITHOUT_FORK)
def test_a_pool_at_the_script_s_module_level(tmp_path: Path, method: str) -> None:
    """The child process creates a pool too."""
    run_script(
        tmp_path,
        HEAD
        + f"""
pool = InterpreterThreadPoolExecutor(2)

def use():
    print(pool.submit(interpreter(work.square), 3).result(), pool.submit(work.square, 4).result(), flush=True)

if __name__ == "__main__":
    use()
    process = multiprocessing.get_context("{method}").Process(target=use)
    process.start()
    process.join()
    print(process.exitcode, flush=True)
    use()
""",
    ).check("9 16", "9 16", "0", "9 16")


@pytest.mark.parametrize("method", WITHOUT_FORK)
def test_a_pool_at_module_level_of_a_script_that_workers_need(tmp_path: Path, method: str) -> None:
    """Each interpreter that runs the script creates a pool too and does not use it. multiprocessing allows that."""
    run_script(
        tmp_path,
        HEAD
        + f"""
pool = InterpreterThreadPoolExecutor(2)

def local(number):
    return number + 1

def use():
    print(pool.submit(interpreter(local), 3).result(), pool.submit(local, 4).result(), flush=True)

if __name__ == "__main__":
    use()
    process = multiprocessing.get_context("{method}").Process(target=use)
    process.start()
    process.join()
    print(process.exitcode, flush=True)
""",
    ).check("4 5", "4 5", "0")


@pytest.mark.parametrize("method", WITHOUT_FORK)
def test_a_tagged_function_starts_processes(tmp_path: Path, method: str) -> None:
    run_script(
        tmp_path,
        HEAD
        + f"""
if __name__ == "__main__":
    with InterpreterThreadPoolExecutor(2) as pool:
        print(pool.submit(interpreter(invasive.start_process), "{method}").result())
        print(pool.submit(interpreter(invasive.start_process), "{method}").result())
""",
    ).check("7", "7")


def test_pools_of_processes_in_an_interpreter(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        HEAD
        + """
if __name__ == "__main__":
    pool = InterpreterThreadPoolExecutor(2)
    for fn in (invasive.square_in_process_pool, invasive.square_in_processes):
        print(pool.submit(interpreter(fn), "spawn", 3).result())
""",
    ).check("[0, 1, 4]", "[0, 1, 4]")


def test_processes_of_several_interpreters_at_once(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        HEAD
        + """
if __name__ == "__main__":
    pool = InterpreterThreadPoolExecutor(2)
    gate = Gate()
    futures = [pool.submit(interpreter(gates.hold_then), gate.ends, invasive.start_process, "spawn") for _ in range(2)]
    gate.wait_for(2)
    gate.open(2)
    print([future.result() for future in futures])
    print(invasive.start_process("spawn"))
""",
    ).check("[7, 7]", "7")


def test_what_needs_fork_is_refused_in_an_interpreter(tmp_path: Path) -> None:
    """CPython refuses it, because such a child would be a child of the whole process."""
    finished = run_script(
        tmp_path,
        HEAD
        + """
def failure(fn, *args):
    error = pool.submit(interpreter(fn), *args).exception()
    return f"{type(error).__name__}: {error}"

if __name__ == "__main__":
    pool = InterpreterThreadPoolExecutor(1)
    python = sys.executable
    for fn, *args in [
        (os.fork,),
        (os.forkpty,),
        (os.execv, python, [python, "-c", "print('replaced')"]),
        (os.execve, python, [python, "-c", "print('replaced')"], {}),
        (os.execlp, python, python, "-c", "print('replaced')"),
        (invasive.start_process, "fork"),
        (invasive.run_child_with_preexec,),
    ]:
        print(failure(fn, *args))
    print(pool.submit(interpreter(work.square), 3).result())
""",
    )
    assert (finished.code, finished.stderr) == (0, "")
    assert finished.lines == [
        "RuntimeError: fork not supported for isolated subinterpreters",
        "RuntimeError: fork not supported for subinterpreters",
        "RuntimeError: exec not supported for isolated subinterpreters",
        "RuntimeError: exec not supported for isolated subinterpreters",
        "RuntimeError: exec not supported for isolated subinterpreters",
        "RuntimeError: fork not supported for isolated subinterpreters",
        "RuntimeError: preexec_fn not supported within subinterpreters",
        "9",
    ]


@pytest.mark.parametrize("tag", ["interpreter", "work.echo"], ids=["tagged", "untagged"])
def test_tasks_run_programs(tmp_path: Path, tag: str) -> None:
    run_script(
        tmp_path,
        HEAD
        + f"""
pool = InterpreterThreadPoolExecutor(2)
futures = [pool.submit({tag}(invasive.run_child), f"print({{n}}); raise SystemExit({{n}})") for n in range(4)]
print([future.result() for future in futures])
print(pool.submit({tag}(invasive.posix_spawn_child)).result())
""",
    ).check("[(0, '0\\n'), (1, '1\\n'), (2, '2\\n'), (3, '3\\n')]", "7")


@pytest.mark.parametrize("where", ["idle", "busy"])
def test_home_runs_programs_beside_interpreters(tmp_path: Path, where: str) -> None:
    run_script(
        tmp_path,
        HEAD
        + f"""
gate = Gate()
pool = InterpreterThreadPoolExecutor(2)
print(pool.submit(interpreter(work.square), 3).result())
if "{where}" == "busy":
    pool.submit(interpreter(gates.hold), gate.ends)
    gate.wait_for()
print(invasive.run_child("print('child')"), invasive.posix_spawn_child())
if "{where}" == "idle":
    print(invasive.run_child_with_preexec(), pool.submit(invasive.run_child_with_preexec).result())
gate.open()
print(pool.submit(interpreter(work.square), 4).result())
""",
    ).check(
        "9",
        r"(0, 'child\n') 7",
        *[r"(0, 'child\n') (0, 'child\n')"] * (where == "idle"),
        "16",
    )


def test_home_is_replaced_by_another_program(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        HEAD
        + """
gate = Gate()
pool = InterpreterThreadPoolExecutor(2)
pool.submit(interpreter(gates.hold), gate.ends)
pool.submit(gates.hold, gate.ends)
gate.wait_for(2)
os.execv(sys.executable, [sys.executable, "-c", "print('replaced'); raise SystemExit(7)"])
""",
    ).check("replaced", code=7)


def test_a_forked_child_may_leave_at_once(tmp_path: Path) -> None:
    run_script(
        tmp_path,
        HEAD
        + """
pool = InterpreterThreadPoolExecutor(2)
print(pool.submit(interpreter(work.square), 3).result(), flush=True)
for leave in (os._exit, sys.exit):
    child = os.fork()
    if child == 0:
        leave(5)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
print(pool.submit(interpreter(work.square), 4).result())
""",
    ).check("9", "5", "5", "16")
