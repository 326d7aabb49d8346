"""A drop-in for ThreadPoolExecutor: objects of `map` or of an executor are not kept longer either. With reference counts."""

import gc
import sys
import threading
from collections.abc import Callable
from concurrent.futures import wait
from typing import Any

import pytest

from aiointerpreters import interpreter
from support import failures, shapes, work
from support import gate as gates
from support.kinds import Gone, Kind, Watch, no_later_than_original, same_as_original

# ---- map


@no_later_than_original
def test_arguments_and_results_of_map(kind: Kind, watch: Watch) -> None:
    executor = kind.make(1)
    gate = kind.occupy(executor)
    nodes = [shapes.Node(str(n)) for n in range(4)]
    watch(**{f"argument {n}": node for n, node in enumerate(nodes)})
    results = executor.map(kind.call(shapes.Box), nodes)
    nodes.clear()
    watch.look("queued")
    gate.open_wide()
    kind.settle(executor)
    watch.look("finished")
    for n in range(4):
        box = next(results)
        watch(**{f"result {n}": box})
        del box
        watch.look(f"after result {n}")
    del results
    watch.look("after the iterator")


@pytest.mark.parametrize("end", ["close", "drop", "fail"])
@no_later_than_original
def test_a_map_that_is_left_early(kind: Kind, watch: Watch, end: str) -> None:
    executor = kind.make(1)
    gate = kind.gate()
    nodes = [shapes.Node(str(n)) for n in range(3)]
    watch(**{f"argument {n}": node for n, node in enumerate(nodes)})
    rows = [
        (work.echo, nodes[0]),
        (gates.hold_then, gate.ends, work.divide, 1, 0),
        (work.echo, nodes[1]),
        (work.echo, nodes[2]),
    ]
    results: Any = executor.map(kind.call(work.call_row), rows)
    del rows
    nodes.clear()
    first = next(results)
    watch(result=first)
    del first
    gate.wait_for()
    if end == "close":
        results.close()
    elif end == "drop":
        del results
    gate.open()
    if end == "fail":
        kind.failure(lambda: next(results))
    kind.settle(executor)
    watch.look("left")


@no_later_than_original
def test_the_function_and_the_iterables_of_map(kind: Kind, watch: Watch) -> None:
    class Rows:
        def __iter__(self) -> Any:
            return iter([1, 2])

    executor = kind.make(1)
    speaker, rows = shapes.Speaker("function"), Rows()
    watch(speaker=speaker, rows=rows)
    results = executor.map(kind.call(speaker.speak), rows)
    del speaker, rows
    list(results)
    kind.settle(executor)
    watch.look("exhausted")
    del results
    watch.look("after the iterator")


@no_later_than_original
def test_an_iterator_of_map_and_its_executor(kind: Kind, watch: Watch) -> None:
    executor = kind.make(1)
    results = executor.map(kind.call(work.square), range(5))
    next(results)
    threads = set(executor._threads)
    kind.settle(executor)
    watch(executor=executor)
    gone = Gone(executor)
    del executor
    gone.wait()
    watch.look("dropped")
    assert list(results) == [1, 4, 9, 16]
    for thread in threads:
        thread.join()


# ---- The executor


@no_later_than_original
def test_initializers_and_their_arguments(kind: Kind, watch: Watch) -> None:
    speaker, argument = shapes.Speaker("initializer"), shapes.Node("argument")
    watch(speaker=speaker, argument=argument)
    executor = kind.make(1, initializer=speaker.speak, initargs=(argument,))
    del speaker, argument
    kind.settle(executor)
    threads = set(executor._threads)
    watch(executor=executor)
    watch.look("at work")
    executor.shutdown()
    watch.look("shut down")
    del executor, threads
    watch.look("dropped")


