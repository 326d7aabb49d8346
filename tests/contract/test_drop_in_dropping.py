"""A drop-in for ThreadPoolExecutor: executors that are dropped or derived from, and callbacks."""

import gc
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from support import gate as gates
from support import work
from support.kinds import Gone, Kind, join_all, same_as_original, states

# ---- Dropping


@pytest.mark.parametrize("queued", [0, 3])
@pytest.mark.parametrize("running", [0, 2])
@same_as_original
def test_a_dropped_executor_finishes_its_work(kind: Kind, running: int, queued: int) -> Any:
    executor = kind.make(2)
    gate = kind.gate()
    futures = [executor.submit(kind.call(gates.hold), gate.ends, n) for n in range(running)]
    gate.wait_for(running)
    futures += [executor.submit(kind.call(work.square), n) for n in range(queued)]
    threads, reference = set(executor._threads), weakref.ref(executor)
    del executor
    gone = Gone(reference()) if reference() else None  # a thread of the original may hold it at this moment
    if gone is not None:
        gone.wait()
    gate.open_wide()
    join_all(threads)
    return states(futures), [future.result() for future in futures]


@same_as_original
def test_a_dropped_executor_in_a_cycle(kind: Kind) -> Any:
    executor: Any = kind.make(1)
    executor.itself = executor
    future = executor.submit(kind.call(work.square), 3)
    threads = set(executor._threads)
    del executor
    gc.collect()
    join_all(threads)
    return future.result()


@same_as_original
def test_an_executor_dropped_by_its_own_call(kind: Kind) -> Any:
    holder = [kind.make(1)]
    threads = holder[0]._threads
    gate = kind.gate()
    first = holder[0].submit(gates.hold_then, gate.ends, holder.clear)
    second = holder[0].submit(kind.call(work.square), 3)
    gate.open()
    first.result()
    join_all(threads)
    return second.result(), holder


@same_as_original
def test_an_executor_dropped_by_a_callback(kind: Kind) -> Any:
    holder = [kind.make(1)]
    threads = holder[0]._threads
    gate = kind.gate()
    first = holder[0].submit(kind.call(gates.hold), gate.ends, 1)
    second = holder[0].submit(kind.call(work.square), 3)
    first.add_done_callback(lambda _: holder.clear())
    gate.open()
    join_all(threads)
    return first.result(), second.result(), holder


@same_as_original
def test_executors_made_and_dropped_in_a_loop(kind: Kind) -> Any:
    futures = []
    threads: set[Any] = set()
    executor: Any = None
    for n in range(20):
        executor = kind.make(1)
        futures.append(executor.submit(kind.call(work.square), n))
        threads |= executor._threads
    del executor
    results = [future.result() for future in futures]
    join_all(threads)
    return results, len(threads)


@same_as_original
def test_unused_executors_dropped_in_a_loop(kind: Kind) -> Any:
    before = set(threading.enumerate())
    for _ in range(1000):
        kind.executor_type(3)
    return [thread for thread in threading.enumerate() if thread not in before]  # threads of earlier tests may end


@pytest.mark.parametrize("name", ["executor", "a thread of it"])
@same_as_original
def test_what_is_left_of_an_executor_that_was_shut_down(kind: Kind, name: str) -> Any:
    executor = kind.make(1)
    kind.settle(executor)
    gone = Gone(executor if name == "executor" else next(iter(executor._threads)))
    executor.shutdown()
    del executor
    gone.wait()
    return True


# ---- Deriving


def derive(kind: Kind, body: dict[str, Any]) -> Any:
    return type("Derived", (kind.executor_type,), body)


@same_as_original
def test_a_class_with_its_own_del(kind: Kind) -> Any:
    deleted: list[bool] = []
    executor = derive(kind, {"__del__": lambda self: deleted.append(self._shutdown)})(1)
    future = executor.submit(kind.call(work.square), 3)
    threads = set(executor._threads)
    del executor
    join_all(threads)
    return deleted, future.result()


