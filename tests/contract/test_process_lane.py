"""Functions with lane="process" run in processes of their own: what ends a process ends one call."""

import asyncio
import functools
import mmap
import os
import select
import signal
import sys
import threading
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import pytest

from aiointerpreters import (
    InterpreterThreadPoolExecutor,
    NotTransferableError,
    ProcessEndedError,
    SharedBuffer,
    TaskInterrupted,
    interpreter,
)
from aiointerpreters.errors import RemoteTraceback
from support import only_home, scripts, work
from support.protocols import MakePool

LARGE = 1 << 20


def in_process(fn: Any) -> Any:
    """Tag a function for processes."""
    return interpreter(fn, lane="process")


def add_up(memory: Any) -> int:
    """Return the sum of the first bytes."""
    return sum(memoryview(memory)[:10])


def write(memory: Any) -> None:
    """Write into memory."""
    memoryview(memory)[:10] = bytes(10)


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    """A named pipe, by which a call reports that it runs."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


def wait_for(pipe: Path) -> None:
    """Wait until the call runs."""
    assert pipe.read_text(encoding="ascii") == "here\n"


def test_it_runs_in_another_process(make_pool: MakePool) -> None:
    pool = make_pool(1)
    future = pool.submit(in_process(work.add), 1, 2, c=3)
    assert future.result() == 6
    assert future.lane == "process"
    assert pool.submit(in_process(only_home.process)).result() != os.getpid()
    assert pool.fallbacks == ()


def test_one_process_is_enough_for_calls_one_after_the_other(make_pool: MakePool) -> None:
    pool = make_pool(4)
    assert len({pool.submit(in_process(only_home.process)).result() for _ in range(20)}) == 1


def test_there_are_no_more_than_wanted(make_pool: MakePool) -> None:
    pool = make_pool(1, max_processes=2)
    processes = {future.result() for future in [pool.submit(in_process(only_home.process)) for _ in range(30)]}
    assert len(processes) <= 2


def test_functions_by_value(make_pool: MakePool) -> None:
    pool = make_pool(1)
    offset = 3
    assert pool.submit(in_process(lambda x: x + offset), 4).result() == 7


def test_rows_of_a_chunk_do_not_reach_each_other(make_pool: MakePool) -> None:
    pool = make_pool(1)
    rows: list[int] = []
    count = 0

    class Local:
        value = 0

    def in_list(row: int) -> int:
        rows.append(row)
        return len(rows)

    def in_variable(_: int) -> int:
        nonlocal count
        count += 1
        return count

    def in_class(_: int) -> int:
        Local.value += 1
        return Local.value

    def a_global(_: int) -> int:
        names = globals()
        names["rows_of_chunk"] = names.get("rows_of_chunk", 0) + 1
        return int(names["rows_of_chunk"])

    async def in_coroutine(row: int) -> int:
        rows.append(row)
        await asyncio.sleep(0)
        return len(rows)

    for fn in (in_list, in_variable, in_class, a_global, in_coroutine, functools.partial(in_list)):
        assert list(pool.map(in_process(fn), range(6), chunksize=3)) == [1] * 6, fn


def test_rows_of_a_chunk_share_a_cache_and_a_function_that_nothing_changes(make_pool: MakePool) -> None:
    pool = make_pool(1)
    rows: list[int] = []
    offset = 3

    @functools.cache
    def square(x: int) -> int:
        return x * x

    def cached(x: int) -> int:
        rows.append(square(x))
        return square.cache_info().misses

    def plain(x: int) -> tuple[int, int]:
        return x + offset, id(sys._getframe().f_globals)

    assert list(pool.map(in_process(cached), [1, 2, 1, 3], chunksize=4)) == [1, 2, 2, 3]
    results = list(pool.map(in_process(plain), range(4), chunksize=4))
    assert [result for result, _ in results] == [3, 4, 5, 6]
    assert len({where for _, where in results}) == 1


def test_exceptions_have_the_text_of_their_traceback(make_pool: MakePool) -> None:
    error = make_pool(1).submit(in_process(only_home.fail), "wrong").exception()
    assert isinstance(error, ValueError)
    assert isinstance(error.__cause__, RemoteTraceback)
    assert "in fail" in str(error.__cause__)
    assert "_process_main" not in str(error.__cause__)


class TestWhatCannotCross:
    """The call fails, and the next one works."""

    def test_an_argument(self, make_pool: MakePool) -> None:
        pool = make_pool(1)
        error = pool.submit(in_process(work.echo), threading.Lock()).exception()
        assert isinstance(error, NotTransferableError)
        assert str(error) == "argument 0: cannot pickle '_thread.lock' object"
        assert pool.submit(in_process(work.echo), 1).result() == 1
        error = pool.submit(in_process(work.add), 1, 2, c=threading.Lock()).exception()
        assert str(error) == "argument 'c': cannot pickle '_thread.lock' object"
        with pytest.raises(NotTransferableError, match=r"argument 1: cannot pickle '_thread.lock' object"):
            list(pool.map(in_process(work.add), [1, 2], [3, threading.Lock()], chunksize=2))

    def test_a_result(self, make_pool: MakePool) -> None:
        pool = make_pool(1)
        error = pool.submit(in_process(threading.Lock)).exception()
        assert isinstance(error, NotTransferableError)
        assert "result" in str(error)
        assert pool.submit(in_process(work.echo), 1).result() == 1


class TestEnds:
    """A process that ends fails its own call alone."""

    @pytest.mark.parametrize(("fn", "argument", "code", "text"), [
        (only_home.die, signal.SIGSEGV, -signal.SIGSEGV, "SIGSEGV"),
        (only_home.die, signal.SIGKILL, -signal.SIGKILL, "SIGKILL"),
        (only_home.leave, 3, 3, "exit code 3"),
    ])  # fmt: skip
    def test_by_itself(self, make_pool: MakePool, pipe: Path, fn: Any, argument: int, code: int, text: str) -> None:
        pool = make_pool(2, max_processes=2)
        other = pool.submit(in_process(only_home.sleep_after), str(pipe))
        wait_for(pipe)
        error = pool.submit(in_process(fn), argument).exception()
        assert isinstance(error, ProcessEndedError)
        assert error.exitcode == code
        assert text in str(error)
        assert f"only_home.{fn.__name__}" in str(error)
        assert pool.submit(in_process(work.square), 3).result() == 9
        assert other.running()
        assert other.interrupt()

    def test_while_it_has_nothing_to_do(self, make_pool: MakePool) -> None:
        pool = make_pool(1, max_processes=1)
        process = pool.submit(in_process(only_home.process)).result()
        descriptor = os.pidfd_open(process)
        os.kill(process, signal.SIGKILL)
        select.select([descriptor], [], [])
        os.close(descriptor)
        assert pool.submit(in_process(only_home.process)).result() != process

    def test_by_an_interrupt(self, make_pool: MakePool, pipe: Path) -> None:
        pool = make_pool(1, max_processes=1)
        future = pool.submit(in_process(only_home.sleep_after), str(pipe))
        queued = pool.submit(in_process(work.square), 3)
        wait_for(pipe)
        assert future.interrupt()
        with pytest.raises(TaskInterrupted):
            future.result()
        assert queued.result() == 9
        assert not future.interrupt()

    def test_by_a_cancelled_await(self, make_pool: MakePool, pipe: Path) -> None:
        pool = make_pool(1, max_processes=1)

        async def main() -> int:
            call = asyncio.ensure_future(pool.run(in_process(only_home.sleep_after), str(pipe)))
            await asyncio.to_thread(wait_for, pipe)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            return await pool.run(in_process(work.square), 4)

        assert asyncio.run(main()) == 16

    def test_by_a_stopped_block(self, pipe: Path) -> None:
        with pytest.raises(KeyboardInterrupt), InterpreterThreadPoolExecutor(1, max_processes=1) as pool:
            future = pool.submit(in_process(only_home.sleep_after), str(pipe))
            queued = pool.submit(in_process(work.square), 3)
            wait_for(pipe)
            raise KeyboardInterrupt
        assert isinstance(future.exception(), TaskInterrupted)
        assert queued.cancelled()


class TestCancelling:
    """A call that waits for a process can be cancelled."""

    def test_by_its_future(self, make_pool: MakePool, pipe: Path) -> None:
        pool = make_pool(1, max_processes=1)
        running = pool.submit(in_process(only_home.sleep_after), str(pipe))
        queued = pool.submit(in_process(work.square), 3)
        wait_for(pipe)
        assert not running.cancel()
        assert queued.cancel()
        assert running.interrupt()
        with pytest.raises(CancelledError):
            queued.result()
        assert pool.submit(in_process(work.square), 3).result() == 9

    def test_by_a_shutdown(self, make_pool: MakePool, pipe: Path) -> None:
        pool = make_pool(1, max_processes=1)
        running = pool.submit(in_process(only_home.sleep_after), str(pipe))
        queued = [pool.submit(in_process(work.square), 3) for _ in range(3)]
        wait_for(pipe)
        pool.shutdown(wait=False, cancel_futures=True)
        assert all(future.cancelled() for future in queued)
        assert running.interrupt()

    def test_nothing_is_accepted_afterwards(self, make_pool: MakePool) -> None:
        pool = make_pool(1)
        pool.shutdown()
        with pytest.raises(RuntimeError, match="after shutdown"):
            pool.submit(in_process(work.square), 3)

        async def main() -> None:
            with pytest.raises(RuntimeError, match="after shutdown"):
                await pool.run(in_process(work.square), 3)

        asyncio.run(main())


class TestMemory:
    """Large memory does not go through the connection."""

    @pytest.mark.parametrize("size", [0, 10, 100_000, LARGE])
    def test_bytes(self, make_pool: MakePool, size: int) -> None:
        pool = make_pool(1)
        for value in (bytes(range(256)) * (size // 256 + 1), "é" * size):
            assert pool.submit(in_process(work.echo), value).result() == value

    @pytest.mark.parametrize("size", [10, LARGE])
    def test_views(self, make_pool: MakePool, size: int) -> None:
        pool = make_pool(1)
        memory = bytearray(b"\1" * size)
        assert pool.submit(in_process(add_up), memoryview(memory)).result() == 10
        assert pool.submit(in_process(bytes), memoryview(bytes(memory))).result() == bytes(memory)
        shaped = memoryview(memory).cast("B").cast("H", (size // 2,))
        assert pool.submit(in_process(work.echo), shaped).result() == shaped

    @pytest.mark.parametrize("size", [10, LARGE])
    def test_it_is_copied_when_the_call_is_submitted(self, make_pool: MakePool, pipe: Path, size: int) -> None:
        pool = make_pool(1, max_processes=1)
        running = pool.submit(in_process(only_home.sleep_after), str(pipe))
        memory = bytearray(b"\1" * size)
        queued = [pool.submit(in_process(add_up), argument) for argument in (memory, memoryview(memory))]
        memory[:] = bytes(size)
        wait_for(pipe)
        assert running.interrupt()
        assert [future.result() for future in queued] == [10, 10]

    def test_shared_buffers(self, make_pool: MakePool) -> None:
        pool = make_pool(1)
        buffer = SharedBuffer(LARGE)
        memoryview(buffer)[:3] = b"abc"
        returned = pool.submit(in_process(work.echo), buffer).result()
        assert isinstance(returned, SharedBuffer)
        assert bytes(memoryview(returned)) == bytes(memoryview(buffer))

    @pytest.mark.parametrize("size", [10, LARGE])
    def test_a_function_cannot_write_what_would_not_come_back(self, make_pool: MakePool, size: int) -> None:
        pool = make_pool(1)
        buffer = SharedBuffer(size)
        memoryview(buffer)[:] = b"\1" * size
        for memory in (buffer, memoryview(buffer), memoryview(bytearray(size))):
            with pytest.raises(TypeError, match="cannot modify read-only memory"):
                pool.submit(in_process(write), memory).result()
            with pytest.raises(TypeError, match="cannot modify read-only memory"):
                pool.submit(in_process(lambda memory=memory: write(memory))).result()
        assert bytes(memoryview(buffer)) == b"\1" * size
        assert not memoryview(pool.submit(in_process(work.echo), buffer).result()).readonly

    def test_arrays(self, make_pool: MakePool) -> None:
        numpy = pytest.importorskip("numpy")
        pool = make_pool(1)
        array = numpy.arange(LARGE).reshape(1024, -1)
        doubled = pool.submit(in_process(numpy.add), array, array).result()
        assert (doubled == array * 2).all()
        assert isinstance(_owner(doubled), mmap.mmap)


def _owner(array: Any) -> Any:
    while not isinstance(array, mmap.mmap):
        array = array.obj if isinstance(array, memoryview) else array.base
    return array


class TestPrograms:
    """Whole programs."""

    def test_a_script_ends_with_its_calls(self, tmp_path: Path) -> None:
        scripts.run_script(
            tmp_path,
            """
            import os
            from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

            @interpreter(lane="process")
            def work(x):
                return x * 2, os.getpid()

            if __name__ == "__main__":
                executor = InterpreterThreadPoolExecutor(2)
                future = executor.submit(work, 21)
                future.add_done_callback(lambda future: print(future.result()[0], future.result()[1] != os.getpid()))
            """,
        ).check("42 True")

    @pytest.mark.parametrize("options", [(), ("-X", "dev")])  # with -X dev, it would tell if the child left a socket open
    def test_a_forked_child_has_processes_of_its_own(self, tmp_path: Path, options: tuple[str, ...]) -> None:
        scripts.run_script(
            tmp_path,
            scripts.FORKING
            + """
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

