"""`dump_traceback` shows what workers run, whatever that is, and disturbs nothing."""

import asyncio
import io
import os
import re
import signal
import sys
import threading
from functools import partial
from pathlib import Path

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, Runner, RunnerError, interpreter
from support import looked_at
from support.gate import Gate, hold
from support.protocols import MakePool
from support.scripts import Running, run_script


def dump(pool: InterpreterThreadPoolExecutor | Runner) -> str:
    file = io.StringIO()
    pool.dump_traceback(file)
    return file.getvalue()


def test_a_running_call_is_shown_with_its_stack(pool: InterpreterThreadPoolExecutor, gate: Gate) -> None:
    future = pool.submit(interpreter(looked_at.outer), gate.ends)
    gate.wait_for()
    text = dump(pool)
    gate.open()
    assert future.result() == "done"
    assert re.search(
        r'^Thread ".*_\d+", interpreter \d+: runs support.looked_at.outer \(tagged\) for \d+\.\d s$', text, re.M
    )
    frames = re.findall(r'^  File ".*", line \d+, in (.*)\n    (.*)$', text, re.M)
    assert [name for name, _ in frames] == ["outer", "outer.<locals>.inner", "hold"]
    assert frames[0][1] == "return inner(ends)"


def test_nothing_is_imported_for_it(tmp_path: Path) -> None:
    """A signal handler may call it while another call of it is under way."""
    script = """
    import sys
    from aiointerpreters import InterpreterThreadPoolExecutor

    with InterpreterThreadPoolExecutor(1) as pool:
        before = set(sys.modules)
        pool.dump_traceback()
        print(set(sys.modules) - before)
    """
    done = run_script(tmp_path, script)
    assert (done.code, done.stdout) == (0, "set()\n")


def test_an_endless_loop_goes_on(pool: InterpreterThreadPoolExecutor, gate: Gate) -> None:
    future = pool.submit(interpreter(looked_at.loop), gate.ends)
    gate.wait_for()
    texts = [dump(pool) for _ in range(20)]
    assert all("in loop\n" in text for text in texts)
    assert future.running()
    assert future.interrupt()


def test_a_sleep_is_shown(pool: InterpreterThreadPoolExecutor, gate: Gate) -> None:
    future = pool.submit(interpreter(hold), gate.ends, 3)
    gate.wait_for()
    assert "in hold\n    os." in dump(pool)
    gate.open()
    assert future.result() == 3


def test_a_call_in_c_that_keeps_its_gil_is_named(pool: InterpreterThreadPoolExecutor, gate: Gate) -> None:
    future = pool.submit(interpreter(looked_at.in_c), gate.ends)
    gate.wait_for()
    text = dump(pool)
    while "No stack" not in text and future.running():  # it had not come to that call yet
        text = dump(pool)
    assert "runs support.looked_at.in_c (tagged) for" in text
    assert future.result() > 0


def test_an_untagged_call_is_shown(pool: InterpreterThreadPoolExecutor, gate: Gate) -> None:
    future = pool.submit(hold, gate.ends)
    gate.wait_for()
    text = dump(pool)
    gate.open()
    future.result()
    assert re.search(
        r'^Thread ".*?"(, interpreter \d+)?: runs hold \(untagged\) for \d+\.\d s\n  File ".*gate.py", line', text, re.M
    )


def test_idle_workers_take_one_line(make_pool: MakePool) -> None:
    pool = make_pool(2)
    assert dump(pool).endswith("No threads\n")
    pool.submit(interpreter(abs), -1).result()
    lines = dump(pool).splitlines()
    while not lines[-1].startswith("Idle: "):  # the worker is still on its way to sleep
        lines = dump(pool).splitlines()
    assert len(lines) == 2
    assert "1 interpreters" in lines[0] or "1 of" in lines[0]


