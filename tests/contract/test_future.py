"""The futures that submit returns: states, waiting, cancelling, callbacks, and the private names that libraries use."""

import gc
import logging
import queue
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, InvalidStateError
from typing import Any

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import failures, work
from support import gate as gates
from support.gate import Gate
from support.protocols import MakePool, Tag


class Held:
    """A pool of one worker. Its task is held at the gate, and one more task waits behind it."""

    def __init__(self, pool: InterpreterThreadPoolExecutor, gate: Gate, tag: Tag) -> None:
        self.gate = gate
        self.pool = pool
        self.running: Future[Any] = pool.submit(tag(gates.hold), gate.ends, "passed")
        gate.wait_for()
        self.pending: Future[Any] = pool.submit(tag(work.square), 3)


@pytest.fixture
def held(make_pool: MakePool, gate: Gate, tag: Tag) -> Held:
    """One running and one pending task."""
    return Held(make_pool(1), gate, tag)


def test_states_of_a_pending_future(held: Held) -> None:
    assert not held.pending.done()
    assert not held.pending.running()
    assert not held.pending.cancelled()


def test_states_of_a_running_future(held: Held) -> None:
    assert held.running.running()
    assert not held.running.done()
    assert not held.running.cancelled()


@pytest.mark.parametrize("fn", [work.square, failures.fail_below])
def test_states_of_a_finished_future(pool: InterpreterThreadPoolExecutor, tag: Tag, fn: Callable[..., Any]) -> None:
    future = pool.submit(tag(fn), *([3] if fn is work.square else []))
    future.exception()
    assert future.done()
    assert not future.running()
    assert not future.cancelled()
    assert not future.cancel()
    assert not future.cancelled()


def test_the_result_is_the_same_object_every_time(pool: InterpreterThreadPoolExecutor, tag: Tag) -> None:
    future = pool.submit(tag(work.echo), [1, 2])
    assert future.result() is future.result()
    assert future.exception() is None


def test_the_exception_is_the_same_object_every_time(pool: InterpreterThreadPoolExecutor, tag: Tag) -> None:
    future = pool.submit(tag(failures.fail_below))
    assert isinstance(future.exception(), ValueError)
    assert future.exception() is future.exception()
    with pytest.raises(ValueError) as caught:
        future.result()
    assert caught.value is future.exception()


@pytest.mark.parametrize("timeout", [0, 0.001, -1, 0.05])
def test_waiting_with_a_timeout_for_what_is_not_done(held: Held, timeout: float) -> None:
    for future in (held.running, held.pending):
        with pytest.raises(TimeoutError):
            future.result(timeout)
        with pytest.raises(TimeoutError):
            future.exception(timeout=timeout)
        assert not future.done()


@pytest.mark.parametrize("timeout", [0, 0.001, -1, 5, 100_000.0, None])
def test_waiting_with_a_timeout_for_what_is_done(
    pool: InterpreterThreadPoolExecutor, tag: Tag, timeout: float | None
) -> None:
    future = pool.submit(tag(work.square), 3)
    future.result()
    assert future.result(timeout) == 9
    assert future.result(timeout=timeout) == 9
    assert future.exception(timeout) is None


def test_a_timeout_must_be_a_number(held: Held) -> None:
    not_a_number: Any = "soon"
    with pytest.raises(TypeError):
        held.pending.result(not_a_number)


def test_a_result_that_comes_in_time_ends_the_wait(held: Held) -> None:
    threading.Thread(target=held.gate.open).start()
    assert held.running.result(timeout=100) == "passed"
    assert held.pending.result(timeout=100) == 9


def test_many_threads_may_wait_for_one_future(held: Held) -> None:
    results: queue.Queue[object] = queue.Queue()
    threads = [threading.Thread(target=lambda: results.put(held.running.result())) for _ in range(8)]
    for thread in threads:
        thread.start()
    held.gate.open()
    for thread in threads:
        thread.join()
    first = held.running.result()
    assert [results.get() is first for _ in range(8)] == [True] * 8


def test_a_pending_task_can_be_cancelled_and_never_runs(make_pool: MakePool, gate: Gate, tag: Tag) -> None:
    import os

    pool = make_pool(1)
    reader, writer = os.pipe()
    running = pool.submit(tag(gates.hold), gate.ends)
    gate.wait_for()
    cancelled = pool.submit(tag(work.write), writer, b"cancelled")
    after = pool.submit(tag(work.write), writer, b"after")
    assert cancelled.cancel()
    gate.open()
    running.result()
    after.result()
    assert os.read(reader, 100) == b"after"
    os.close(reader)
    os.close(writer)


