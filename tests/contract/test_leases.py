"""Lent memory and objects are back at their owner soon after their last use, in whatever order threads and pools end."""

import array
import gc
import itertools
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from pathlib import Path

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, NotTransferableError, interpreter
from support import gate as gates
from support import memory, shapes, work
from support.gate import Gate
from support.memory import can_be_resized, wait_until_back
from support.protocols import MakePool
from support.scripts import run_script

LARGE = 100_000


class TestLeases:
    def test_a_view_in_a_with_statement(self, pool: InterpreterThreadPoolExecutor) -> None:
        memory_here = bytearray(b"abc")
        with memoryview(memory_here) as view:
            assert pool.submit(interpreter(memory.content), view).result() == b"abc"
        memory_here.extend(b"more")

    @pytest.mark.parametrize(
        "pass_on",
        [
            lambda pool, view: pool.submit(interpreter(memory.content), view).result(),
            lambda pool, view: pool.submit(interpreter(work.nothing), [view, {"k": view}], k=memory.Holder(view)).result(),
            lambda pool, view: pool.submit(interpreter(work.divide), view, 1).exception(),
            lambda pool, view: pool.submit(interpreter(work.nothing), view, shapes.make_generator()).exception(),
            lambda pool, view: list(pool.map(interpreter(memory.content), [view] * 5, chunksize=2)),
        ],
        ids=["result", "nested", "exception", "refused", "map"],
    )
    def test_after_the_result_the_memory_can_be_resized_at_once(
        self, pool: InterpreterThreadPoolExecutor, pass_on: Callable[[InterpreterThreadPoolExecutor, memoryview], object]
    ) -> None:
        for _ in range(50):
            memory_here = bytearray(b"abc")
            with memoryview(memory_here) as view:
                pass_on(pool, view)
            memory_here.append(1)

    def test_while_the_worker_looks_the_memory_cannot_be_resized(self, make_pool: MakePool, gate: Gate) -> None:
        memory_here = bytearray(b"abc")
        future = make_pool(1).submit(interpreter(gates.hold), gate.ends, memoryview(memory_here))
        gate.wait_for()
        with pytest.raises(BufferError):
            memory_here.append(1)
        gate.open()
        assert future.result() == b"abc"
        del future
        wait_until_back(memory_here)

    def test_a_view_kept_by_a_worker_outlives_its_task(self, make_pool: MakePool) -> None:
        pool = make_pool(1)
        memory_here = bytearray(b"abc")
        pool.submit(interpreter(memory.keep), "view", memoryview(memory_here)[1:]).result()
        gc.collect()
        assert not can_be_resized(memory_here)
        assert pool.submit(interpreter(memory.kept_content), "view").result() == b"bc"
        pool.submit(interpreter(memory.drop), "view").result()
        wait_until_back(memory_here)

    def test_homes_exporter_may_be_dropped_first(self, make_pool: MakePool) -> None:
        pool = make_pool(1)
        exporter = array.array("B", b"abc" * 1000)
        gone = weakref.ref(exporter)
        pool.submit(interpreter(memory.keep), "view", memoryview(exporter)).result()
        del exporter
        gc.collect()
        assert gone() is not None
        assert pool.submit(interpreter(memory.kept_content), "view").result() == b"abc" * 1000
        pool.submit(interpreter(memory.drop), "view").result()
        while gone() is not None:
            pass

    def test_a_lease_comes_back_to_an_idle_home_from_an_idle_worker(self, make_pool: MakePool, gate: Gate) -> None:
        pool = make_pool(1)
        memory_here = bytearray(b"abc")
        pool.submit(interpreter(memory.keep), "view", memoryview(memory_here)).result()
        pool.submit(interpreter(memory.drop_in_a_thread), "view", gate.ends).result()
        gate.wait_for()
        assert not can_be_resized(memory_here)
        gate.open()
        wait_until_back(memory_here)
        pool.submit(interpreter(memory.join_threads)).result()

    def test_a_lease_comes_back_from_a_busy_worker(self, make_pool: MakePool, gate: Gate) -> None:
        pool = make_pool(1)
        memory_here = bytearray(b"abc")
        pool.submit(interpreter(memory.keep), "view", memoryview(memory_here)).result()
        busy = pool.submit(interpreter(memory.drop_then), "view", gates.hold, gate.ends)
        gate.wait_for()
        wait_until_back(memory_here)
        assert not busy.done()
        gate.open()
        busy.result()

    def test_a_lease_comes_back_from_a_task_that_is_done_with_it(self, make_pool: MakePool, gate: Gate) -> None:
        pool = make_pool(1)
        memory_here = bytearray(b"abc")
        busy = pool.submit(interpreter(memory.pop_then_hold), [memoryview(memory_here)], gate.ends)
        gate.wait_for()
        wait_until_back(memory_here)
        assert not busy.done()
        gate.open()
        busy.result()

    def test_exceptions_that_their_own_frames_hold_do_not_hold_a_lease(self, make_pool: MakePool) -> None:
        pool = make_pool(1)
        memory_here = bytearray(b"abc")
        error = pool.submit(interpreter(memory.raise_from_variable), memoryview(memory_here)).exception()
        assert isinstance(error, ExceptionGroup)
        memory_here.append(1)

    def test_a_lease_comes_back_to_a_busy_home(self, make_pool: MakePool, gate: Gate) -> None:
        pool = make_pool(1)
        memory_here = bytearray(b"abc")
        pool.submit(interpreter(memory.keep), "view", memoryview(memory_here)).result()
        pool.submit(interpreter(memory.drop_in_a_thread), "view", gate.ends).result()
        gate.wait_for()
        gate.open()
        while not can_be_resized(memory_here):
            pass
        pool.submit(interpreter(memory.join_threads)).result()

    def test_what_a_worker_lent_comes_back_to_it_while_it_idles(self, make_pool: MakePool, gate: Gate) -> None:
        pool = make_pool(1)
        future = pool.submit(interpreter(memory.lend_and_watch), LARGE, gate.ends)
        assert len(future.result()) == LARGE
        del future
        gate.wait_for()
        gate.open()
        pool.submit(interpreter(memory.join_threads)).result()

    def test_a_worker_in_a_long_c_call_delays_no_other_lease(self, make_pool: MakePool, gate: Gate) -> None:
        pool = make_pool(2)
        lends = Gate()
        memory_here = bytearray(b"abc")
        both = [pool.submit(interpreter(gates.hold), gate.ends) for _ in range(2)]
        gate.wait_for(2)
        gate.open(2)
        wait(both)
        pool.submit(interpreter(memory.keep), "view", memoryview(memory_here)).result()
        dropping = pool.submit(interpreter(memory.hold_then_drop), "view", gate.ends)
        gate.wait_for()
        lent = pool.submit(interpreter(memory.large), "bytes", LARGE)
        wait([lent])
        stuck = pool.submit(interpreter(memory.hold_with_gil), lends.ends)
        lends.wait_for()
        lent.result()  # goes back to the worker that is stuck
        time.sleep(0.2)  # so the thread that takes back has begun with the stuck worker
        gate.open()
        try:
            memory.wait_until_back(memory_here)  # without waiting for the stuck worker
        finally:
            lends.open()
        stuck.result()
        dropping.result()
        lends.dispose()

    def test_thousands_of_leases(self, make_pool: MakePool) -> None:
        pool = make_pool(2)
        memory_here = bytearray(10_000)
        views = [memoryview(memory_here)[n : n + 1] for n in range(10_000)]
        assert pool.submit(interpreter(memory.count_views), views).result() == 10_000
        futures = [pool.submit(interpreter(work.echo), view) for view in views[:3000]]
        copies = [future.result() for future in futures]
        copies[2999][0] = 7
        assert memory_here[2999] == 7
        del copies, futures, views
        wait_until_back(memory_here)

    @pytest.mark.parametrize(
        "order", list(itertools.permutations(["view", "pool", "exporter"])), ids=lambda order: "-".join(order)
    )
    def test_whatever_dies_first(self, order: tuple[str, ...]) -> None:
        exporter = array.array("B", b"abc")
        gone = weakref.ref(exporter)
        pool = InterpreterThreadPoolExecutor(1)
        pool.submit(interpreter(memory.keep), "kept", memoryview(exporter)).result()
        things = {
            "view": pool.submit(interpreter(work.echo), memoryview(exporter)).result(),
            "pool": pool,
            "exporter": exporter,
        }
        del exporter, pool
        for name in order:
            if name == "pool":
                things["pool"].shutdown()
            if name == "view":
                assert things["view"] == b"abc"
            del things[name]
        gc.collect()
        while gone() is not None:
            pass

    @pytest.mark.parametrize("wait_for_end", [True, False])
    def test_a_shutdown_gives_back_what_workers_keep(self, wait_for_end: bool) -> None:
        memory_here = bytearray(b"abc")
        pool = InterpreterThreadPoolExecutor(2)
        for _ in range(10):
            pool.submit(interpreter(memory.keep), str(_), memoryview(memory_here))
        pool.shutdown(wait=wait_for_end)
        del pool
        wait_until_back(memory_here)

    def test_a_dropped_pool_gives_back_what_workers_keep(self) -> None:
        memory_here = bytearray(b"abc")
        pool = InterpreterThreadPoolExecutor(1)
        pool.submit(interpreter(memory.keep), "view", memoryview(memory_here)).result()
        del pool
        wait_until_back(memory_here)

    def test_cancelled_tasks_give_back_their_views(self, make_pool: MakePool, gate: Gate) -> None:
        pool = make_pool(1)
        held = pool.submit(interpreter(gates.hold), gate.ends)
        gate.wait_for()
        memory_here = bytearray(b"abc")
        futures = [pool.submit(interpreter(memory.content), memoryview(memory_here)) for _ in range(20)]
        assert not can_be_resized(memory_here)
        assert all(future.cancel() for future in futures)
        del futures
        wait_until_back(memory_here)
        assert not held.done()

    def test_a_shutdown_that_cancels_gives_back_all_views(self, gate: Gate) -> None:
        pool = InterpreterThreadPoolExecutor(1)
        pool.submit(interpreter(gates.hold), gate.ends)
        gate.wait_for()
        memory_here = bytearray(b"abc")
        futures = [pool.submit(interpreter(memory.content), memoryview(memory_here)) for _ in range(20)]
        pool.shutdown(wait=False, cancel_futures=True)
        wait_until_back(memory_here)
        assert all(future.cancelled() for future in futures)
        gate.open()

    def test_refused_submits_give_back_their_views(self, pool: InterpreterThreadPoolExecutor) -> None:
        memory_here = bytearray(b"abc")
        closed = InterpreterThreadPoolExecutor(1)
        closed.shutdown()
        for _ in range(10):
            with pytest.raises(RuntimeError):
                closed.submit(interpreter(memory.content), memoryview(memory_here))
            with pytest.raises(NotTransferableError):
                pool.submit(
                    interpreter(work.nothing), memoryview(memory_here), [memoryview(memory_here), threading.Lock()]
                ).result()
        wait_until_back(memory_here)

    def test_futures_dropped_before_their_result(self, pool: InterpreterThreadPoolExecutor) -> None:
        memory_here = bytearray(b"abc")
        for _ in range(100):
            pool.submit(interpreter(work.echo), [memoryview(memory_here), b"x" * LARGE])
        wait_until_back(memory_here)

    def test_futures_kept_after_their_result_keep_their_view(self, pool: InterpreterThreadPoolExecutor) -> None:
        memory_here = bytearray(b"abc")
        future = pool.submit(interpreter(work.echo), memoryview(memory_here))
        assert future.result() is future.result()
        assert not can_be_resized(memory_here)
        del future
        wait_until_back(memory_here)

    def test_an_mmap_can_be_closed_afterwards(self, pool: InterpreterThreadPoolExecutor) -> None:
        mapped = memory.anonymous_map()
        copy = pool.submit(interpreter(work.echo), memoryview(mapped)).result()
        with pytest.raises(BufferError):
            mapped.close()
        copy[0] = 65
        assert mapped[:1] == b"A"
        copy.release()
        del copy
        while True:
            try:
                mapped.close()
                break
            except BufferError:
                pass

    def test_an_exporter_in_python_is_released_once(self, make_pool: MakePool) -> None:
        pool = make_pool(1)
        exporter = memory.Exports()
        pool.submit(interpreter(memory.keep), "view", memoryview(exporter)).result()
        pool.submit(interpreter(memory.poke_kept), "view", 0, ord("E")).result()
        assert exporter.memory == b"Exported"
        gc.collect()
        assert exporter.out == 1
        pool.submit(interpreter(memory.drop), "view")
        exporter.released.wait()
        assert exporter.out == 0
        exporter.memory.append(1)

    def test_an_exporter_that_uses_the_pool_when_it_is_released(self, make_pool: MakePool) -> None:
        pool = make_pool(1)
        results: list[int] = []

        class Submits(memory.Exports):
            def __release_buffer__(self, view: memoryview) -> None:
                view.release()
                results.append(pool.submit(interpreter(work.square), 3).result())
                self.released.set()

        exporter = Submits()
        pool.submit(interpreter(memory.content), memoryview(exporter)).result()
        exporter.released.wait()
        pool.submit(interpreter(memory.keep), "view", memoryview(exporter := Submits())).result()
        pool.submit(interpreter(memory.drop), "view")
        exporter.released.wait()
        assert results == [9, 9]

    def test_leases_and_pools_in_many_threads(self) -> None:
        memory_here = bytearray(1000)

        def use() -> None:
            for _ in range(3):
                with InterpreterThreadPoolExecutor(1) as pool:
                    views = [pool.submit(interpreter(work.echo), memoryview(memory_here)[n:]) for n in range(50)]
                    pool.submit(interpreter(memory.keep), "v", memoryview(memory_here))
                    large = pool.submit(interpreter(memory.large), "nested", LARGE)
                assert [len(view.result()) for view in views] == [1000 - n for n in range(50)]
                assert len(large.result()[1]) == LARGE

        threads = [threading.Thread(target=use) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        gc.collect()
        wait_until_back(memory_here)


EXIT = """
import gc, os, sys, threading
from aiointerpreters import InterpreterThreadPoolExecutor, SharedBuffer, interpreter
from support import gate, memory, work

exported = bytearray(b"abc" * 1000)
view = memoryview(exported)
pool = InterpreterThreadPoolExecutor(2)
"""


@pytest.mark.parametrize(
    "body",
    [
        "pool.submit(interpreter(memory.keep), 'view', view).result()",
        "pool.submit(interpreter(memory.keep), 'view', view)",
        "kept = pool.submit(interpreter(work.echo), view).result()",
        "kept = [pool.submit(interpreter(work.echo), view[n:]) for n in range(500)]",
        "kept = pool.submit(interpreter(memory.own_view), 100_000).result()",
        "kept = pool.submit(interpreter(memory.large), 'nested', 100_000)",
        "kept = pool.submit(interpreter(memory.large), 'nested', 100_000).result()",
        "kept = pool.submit(interpreter(memory.make_shared), 9, 1).result(); pool.submit(interpreter(work.echo), kept)",
        "kept = pool.submit(interpreter(memory.raise_with), [view, b'x' * 50_000], 'args').exception()",
        "kept = pool.submit(interpreter(memory.own_view_through_own_pool), 100_000)",
        "pool.submit(interpreter(work.leave_a_pool_behind)); pool.submit(interpreter(memory.keep), 'v', view).result()",
        "kept = pool.submit(interpreter(work.echo), view).result(); pool.shutdown(); del view",
        "threading.Thread(target=lambda: pool.submit(interpreter(memory.keep), 'view', view).result()).start()",
        "kept = [pool.submit(interpreter(work.echo), [view, bytes(50_000)]) for n in range(200)]"
        "\npool.shutdown(cancel_futures=True)",
    ],
)  # fmt: skip
def test_the_process_ends_with_leases_out(tmp_path: Path, body: str) -> None:
    run_script(tmp_path, EXIT + body + "\nprint('end')\n").check("end")


def test_the_process_ends_with_leases_in_cycles_and_finalizers(tmp_path: Path) -> None:
    source = """
        class Late:
            def __init__(self, *content):
                self.content = content
                self.me = self

            def __del__(self):
                bytes(self.content[0])

        late = Late(pool.submit(interpreter(work.echo), view).result(), pool)
        other = Late(pool.submit(interpreter(memory.large), "bytes", 100_000).result())
        sys.modules["late"] = late
        print("end")
    """
    run_script(tmp_path, EXIT + "\n".join(line[8:] for line in source.splitlines())).check("end")


@pytest.mark.parametrize("code", [0, 3])
def test_the_exit_code_stays(tmp_path: Path, code: int) -> None:
    body = f"pool.submit(interpreter(memory.keep), 'view', view).result()\nsys.exit({code})\n"
    run_script(tmp_path, EXIT + body).check(code=code)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_leases_come_back_in_a_forked_process(tmp_path: Path) -> None:
    source = """
        pool.submit(interpreter(memory.keep), "view", view).result()
        pool.submit(interpreter(memory.drop), "view").result()
        view.release()
        memory.wait_until_back(exported)
        pool.shutdown()
        child = os.fork()
        with InterpreterThreadPoolExecutor(1) as pool:
            held = gate.Gate()
            pool.submit(interpreter(memory.keep), "view", memoryview(exported)).result()
            pool.submit(interpreter(memory.drop_in_a_thread), "view", held.ends).result()
            held.wait_for()
            held.open()
            memory.wait_until_back(exported)
            pool.submit(interpreter(memory.join_threads)).result()
        if child:
            assert os.waitpid(child, 0)[1] == 0
            print("both")
    """
    body = "\n".join(line[8:] for line in source.splitlines())
    finished = run_script(tmp_path, EXIT + body, options=["-W", "ignore::DeprecationWarning"])
    finished.check("both")


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """Reference cycles of one test do not keep memory of the next one."""
    yield
    gc.collect()