@no_later_than_original
def test_initializers_that_fail(kind: Kind, watch: Watch) -> None:
    argument = shapes.Node("argument")
    watch(argument=argument)
    executor = kind.make(1, initializer=kind.call(work.divide), initargs=(1, 0, argument))
    del argument
    future = executor.submit(kind.call(work.nothing))
    future.exception()
    executor.shutdown()
    kind.log.clear()
    del future, executor
    gc.collect()  # the exception is in a reference cycle with its frames, in the original as well
    watch.look("dropped")


@no_later_than_original
def test_an_executor_that_was_shut_down(kind: Kind, watch: Watch) -> None:
    executor = kind.make(2)
    gate = kind.occupy(executor, 2)
    threads = list(executor._threads)
    watch(executor=executor, **{f"thread {n}": thread for n, thread in enumerate(threads)})
    gate.open_wide()
    executor.shutdown()
    threads.clear()
    watch.look("shut down")
    del executor
    watch.look("dropped")


@no_later_than_original
def test_an_executor_that_was_never_used(kind: Kind, watch: Watch) -> None:
    argument = shapes.Node("argument")
    executor = kind.make(2, initializer=work.nothing, initargs=(argument,))
    watch(executor=executor, argument=argument)
    del executor, argument
    watch.look("dropped")


@no_later_than_original
def test_an_executor_with_work(kind: Kind, watch: Watch) -> None:
    executor = kind.make(1)
    kind.settle(executor)
    gate = kind.occupy(executor)
    node = shapes.Node("argument")
    watch(executor=executor, argument=node)
    future = executor.submit(kind.call(work.echo), node)
    threads = set(executor._threads)
    del executor, node
    watch.look("dropped")
    gate.open_wide()
    future.result()
    del future
    for thread in threads:
        thread.join()
    watch.look("ended")


# ---- Counts


def counts(*values: Any) -> list[int]:
    return [sys.getrefcount(value) for value in values]


@pytest.mark.parametrize("fn", [work.nothing, work.echo, failures.fail], ids=lambda fn: fn.__name__)
@same_as_original
def test_reference_counts(kind: Kind, fn: Callable[..., Any]) -> Any:
    executor = kind.make(1)
    value, tagged = ValueError("value"), kind.call(fn)
    kind.settle(executor)
    before = counts(value, fn, tagged, executor)
    for _ in range(50):
        future = executor.submit(tagged, value)
        future.cancel()
        wait([future])
        value.__traceback__ = None
        del future
    kind.settle(executor)
    seen = [counts(value, fn, tagged, executor) == before]
    gate = kind.occupy(executor)
    futures = [executor.submit(tagged, value) for _ in range(50)]
    assert [future.cancel() for future in futures] == [True] * 50
    gate.open_wide()
    kind.settle(executor)
    del futures
    value.__traceback__ = None
    return [*seen, counts(value, fn, tagged, executor) == before]


@same_as_original
def test_reference_counts_of_arguments_that_are_queued(kind: Kind) -> Any:
    executor = kind.make(1)
    gate = kind.occupy(executor)
    value = shapes.Node("value")
    before = sys.getrefcount(value)
    futures = [executor.submit(kind.call(work.nothing), value) for _ in range(10)]
    added = sys.getrefcount(value) - before
    gate.open_wide()
    kind.settle(executor)
    del futures
    return 0 <= added <= 10, sys.getrefcount(value) - before


@same_as_original
def test_reference_counts_of_shared_constants(kind: Kind) -> Any:
    executor = kind.make(1, "constants")
    kind.settle(executor)
    key, thread = "a" * 5000, threading.current_thread()
    before = counts(key, thread, work.echo_call)
    for _ in range(100):
        executor.submit(kind.call(work.echo_call), key, name=key).result()
        kind.failure(lambda: executor.submit(interpreter(work.divide), 1, 0).result() if kind.is_tagged else None)
    kind.settle(executor)
    return [now - then for now, then in zip(counts(key, thread, work.echo_call), before, strict=True)]
