"""concurrent.interpreters.Queue (3.14) crosses by identity. It works on arrival, also if the sender has dropped it."""

import gc
import importlib
import queue as queues_of_threads
import sys
from pathlib import Path
from typing import Any

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, NotTransferableError, interpreter
from support import gate as gates
from support import memory, queues, work
from support.gate import Gate
from support.protocols import MakePool
from support.scripts import run_script

needs_queues = pytest.mark.skipif(sys.version_info < (3, 14), reason="concurrent.interpreters is new in 3.14")


def make_queue() -> Any:
    """A new queue. The module does not exist before 3.14."""
    return importlib.import_module("concurrent.interpreters").create_queue()


def open_queues() -> set[int]:
    """The numbers of all queues of the process."""
    return {number for number, *_ in importlib.import_module("_interpqueues").list_all()}


@needs_queues
class TestQueues:
    def test_workers_put_and_home_gets(self, pool: InterpreterThreadPoolExecutor) -> None:
        queue = make_queue()
        pool.submit(interpreter(queues.put_all), queue, [1, "two", None]).result()
        assert queues.get_all(queue, 3) == [1, "two", None]

    def test_home_puts_and_workers_get(self, pool: InterpreterThreadPoolExecutor) -> None:
        queue = make_queue()
        future = pool.submit(interpreter(queues.get_all), queue, 2)
        queues.put_all(queue, [1, 2])
        assert future.result() == [1, 2]

    def test_workers_talk_to_each_other(self, make_pool: MakePool) -> None:
        pool = make_pool(2)
        source, target = make_queue(), make_queue()
        moved = pool.submit(interpreter(queues.move), source, target, 20)
        pool.submit(interpreter(queues.put_all), source, range(20)).result()
        assert queues.get_all(target, 20) == [n * n for n in range(20)]
        moved.result()

    def test_what_comes_back_is_the_very_object(self, pool: InterpreterThreadPoolExecutor) -> None:
        queue = make_queue()
        args, kwargs = pool.submit(interpreter(work.echo_call), queue, [queue], k={"q": (queue,)}).result()
        assert memory.is_one(queue, args[0], args[1][0], kwargs["k"]["q"][0])

    def test_wherever_it_stands(self, pool: InterpreterThreadPoolExecutor) -> None:
        queue = make_queue()
        value = [queue, {"k": memory.Holder((queue,))}, memory.SlotHolder(queue), {queue: 1}]
        copy = pool.submit(interpreter(work.echo), value).result()
        assert memory.is_one(queue, copy[0], copy[1]["k"].content[0], copy[2].content, next(iter(copy[3])))
        assert list(pool.map(interpreter(work.echo), [queue] * 5, chunksize=2)) == [queue] * 5

    def test_in_a_closure(self, pool: InterpreterThreadPoolExecutor) -> None:
        queue = make_queue()

        def put(item: int) -> None:
            queue.put(item)

        for item in range(3):
            pool.submit(interpreter(put), item).result()
        assert queues.get_all(queue, 3) == [0, 1, 2]

    def test_as_an_argument_of_an_initializer(self, make_pool: MakePool) -> None:
        queue = make_queue()
        pool = make_pool(2, initializer=interpreter(work.remember), initargs=("queue", queue))
        for item in range(4):
            pool.submit(interpreter(queues.put_kept), "queue", item).result()
        assert queues.get_all(queue, 4) == [0, 1, 2, 3]

    def test_the_sender_may_drop_it_before_it_is_read(self, make_pool: MakePool, gate: Gate) -> None:
        pool = make_pool(1)
        pool.submit(interpreter(gates.hold), gate.ends)
        gate.wait_for()
        queue = make_queue()
        queues.put_all(queue, [1, 2])
        future = pool.submit(interpreter(queues.get_all), queue, 2)
        in_object = pool.submit(interpreter(work.echo), memory.Holder([make_queue()]))
        del queue
        gc.collect()
        gate.open()
        assert future.result() == [1, 2]
        in_object.result().content[0].put(3)

    def test_one_made_in_a_worker_is_alive_at_home(self, pool: InterpreterThreadPoolExecutor) -> None:
        future = pool.submit(interpreter(queues.make), [1, 2])
        queue = future.result()
        assert queues.get_all(queue, 2) == [1, 2]
        nested = pool.submit(interpreter(queues.make_nested)).result()
        assert memory.is_one(nested[0], nested[1]["k"][0], nested[1]["k"][1].items[0])
        nested[0].put(5)
        assert nested[0].get() == 5

    def test_and_also_if_the_worker_ends_before_it_is_read(self) -> None:
        with InterpreterThreadPoolExecutor(1) as pool:
            futures = [pool.submit(interpreter(queues.make_nested)) for _ in range(3)]
            failed = [pool.submit(interpreter(queues.fail_with_own), where) for where in ("args", "attribute")]
        gc.collect()
        found = [future.result()[0] for future in futures]
        errors = [future.exception() for future in failed]
        assert all(isinstance(error, queues.QueueFailure) for error in errors)
        found += [errors[0].args[1], errors[1].queue]  # type: ignore[union-attr]
        assert len({queue.id for queue in found}) == 5
        for queue in found:
            queue.put(7)
            assert queue.get() == 7

    @pytest.mark.parametrize("where", ["args", "attribute"])
    def test_in_an_exception(self, pool: InterpreterThreadPoolExecutor, where: str) -> None:
        queue = make_queue()
        error = pool.submit(interpreter(queues.fail_with), queue, where).exception()
        assert isinstance(error, queues.QueueFailure)
        assert (error.args[1] if where == "args" else error.queue) is queue

    def test_through_nested_pools(self, make_pool: MakePool) -> None:
        queue = make_queue()
        assert make_pool(1).submit(interpreter(queues.through_own_pool), queue).result() is queue
        found = make_pool(1).submit(interpreter(queues.from_own_pool)).result()
        found.put(1)
        assert found.get() == 1

    def test_it_ends_with_its_last_object(self, make_pool: MakePool) -> None:
        pool = make_pool(1)
        numbers = set()
        for _ in range(20):
            queue = make_queue()
            numbers.add(queue.id)
            assert pool.submit(interpreter(work.echo), [queue, memory.Holder(queue)]).result()[0] is queue
            numbers.add(pool.submit(interpreter(queues.make)).result().id)
            del queue
        pool.submit(interpreter(gc.collect)).result()
        gc.collect()
        while numbers & open_queues():
            pass

    def test_it_ends_although_nobody_asked_for_the_result(self, make_pool: MakePool) -> None:
        before = open_queues()
        pool = make_pool(1)
        for _ in range(20):
            pool.submit(interpreter(queues.make))
            pool.submit(interpreter(work.nothing), make_queue())
        pool.submit(interpreter(gc.collect)).result()
        while open_queues() - before:
            pass

    def test_it_ends_although_its_pool_ended_before_the_result_was_dropped(self) -> None:
        before = open_queues()
        with InterpreterThreadPoolExecutor(1) as pool:
            asked, dropped = (pool.submit(interpreter(queues.make)) for _ in range(2))
        del dropped
        asked.result().put(1)
        del asked
        gc.collect()
        assert not open_queues() - before

    def test_it_ends_when_the_task_is_cancelled(self, make_pool: MakePool, gate: Gate) -> None:
        pool = make_pool(1)
        pool.submit(interpreter(gates.hold), gate.ends)
        gate.wait_for()
        queue = make_queue()
        number = queue.id
        future = pool.submit(interpreter(work.nothing), queue)
        del queue
        assert number in open_queues()
        future.cancel()
        del future
        while number in open_queues():
            pass

    def test_the_process_ends_with_queues_on_their_way(self, tmp_path: Path) -> None:
        source = """
            from concurrent import interpreters
            from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
            from support import queues, work

            pool = InterpreterThreadPoolExecutor(2)
            queue = interpreters.create_queue()
            kept = [pool.submit(interpreter(queues.make)) for _ in range(20)]
            kept += [pool.submit(interpreter(work.echo), queue) for _ in range(20)]
            pool.submit(interpreter(work.remember), "queue", queue)
            print(kept[0].result().empty(), kept[25].result() is queue)
        """
        run_script(tmp_path, source).check("True True")


def test_queues_of_threads_do_not_cross(pool: InterpreterThreadPoolExecutor) -> None:
    with pytest.raises(NotTransferableError, match=r"argument 0\[1\]"):
        pool.submit(interpreter(work.nothing), [1, queues_of_threads.Queue()]).result()


def test_a_class_that_is_only_called_queue_crosses_as_any_other(pool: InterpreterThreadPoolExecutor) -> None:
    shared = [1]
    copy = pool.submit(interpreter(work.echo), [queues.Queue(shared), {"k": queues.Queue([shared])}, shared]).result()
    assert copy[0].items == [1]
    assert copy[1]["k"].items[0] is copy[2]


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="there it exists")
def test_where_there_are_no_queues_nothing_is_missing(tmp_path: Path) -> None:
    source = """
        import sys
        from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
        from support import memory, work

        with InterpreterThreadPoolExecutor(1) as pool:
            print(pool.submit(interpreter(work.echo), memory.Holder([1])).result().content)
        print("concurrent.interpreters" in sys.modules)
    """
    run_script(tmp_path, source).check("[1]", "False")
