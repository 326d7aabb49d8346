"""An interrupt can strike while a worker's event loop starts. Then there is a loop or there is none, and no call hangs."""

import itertools
from concurrent.futures.thread import BrokenThreadPool
from pathlib import Path

from aiointerpreters import InterpreterThreadPoolExecutor, TaskInterrupted, interpreter
from support import coroutines, invasive
from support.calls import submit


def test_at_any_moment(tmp_path: Path) -> None:
    """Strike at one line after the other until none is left. The last line is at the loop's end."""
    struck: list[str] = []
    for line in itertools.count():
        marks = tmp_path / str(line)
        pool = InterpreterThreadPoolExecutor(
            1, initializer=interpreter(invasive.strike), initargs=("_event_loop.py", line, str(marks))
        )
        with pool:
            future = submit(pool, coroutines.square, 3)
            error = future.exception()
        if not marks.exists():
            assert error is None
            break
        struck.append(marks.read_text().split()[0])
        if struck[-1] == "wait_for_end":
            assert error is None
        else:
            assert isinstance(error, BrokenThreadPool)
            assert isinstance(error.__cause__, TaskInterrupted)
    assert {*struck} >= {"make_thread", "__init__", "wait_for_end"}


def test_the_thread_is_known_to_threading() -> None:
    with InterpreterThreadPoolExecutor(1, thread_name_prefix="named") as pool:
        assert submit(pool, coroutines.own_thread).result() == ("named_0_loop", True, True, False)