@interpreter(lane="process")
def work(x):
    return x * 2

def child():
    print(executor.submit(work, 1).result())

if __name__ == "__main__":
    executor = InterpreterThreadPoolExecutor(2)
    print(executor.submit(work, 2).result())
    print(fork(child))
    print(executor.submit(work, 3).result())
""",
            options=options,
        ).check("4", "2", "7", "6")

    def test_a_forked_child_does_not_keep_its_parents_processes(self, tmp_path: Path) -> None:
        scripts.run_script(
            tmp_path,
            scripts.FORKING
            + """
import signal
from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

@interpreter(lane="process")
def work(path):
    import atexit
    atexit.register(print, "ended by itself", flush=True)

if __name__ == "__main__":
    with InterpreterThreadPoolExecutor(2) as executor:
        executor.submit(work, 1).result()
        pid = os.fork()
        if pid == 0:
            while True:
                signal.pause()
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
""",
        ).check("ended by itself")

    def test_an_executor_may_be_dropped(self, tmp_path: Path) -> None:
        scripts.run_script(
            tmp_path,
            """
            import threading
            from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

            @interpreter(lane="process")
            def work(x):
                return x * 2

            if __name__ == "__main__":
                future = InterpreterThreadPoolExecutor(2).submit(work, 21)
                print(future.result())
                for thread in threading.enumerate():
                    if thread is not threading.main_thread():
                        thread.join()
                print("ended")
            """,
        ).check("42", "ended")

    def test_a_script_without_its_guard_is_told(self, tmp_path: Path) -> None:
        finished = scripts.run_script(
            tmp_path,
            """
            from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

            def work(x):
                return x * 2

            error = InterpreterThreadPoolExecutor(2).submit(interpreter(work, lane="process"), 21).exception()
            print(type(error).__name__, "code that starts the work belongs under" in str(error))
            """,
        )
        assert finished.lines == ["ProcessEndedError True"]
        assert 'Put the code that starts the work under\n\n    if __name__ == "__main__":' in finished.stderr
        assert "freeze_support" not in finished.stdout + finished.stderr