@same_as_original
def test_a_class_whose_del_shuts_down(kind: Kind) -> Any:
    executor = derive(kind, {"__del__": lambda self: self.shutdown(wait=False, cancel_futures=True)})(1)
    gate = kind.occupy(executor)
    queued = executor.submit(kind.call(work.square), 3)
    threads = set(executor._threads)
    del executor
    seen = states([queued])
    gate.open_wide()
    join_all(threads)
    return seen


@same_as_original
def test_a_class_with_its_own_init_and_submit(kind: Kind) -> Any:
    class Counting(kind.executor_type):  # type: ignore[name-defined,misc]
        def __init__(self, limit: int) -> None:
            super().__init__(max_workers=limit, thread_name_prefix="counting")
            self.limit = limit
            self.submitted: list[tuple[Any, ...]] = []

        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
            self.submitted.append((args, kwargs))
            future: Future[Any] = super().submit(fn, *args, **kwargs)
            return future

    with Counting(2) as executor:
        one = executor.submit(kind.call(work.add), 1, b=2).result()
        several = list(executor.map(kind.call(work.square), [1, 2, 3]))
    return one, several, executor.submitted, executor.limit, isinstance(executor, ThreadPoolExecutor)


@same_as_original
def test_a_class_with_its_own_shutdown(kind: Kind) -> Any:
    calls: list[Any] = []

    class Careful(kind.executor_type):  # type: ignore[name-defined,misc]
        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
            calls.append((wait, cancel_futures))
            super().shutdown(wait, cancel_futures=cancel_futures)

    with Careful(1) as executor:
        future = executor.submit(kind.call(work.square), 3)
    return calls, states([future]), kind.failure(lambda: executor.submit(work.nothing))


@same_as_original
def test_a_class_beside_another_one(kind: Kind) -> Any:
    class Mixin:
        def __init__(self, *args: Any, label: str, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.label = label

    with type("Mixed", (Mixin, kind.executor_type), {})(1, label="mixed") as executor:
        return executor.label, executor.submit(kind.call(work.square), 3).result()


@same_as_original
def test_a_class_whose_init_fails(kind: Kind) -> Any:
    def fail(self: Any) -> None:
        raise LookupError("not made")

    return kind.failure(derive(kind, {"__init__": fail}))


@same_as_original
def test_a_class_that_forgets_to_call_init(kind: Kind) -> Any:
    executor = derive(kind, {"__init__": lambda self: None})()
    return executor.submit is not None and kind.failure(lambda: executor.submit(work.nothing)) is not None


@same_as_original
def test_callbacks_that_fail(kind: Kind) -> Any:
    executor = kind.make(1)
    gate = kind.gate()
    future = executor.submit(kind.call(gates.hold), gate.ends, 5)
    order: list[int] = []
    future.add_done_callback(lambda _: order.append(1))
    future.add_done_callback(lambda _: order.append(work.divide(1, 0)))  # type: ignore[arg-type]
    future.add_done_callback(lambda _: order.append(2))
    gate.open()
    future.result()
    kind.settle(executor)
    at_once = kind.failure(lambda: future.add_done_callback(lambda _: order.append(work.divide(1, 0))))  # type: ignore[arg-type]
    return order, at_once, kind.log, executor.submit(kind.call(work.square), 3).result()


@same_as_original
def test_the_thread_that_calls_back(kind: Kind) -> Any:
    executor = kind.make(1, "calls-back")
    gate = kind.gate()
    future = executor.submit(kind.call(gates.hold), gate.ends)
    names: list[str] = []
    future.add_done_callback(lambda _: names.append(threading.current_thread().name))
    gate.open()
    kind.settle(executor)
    future.add_done_callback(lambda _: names.append(threading.current_thread().name))
    return names == ["calls-back_0", threading.current_thread().name]


@same_as_original
def test_futures_that_are_done_when_they_are_told_to_be(kind: Kind) -> Any:
    future = kind.make(1).submit(kind.call(work.square), 3)
    future.result()
    refused = [kind.failure(lambda: future.set_result(5))[0], kind.failure(future.set_running_or_notify_cancel)]
    return refused, future.result(), repr(future).partition(" at ")[0], repr(future).partition("state=")[2]