def test_states_of_a_cancelled_future(held: Held) -> None:
    assert held.pending.cancel()
    assert held.pending.cancel()
    assert held.pending.cancelled()
    assert held.pending.done()
    assert not held.pending.running()
    for wait in (held.pending.result, held.pending.exception):
        with pytest.raises(CancelledError):
            wait()
    held.gate.open()
    assert held.pool.submit(work.square, 4).result() == 16
    assert held.pending.cancelled()


def test_a_running_task_cannot_be_cancelled(held: Held) -> None:
    assert not held.running.cancel()
    assert not held.running.cancelled()
    held.gate.open()
    assert held.running.result() == "passed"


def test_cancelling_ends_the_wait_of_others(held: Held) -> None:
    outcome: queue.Queue[object] = queue.Queue()

    def wait() -> None:
        try:
            outcome.put(held.pending.result())
        except CancelledError as error:
            outcome.put(error)

    thread = threading.Thread(target=wait)
    thread.start()
    held.pending.cancel()
    assert isinstance(outcome.get(), CancelledError)
    thread.join()


def test_a_callback_is_called_with_the_future_when_it_is_done(held: Held) -> None:
    calls: queue.Queue[Any] = queue.Queue()
    held.running.add_done_callback(calls.put)
    held.pending.add_done_callback(calls.put)
    assert calls.empty()
    held.gate.open()
    assert calls.get() is held.running
    assert calls.get() is held.pending


def test_a_callback_added_later_is_called_at_once_here(pool: InterpreterThreadPoolExecutor, tag: Tag) -> None:
    future = pool.submit(tag(work.square), 3)
    future.result()
    calls: list[Any] = []
    future.add_done_callback(lambda f: calls.append((f, threading.get_ident())))
    assert calls == [(future, threading.get_ident())]


def test_callbacks_are_called_in_the_order_in_which_they_were_added(held: Held) -> None:
    calls: queue.Queue[int] = queue.Queue()
    for n in range(10):
        held.running.add_done_callback(lambda _, n=n: calls.put(n))  # type: ignore[misc]
    held.gate.open()
    assert [calls.get() for _ in range(10)] == list(range(10))


def test_a_callback_runs_in_the_interpreter_of_home_and_sees_the_result(held: Held) -> None:
    calls: queue.Queue[Any] = queue.Queue()
    held.running.add_done_callback(lambda f: calls.put((work.here(), f.done(), f.result())))
    held.gate.open()
    assert calls.get() == (work.HERE, True, "passed")


def test_a_callback_is_called_when_the_task_failed(held: Held, tag: Tag) -> None:
    calls: queue.Queue[Any] = queue.Queue()
    failing = held.pool.submit(tag(failures.fail_below))
    failing.add_done_callback(calls.put)
    held.gate.open()
    assert isinstance(calls.get().exception(), ValueError)


def test_a_callback_is_called_at_once_when_the_future_is_cancelled(held: Held) -> None:
    calls: list[Any] = []
    held.pending.add_done_callback(calls.append)
    held.pending.cancel()
    assert calls == [held.pending]


def test_a_failing_callback_is_logged_and_the_others_are_called(held: Held, caplog: pytest.LogCaptureFixture) -> None:
    calls: queue.Queue[Any] = queue.Queue()

    def fail(_: object) -> None:
        raise failures.Custom(1, "callback failed")

    held.running.add_done_callback(fail)
    held.running.add_done_callback(calls.put)
    with caplog.at_level(logging.ERROR, "concurrent.futures"):
        held.gate.open()
        assert calls.get() is held.running
    assert held.running.result() == "passed"
    (record,) = [record for record in caplog.records if record.name == "concurrent.futures"]
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], failures.Custom)


def test_a_failing_callback_added_later_is_logged_too(
    pool: InterpreterThreadPoolExecutor, tag: Tag, caplog: pytest.LogCaptureFixture
) -> None:
    future = pool.submit(tag(work.square), 3)
    future.result()
    future.add_done_callback(lambda _: work.divide(1, 0))
    assert "exception calling callback" in caplog.text