def test_what_waits_is_counted(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(1)
    futures = [pool.submit(interpreter(hold), gate.ends) for _ in range(3)]
    gate.wait_for()
    assert "2 queued" in dump(pool).splitlines()[0]
    gate.open(3)
    for future in futures:
        future.result()


def test_all_calls_of_an_event_loop_are_shown(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(1)

    async def main() -> str:
        waiting = [pool.run(looked_at.awaits, gate.ends) for _ in range(2)]
        await asyncio.to_thread(gate.wait_for, 2)
        blocking = pool.run(looked_at.blocks_loop, gate.ends)
        await asyncio.to_thread(gate.wait_for, 1)
        text = dump(pool)  # in the thread of the loop: it waits only a moment
        gate.open()
        await blocking
        for future in waiting:
            future.cancel()
        return text

    text = asyncio.run(main())
    assert (
        len(re.findall(r"^  Event loop: support.looked_at.awaits \(tagged\) waits, began \d+\.\d s ago$", text, re.M)) == 2
    )
    assert text.count("in awaits_more\n") == 2
    running = text[text.index("  Event loop: support.looked_at.blocks_loop (tagged) runs, began") :]
    assert re.findall(r", in (\w+)$", running, re.M)[:2] == ["blocks_loop", "hold"]


def test_threads_of_a_call_are_shown(pool: InterpreterThreadPoolExecutor, gate: Gate) -> None:
    future = pool.submit(interpreter(looked_at.with_thread), gate.ends)
    gate.wait_for(2)
    text = dump(pool)
    gate.open(2)
    future.result()
    assert '  Thread "of a call" of a call:\n' in text
    assert text.count("in hold\n") == 2


def test_a_deep_recursion_is_cut(pool: InterpreterThreadPoolExecutor, gate: Gate) -> None:
    future = pool.submit(interpreter(looked_at.deep), 900, gate.ends)
    gate.wait_for()
    text = dump(pool)
    gate.open()
    future.result()
    assert "more times]" in text
    assert len(text.splitlines()) < 50


def test_an_interpreter_that_starts_and_one_that_ends_are_shown(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(1, initializer=interpreter(hold), initargs=(gate.ends,))
    future = pool.submit(interpreter(looked_at.hold_at_end), gate.ends)
    gate.wait_for()
    assert re.search(r"interpreter \d+: starts\n", dump(pool))
    gate.open()
    future.result()
    pool.shutdown(wait=False)
    gate.wait_for()
    assert re.search(r"interpreter \d+: ends\n", dump(pool))
    gate.open()
    pool.shutdown()
    assert dump(pool).endswith("No threads\n")


def set_event(event: threading.Event, _: object) -> None:
    event.set()


def test_many_dumps_and_many_calls_at_once(make_pool: MakePool) -> None:
    pool = make_pool(2)
    is_over = threading.Event()

    def look() -> None:
        while not is_over.is_set():
            dump(pool)

    lookers = [threading.Thread(target=look) for _ in range(2)]
    for looker in lookers:
        looker.start()
    try:
        for _ in range(20):
            tagged = [pool.submit(interpreter(looked_at.short), each) for each in range(50)]
            untagged = [pool.submit(looked_at.short, each) for each in range(50)]
            done = threading.Event()
            tagged[-1].add_done_callback(partial(set_event, done))
            assert [future.result() for future in tagged + untagged] == [*range(50), *range(50)]
            assert done.wait(60)
    finally:
        is_over.set()
        for looker in lookers:
            looker.join()


def test_a_call_in_another_process_is_named(make_pool: MakePool, tmp_path: Path) -> None:
    pool = make_pool(1, max_processes=1)
    begun, go_on = tmp_path / "begun", tmp_path / "go on"
    os.mkfifo(begun)
    os.mkfifo(go_on)
    futures = [pool.submit(interpreter(looked_at.between_files, lane="process"), begun, go_on) for _ in range(2)]
    begun.read_bytes()
    text = dump(pool)
    assert re.search(r"^Process: runs support.looked_at.between_files for \d+\.\d s$", text, re.M)
    assert "1 in processes, 1 waiting for one" in text.splitlines()[0]
    assert "1 in processes, 1 waiting for one" in repr(pool)
    go_on.write_bytes(b"x")
    begun.read_bytes()
    go_on.write_bytes(b"x")
    assert [future.result() for future in futures] == [b"x", b"x"]


def test_the_numbers_belong_to_the_workers_that_are_shown(make_pool: MakePool, gate: Gate) -> None:
    pool = make_pool(4)
    futures = [pool.submit(interpreter(hold), gate.ends) for _ in range(4)]
    gate.wait_for(4)
    head, *lines = dump(pool).splitlines()
    assert f"{sum(': runs ' in line for line in lines)} busy" in head
    gate.open(4)
    for future in futures:
        future.result()


def test_a_call_shows_the_executor_that_runs_it(pool: InterpreterThreadPoolExecutor) -> None:
    assert "in dump\n" in pool.submit(dump, pool).result()


def test_a_nested_executor_can_be_shown(pool: InterpreterThreadPoolExecutor) -> None:
    assert "runs support.gate.hold (tagged)" in pool.submit(interpreter(looked_at.dump_nested)).result()


def test_stderr_is_the_default(pool: InterpreterThreadPoolExecutor, capsys: pytest.CaptureFixture[str]) -> None:
    pool.dump_traceback()
    assert capsys.readouterr().err.startswith("<InterpreterThreadPoolExecutor ")


def test_bad_files_are_refused(pool: InterpreterThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TypeError, match="file must have a method write"):
        pool.dump_traceback(2)  # type: ignore[arg-type]
    monkeypatch.setattr(sys, "stderr", None)
    with pytest.raises(RuntimeError, match=r"sys.stderr is None"):
        pool.dump_traceback()


def test_a_runner_has_it_too(gate: Gate) -> None:
    runner = Runner(workers=1)
    with pytest.raises(RunnerError):
        runner.dump_traceback()
    with runner:

        async def main() -> str:
            call = asyncio.create_task(runner.run(hold, gate.ends))
            await asyncio.to_thread(gate.wait_for)
            text = dump(runner)
            gate.open()
            await call
            return text

        assert "runs support.gate.hold (tagged)" in asyncio.run(main())


def test_in_a_forked_child_there_are_no_threads(tmp_path: Path) -> None:
    finished = run_script(
        tmp_path,
        """
        import os, sys
        from aiointerpreters import InterpreterThreadPoolExecutor, interpreter

        if __name__ == "__main__":
            with InterpreterThreadPoolExecutor(1) as executor:
                executor.submit(interpreter(abs), -1).result()
                child = os.fork()
                if child == 0:
                    executor.dump_traceback(sys.stdout)
                    sys.stdout.flush()
                    os._exit(0)
                print(os.waitpid(child, 0)[1])
        """,
    )
    assert finished.stdout.endswith("No threads\n0\n")


def test_a_signal_shows_the_stacks(tmp_path: Path) -> None:
    script = """
        import signal
        from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
        from support.gate import Gate, hold

        if __name__ == "__main__":
            gate = Gate()

            def on_signal(*_: object) -> None:
                executor.dump_traceback()
                gate.open()

            with InterpreterThreadPoolExecutor(1) as executor:
                signal.signal(signal.SIGUSR1, on_signal)
                future = executor.submit(interpreter(hold), gate.ends, "the result")
                gate.wait_for()
                print("ready")
                print(future.result())
        """
    with Running(tmp_path, script) as running:
        running.wait_for("ready")
        running.send(signal.SIGUSR1)
        finished = running.finish()
    assert (finished.code, finished.lines) == (0, ["the result"])
    assert "runs support.gate.hold (tagged)" in finished.stderr
