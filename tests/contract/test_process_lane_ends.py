"""How calls and processes of the process lane end: interrupts at any time, forks in a process, and what is left then."""

import asyncio
import gc
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, NotTransferableError, TaskInterrupted, _process, interpreter
from support import only_home, scripts, work
from support.protocols import MakePool


def in_process(fn: Any) -> Any:
    """Tag a function for processes."""
    return interpreter(fn, lane="process")


class Starting:
    """Holds the start of processes, as a slow import does."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.may_go_on = threading.Event()


@pytest.fixture
def starting(monkeypatch: pytest.MonkeyPatch) -> Iterator[Starting]:
    """A process that is being started, until the test lets it go on."""
    held = Starting()

    class Held(_process.Process):
        def __init__(self, *args: Any) -> None:
            held.begun.set()
            held.may_go_on.wait()
            super().__init__(*args)

    monkeypatch.setattr(_process, "Process", Held)
    yield held
    held.may_go_on.set()


class TestInterruptsWhileTheProcessStarts:
    """None is lost, and the process serves the next call."""

    def test_of_its_future(self, make_pool: MakePool, starting: Starting) -> None:
        pool = make_pool(1, max_processes=1)
        future = pool.submit(in_process(only_home.pause))
        starting.begun.wait()
        assert future.interrupt()
        starting.may_go_on.set()
        with pytest.raises(TaskInterrupted):
            future.result()
        assert pool.submit(in_process(work.square), 3).result() == 9

    def test_of_an_await(self, make_pool: MakePool, starting: Starting) -> None:
        pool = make_pool(1, max_processes=1)

        async def main() -> int:
            call = asyncio.ensure_future(pool.run(in_process(only_home.pause)))
            await asyncio.to_thread(starting.begun.wait)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            starting.may_go_on.set()
            return await pool.run(in_process(work.square), 4)

        assert asyncio.run(main()) == 16

    def test_of_a_block(self, starting: Starting) -> None:
        with pytest.raises(KeyboardInterrupt), InterpreterThreadPoolExecutor(1, max_processes=1) as pool:
            future = pool.submit(in_process(only_home.pause))
            queued = pool.submit(in_process(only_home.pause))
            starting.begun.wait()
            threading.Timer(0, starting.may_go_on.set).start()
            raise KeyboardInterrupt
        assert isinstance(future.exception(), TaskInterrupted)
        assert queued.cancelled()


class TestForks:
    """A function forks in its process."""

    def test_only_the_parent_answers(self, make_pool: MakePool) -> None:
        pool = make_pool(1, max_processes=1)
        child = pool.submit(in_process(only_home.fork)).result()
        assert child != 0
        assert pool.submit(in_process(only_home.exit_code_of), child).result() == 0
        assert [pool.submit(in_process(work.echo), i).result() for i in range(5)] == list(range(5))

    def test_what_the_child_raises_is_its_own(self, make_pool: MakePool) -> None:
        pool = make_pool(1, max_processes=1)
        child = pool.submit(in_process(only_home.fork), ValueError("of the child")).result()
        assert pool.submit(in_process(only_home.exit_code_of), child).result() == 1

    @pytest.mark.parametrize("method", ["forkserver", "spawn"])
    def test_the_end_is_noticed_while_a_child_lives(self, tmp_path: Path, method: str) -> None:
        """The child has everything that the process had: it was forked without Python's knowledge."""
        scripts.run_script(
            tmp_path,
            """
            import ctypes, multiprocessing, os, signal, sys
            from aiointerpreters import InterpreterThreadPoolExecutor, ProcessEndedError, interpreter

            @interpreter(lane="process")
            def work(note):
                libc = ctypes.CDLL(None)
                child = libc.fork()
                if child == 0:
                    while True:
                        libc.pause()
                with open(note, "w") as file:
                    file.write(str(child))
                os._exit(7)

            if __name__ == "__main__":
                multiprocessing.set_start_method(sys.argv[1])
                with InterpreterThreadPoolExecutor(2) as executor:
                    error = executor.submit(work, "child").exception()
                    print(type(error).__name__, error.exitcode)
                    with open("child") as file:
                        os.kill(int(file.read()), signal.SIGKILL)
            """.replace('"child"', repr(str(tmp_path / "child"))),
            args=(method,),
        ).check("ProcessEndedError 7")