def test_a_callback_may_submit_to_the_pool(held: Held, tag: Tag) -> None:
    results: queue.Queue[Any] = queue.Queue()

    def go_on(future: Future[Any]) -> None:
        held.pool.submit(tag(work.square), 5).add_done_callback(lambda f: results.put((future.result(), f.result())))

    held.running.add_done_callback(go_on)
    held.gate.open()
    assert results.get() == ("passed", 25)


def test_a_callback_may_add_a_callback(held: Held) -> None:
    calls: queue.Queue[Any] = queue.Queue()
    held.running.add_done_callback(lambda f: f.add_done_callback(calls.put))
    held.gate.open()
    assert calls.get() is held.running


def test_a_callback_may_cancel_another_task(held: Held) -> None:
    done = threading.Event()
    last = held.pool.submit(work.square, 3)

    def stop(_: object) -> None:
        last.cancel()
        done.set()

    held.running.add_done_callback(stop)
    held.gate.open()
    done.wait()
    assert last.done() or last.result() == 9


def test_a_callback_may_shut_the_pool_down(held: Held) -> None:
    calls: queue.Queue[Any] = queue.Queue()

    def stop(_: object) -> None:
        held.pool.shutdown(wait=False)
        calls.put("stopped")

    held.running.add_done_callback(stop)
    held.gate.open()
    assert calls.get() == "stopped"
    assert held.pending.result() == 9


def test_a_callback_may_drop_the_last_reference_to_the_pool(tag: Tag) -> None:
    holder = [InterpreterThreadPoolExecutor(1, thread_name_prefix="dropped_in_callback")]
    done = threading.Event()

    def drop(_: object) -> None:
        holder.clear()
        done.set()

    gate = Gate()
    future = holder[0].submit(tag(gates.hold), gate.ends)
    future.add_done_callback(drop)
    gate.open_wide()
    done.wait()
    for thread in threading.enumerate():
        if thread.name.startswith("dropped_in_callback"):
            thread.join()
    gate.dispose()


def test_repr_tells_the_state(held: Held, tag: Tag) -> None:
    assert "state=running" in repr(held.running)
    assert "state=pending" in repr(held.pending)
    cancelled = held.pool.submit(tag(work.square), 3)
    cancelled.cancel()
    assert "state=cancelled" in repr(cancelled)
    held.gate.open()
    held.pending.result()
    assert "state=finished returned int" in repr(held.pending)
    failed = held.pool.submit(tag(failures.fail_below))
    failed.exception()
    assert "state=finished raised ValueError" in repr(failed)


def test_attributes_can_be_set(pool: InterpreterThreadPoolExecutor, tag: Tag) -> None:
    future: Any = pool.submit(tag(work.square), 3)
    future.label = "mine"
    assert future.label == "mine"
    del future.label
    assert not hasattr(future, "label")


def test_a_future_can_be_weakly_referenced_and_dies_when_dropped(pool: InterpreterThreadPoolExecutor, tag: Tag) -> None:
    future = pool.submit(tag(work.square), 3)
    gone = threading.Event()
    reference = weakref.ref(future, lambda _: gone.set())
    future.result()
    assert reference() is future
    del future
    gone.wait()


def test_a_future_in_a_cycle_is_collected(tag: Tag) -> None:
    with InterpreterThreadPoolExecutor(1) as pool:
        future: Any = pool.submit(tag(work.square), 3)
    future.me = future
    future.add_done_callback(lambda f: None)
    reference = weakref.ref(future)
    del future
    gc.collect()
    assert reference() is None


def test_a_future_in_a_cycle_with_its_callback_is_collected(tag: Tag) -> None:
    with InterpreterThreadPoolExecutor(1) as pool:
        future = pool.submit(tag(work.square), 3)
        future.add_done_callback(lambda _, future=future: None)  # type: ignore[misc]
    reference = weakref.ref(future)
    del future
    gc.collect()
    assert reference() is None


def test_a_result_that_refers_to_its_future_is_collected(tag: Tag) -> None:
    with InterpreterThreadPoolExecutor(1) as pool:
        future = pool.submit(tag(work.echo), [])
    future.result().append(future)
    reference = weakref.ref(future)
    del future
    gc.collect()
    assert reference() is None


