"""A tagged function that is called directly in a thread of a pool says so, if warnings of that are wanted."""

from pathlib import Path

import pytest

from support.scripts import Finished, run_script

HEAD = """
    import asyncio, functools, operator, sys, threading
    from concurrent.futures import ThreadPoolExecutor
    from aiointerpreters import InterpreterThreadPoolExecutor, LostTagWarning, current, interpreter

    @interpreter
    def tagged(*args):
        return current().where

    @interpreter
    def other(*args):
        return current().where

    def retrying(fn):
        def wrapper(*args):
            try:
                return fn(*args)
            except OSError:
                return fn(*args)
        return wrapper

    if __name__ == "__main__":
"""


def run(folder: Path, body: str, **changes: str) -> Finished:
    """Run a program whose main part is `body`, with warnings of lost tags unless `changes` of the environment differ."""
    indented = "".join(f"        {line.strip()}\n" for line in body.strip().splitlines())
    return run_script(folder, HEAD + indented, env={"AIOINTERPRETERS_WARN_LOST_TAGS": "1"} | changes)


def warned(finished: Finished) -> list[str]:
    """The functions that were warned of."""
    assert finished.code == 0, finished.stderr
    return [line.split("LostTagWarning: ")[1].split()[0] for line in finished.lines_of_errors if "LostTagWarning: " in line]


LOST = {
    "an untagged call": "with InterpreterThreadPoolExecutor(1) as pool: pool.submit(lambda: [tagged()]).result()",
    "another executor": "with ThreadPoolExecutor(1) as pool: pool.submit(tagged).result()",
    "to_thread": "asyncio.run(asyncio.to_thread(tagged))",
    "anyio": "import anyio.to_thread; anyio.run(anyio.to_thread.run_sync, tagged)",
    "trio": "import anyio.to_thread; anyio.run(anyio.to_thread.run_sync, tagged, backend='trio')",
    "a cache": "with InterpreterThreadPoolExecutor(1) as pool: pool.submit(functools.cache(tagged)).result()",
    "a caller of methods": "with InterpreterThreadPoolExecutor(1) as p: p.submit(operator.methodcaller('__call__'), tagged)",
    "a decorator that tries again": "with InterpreterThreadPoolExecutor(1) as pool: pool.submit(retrying(tagged)).result()",
    "a pool of multiprocessing": "import multiprocessing.pool as m; m.ThreadPool(1).apply(tagged)",
    "a pool in a thread": "with ThreadPoolExecutor(1) as p: p.submit(asyncio.run, asyncio.to_thread(tagged)).result()",
}
FINE = {
    "the main thread": "tagged()",
    "a thread of the program": "t = threading.Thread(target=tagged); t.start(); t.join()",
    "an executor": "with InterpreterThreadPoolExecutor(1) as pool: pool.submit(tagged).result()",
    "a lambda that passes on": "with InterpreterThreadPoolExecutor(1) as pool: pool.submit(lambda: tagged()).result()",
    "a call in a worker": "with InterpreterThreadPoolExecutor(1) as p: p.submit(interpreter(lambda: [tagged()])).result()",
    "the function without the tag": "with ThreadPoolExecutor(1) as pool: pool.submit(tagged.fn).result()",
}


@pytest.mark.parametrize("body", LOST.values(), ids=LOST.keys())
def test_a_call_in_a_thread_of_a_pool_is_named(tmp_path: Path, body: str) -> None:
    assert warned(run(tmp_path, body)) == ["__main__.tagged"]


@pytest.mark.parametrize("body", FINE.values(), ids=FINE.keys())
def test_other_calls_are_silent(tmp_path: Path, body: str) -> None:
    run(tmp_path, body).check()


def test_code_of_an_event_loop_in_a_thread_of_a_pool_is_silent(tmp_path: Path) -> None:
    body = """
        async def main(): return tagged()
        with ThreadPoolExecutor(1) as pool: pool.submit(asyncio.run, main()).result()
    """
    run(tmp_path, body).check()


def test_each_function_is_named_once(tmp_path: Path) -> None:
    body = """
        again = interpreter(tagged.fn)
        calls = lambda: [f() for f in (tagged, again, other, tagged)]
        with InterpreterThreadPoolExecutor(2) as pool: print(pool.submit(calls).result())
        with ThreadPoolExecutor(1) as pool: print(list(pool.map(tagged, range(3))))
    """
    finished = run(tmp_path, body)
    assert warned(finished) == ["__main__.tagged", "__main__.other"]
    assert finished.lines == [str(["thread"] * 4), str(["home"] * 3)]


def test_it_says_where_and_what_to_do(tmp_path: Path) -> None:
    body = "with InterpreterThreadPoolExecutor(1, 'images') as pool: pool.submit(lambda: [tagged()]).result()"
    error = run(tmp_path, body).stderr
    for words in ("script.py:", "thread 'images_0'", "executor.submit(fn, ...)", "fn.fn(...)"):
        assert words in error


@pytest.mark.parametrize(
    ("options", "setting", "is_shown"),
    [
        ((), "", False),
        (("-X", "dev"), "", True),
        (("-X", "dev"), "0", False),
        ((), "1", True),
        (("-W", "ignore::RuntimeWarning"), "1", False),
    ],
)
def test_when_it_is_shown(tmp_path: Path, options: tuple[str, ...], setting: str, is_shown: bool) -> None:
    source = HEAD + "        with ThreadPoolExecutor(1) as pool: pool.submit(tagged).result()\n"
    finished = run_script(tmp_path, source, options=options, env={"AIOINTERPRETERS_WARN_LOST_TAGS": setting})
    assert warned(finished) == ["__main__.tagged"] * is_shown


def test_filters_can_make_it_an_error(tmp_path: Path) -> None:
    body = """
        import warnings
        warnings.simplefilter("error", LostTagWarning)
        with ThreadPoolExecutor(1) as pool: print(type(pool.submit(tagged).exception()).__name__, tagged())
    """
    run(tmp_path, body).check("LostTagWarning home")