class TestNothingIsLeft:
    """Calls that fail keep no descriptors, arguments or exceptions."""

    def test_descriptors_of_processes_that_ended(self, tmp_path: Path) -> None:
        scripts.run_script(
            tmp_path,
            """
            import gc, os
            from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

            def tagged(fn):
                return interpreter(fn, lane="process")

            def descriptors(executor):
                executor.submit(tagged(abs), 1).result()
                return len(os.listdir("/proc/self/fd"))

            if __name__ == "__main__":
                gc.disable()
                with InterpreterThreadPoolExecutor(1, max_processes=1) as executor:
                    before = descriptors(executor)
                    errors = [executor.submit(tagged(os._exit), 3).exception() for _ in range(10)]
                    print(descriptors(executor) - before)
            """,
        ).check("0")

    @pytest.mark.filterwarnings("ignore::aiointerpreters.FallbackWarning")
    @pytest.mark.parametrize("awaits", [False, True])
    @pytest.mark.parametrize(
        "tagged",
        [
            pytest.param(interpreter(only_home.refuse, fallback="thread"), id="a function that raises in a thread"),
            pytest.param(interpreter(only_home.refuse, lane="process"), id="an argument that cannot be pickled"),
        ],
    )
    def test_arguments_of_calls_that_fail(self, make_pool: MakePool, tagged: Any, awaits: bool) -> None:
        pool = make_pool(1)

        def fail() -> "weakref.ref[threading.Event]":
            argument = threading.Event()
            with pytest.raises((ValueError, NotTransferableError)):
                asyncio.run(wait(argument)) if awaits else pool.submit(tagged, argument).result()
            return weakref.ref(argument)

        async def wait(argument: object) -> None:
            await pool.run(tagged, argument)

        kept = fail()
        assert pool.submit(interpreter(work.square), 2).result() == 4
        gc.collect()
        assert kept() is None

    def test_arguments_of_a_call_that_was_not_moved(self, make_pool: MakePool) -> None:
        pool = make_pool(1)
        argument = {1, 2}
        kept = weakref.ref(argument)
        future = pool.submit(interpreter(work.echo, fallback="thread"), argument)
        del argument
        assert future.result() == {1, 2}
        assert pool.submit(interpreter(work.square), 2).result() == 4
        assert kept() is None


def test_an_exception_without_a_text_comes_back(make_pool: MakePool) -> None:
    pool = make_pool(1)
    process = pool.submit(in_process(only_home.process)).result()
    error = pool.submit(in_process(only_home.raise_without_text)).exception()
    assert type(error) is only_home.WithoutText
    assert pool.submit(in_process(only_home.process)).result() == process


def test_an_exception_that_is_none_when_it_is_unpickled(make_pool: MakePool) -> None:
    error = make_pool(1).submit(in_process(only_home.raise_rebuilt)).exception()
    assert isinstance(error, only_home.Rebuilt)
    assert str(error) == "text"


def test_processes_end_together(tmp_path: Path) -> None:
    scripts.run_script(
        tmp_path,
        """
        import atexit, os, sys
        from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

        @interpreter(lane="process")
        def work(mine, other):
            @atexit.register
            def meet():  # waits until the other one is at its end, too
                for path, mode in sorted([(mine, "w"), (other, "r")]):
                    open(path, mode).close()
                print("met", flush=True)

            for path, mode in sorted([(mine + "0", "w"), (other + "0", "r")]):
                open(path, mode).close()

        if __name__ == "__main__":
            names = [os.path.join(os.path.dirname(__file__), name) for name in "ab"]
            for name in names:
                os.mkfifo(name)
                os.mkfifo(name + "0")
            with InterpreterThreadPoolExecutor(2, max_processes=2) as executor:
                for future in [executor.submit(work, *names), executor.submit(work, *names[::-1])]:
                    future.result()
        """,
    ).check("met", "met")