def test_a_future_is_hashable_and_equal_to_itself_only(pool: InterpreterThreadPoolExecutor, tag: Tag) -> None:
    first, second = pool.submit(tag(work.square), 3), pool.submit(tag(work.square), 3)
    assert {first: 1, second: 2}[first] == 1
    assert first == first
    assert first != second


def test_generic_alias_of_the_future_s_class(pool: InterpreterThreadPoolExecutor) -> None:
    kind: Any = type(pool.submit(interpreter(work.square), 3))
    assert issubclass(kind, Future)
    assert kind[int].__origin__ is kind


def test_a_finished_future_refuses_another_outcome(pool: InterpreterThreadPoolExecutor, tag: Tag) -> None:
    future = pool.submit(tag(work.square), 3)
    future.result()
    with pytest.raises(InvalidStateError):
        future.set_result(10)
    with pytest.raises(InvalidStateError):
        future.set_exception(ValueError())
    assert future.result() == 9


def test_it_has_no_awaitable_marker(pool: InterpreterThreadPoolExecutor) -> None:
    import asyncio

    future = pool.submit(interpreter(work.square), 3)
    assert not hasattr(future, "_asyncio_future_blocking")
    assert asyncio.isfuture(future) is False


def test_private_state_is_as_other_libraries_expect(held: Held, tag: Tag) -> None:
    running: Any = held.running
    pending: Any = held.pending
    cancelled: Any = held.pool.submit(tag(work.square), 3)
    failed: Any = held.pool.submit(tag(failures.fail_below))
    cancelled.cancel()
    assert (running._state, pending._state) == ("RUNNING", "PENDING")
    assert cancelled._state in ("CANCELLED", "CANCELLED_AND_NOTIFIED")
    assert (pending._result, pending._exception) == (None, None)
    held.gate.open()
    pending.result()
    failed.exception()
    assert (running._state, pending._state, failed._state) == ("FINISHED",) * 3
    assert (running._result, running._exception) == ("passed", None)
    assert (pending._result, pending._exception) == (9, None)
    assert (failed._result, failed._exception) == (None, failed.exception())


def test_private_condition_guards_the_state(held: Held) -> None:
    running: Any = held.running
    condition = running._condition
    assert condition is running._condition
    with condition:
        held.gate.open()
        assert running._state == "RUNNING"
        while running._state != "FINISHED":
            condition.wait()
    assert held.running.result() == "passed"


def test_private_waiters_are_told(held: Held) -> None:
    class Waiter:
        def __init__(self) -> None:
            self.told: queue.Queue[Any] = queue.Queue()

        def add_result(self, future: Any) -> None:
            self.told.put(("result", future))

        def add_exception(self, future: Any) -> None:
            self.told.put(("exception", future))

        def add_cancelled(self, future: Any) -> None:
            self.told.put(("cancelled", future))

    waiter = Waiter()
    futures: list[Any] = [held.running, held.pending, held.pool.submit(interpreter(failures.fail_below))]
    cancelled: Any = held.pool.submit(interpreter(work.square), 3)
    for future in [*futures, cancelled]:
        with future._condition:
            future._waiters.append(waiter)
    cancelled.cancel()
    held.gate.open()
    told = [waiter.told.get() for _ in range(4)]
    assert sorted(told, key=lambda item: [*futures, cancelled].index(item[1])) == [
        ("result", held.running),
        ("result", held.pending),
        ("exception", futures[2]),
        ("cancelled", cancelled),
    ]


def test_private_callbacks_list_is_the_registered_ones(held: Held) -> None:
    pending: Any = held.pending
    called = threading.Event()

    def callback(_: object) -> None:
        called.set()

    pending.add_done_callback(callback)
    assert list(pending._done_callbacks) == [callback]
    held.gate.open()
    called.wait()


def test_private_snapshot_tells_everything_at_once(held: Held, tag: Tag) -> None:
    def snapshot(future: Any) -> Any:
        return future._get_snapshot()

    cancelled = held.pool.submit(tag(work.square), 3)
    cancelled.cancel()
    failed = held.pool.submit(tag(failures.fail_below))
    assert snapshot(held.pending) == (False, False, None, None)
    assert snapshot(held.running) == (False, False, None, None)
    assert snapshot(cancelled) == (True, True, None, None)
    held.gate.open()
    failed.exception()
    assert snapshot(held.pending) == (True, False, 9, None)
    assert snapshot(failed) == (True, False, None, failed.exception())
