"""Objects that went into a call or came out of it are not kept if nothing else keeps them."""

import array
import itertools
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import as_completed, wait
from typing import Any

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, NotTransferableError, SharedBuffer, interpreter
from support import failures, memory, shapes, work
from support.kinds import Gone, no_collector
from support.protocols import Tag


@pytest.fixture(autouse=True)
def without_collector() -> Iterator[None]:
    """Objects must die by their reference count alone."""
    with no_collector():
        yield


def test_arguments_are_let_go_when_the_task_is_done(pool: InterpreterThreadPoolExecutor, tag: Tag) -> None:
    positional, keyword = shapes.Node("a"), shapes.Node("b")
    gone = Gone(positional), Gone(keyword)
    future = pool.submit(tag(work.nothing), positional, keyword=keyword)
    del positional, keyword
    future.result()
    for each in gone:
        each.wait()


def test_arguments_are_let_go_when_the_task_failed(pool: InterpreterThreadPoolExecutor, tag: Tag) -> None:
    argument = shapes.Node("a")
    gone = Gone(argument)
    future = pool.submit(tag(work.divide), 1, 0, argument)  # one argument too many
    del argument
    assert isinstance(future.exception(), TypeError)
    del future
    gone.wait()


def test_arguments_of_a_refused_call_are_let_go(pool: InterpreterThreadPoolExecutor) -> None:
    box = shapes.Box([shapes.make_generator()])
    gone = Gone(box)
    future = pool.submit(interpreter(work.nothing), box)
    del box
    assert isinstance(future.exception(), NotTransferableError)
    del future
    gone.wait()


def test_functions_are_let_go_when_the_task_is_done(pool: InterpreterThreadPoolExecutor, tag: Tag) -> None:
    def inner() -> int:
        return 5

    gone = Gone(inner)
    future = pool.submit(tag(inner))
    del inner
    assert future.result() == 5
    del future
    gone.wait()


def test_what_a_closure_holds_is_let_go(pool: InterpreterThreadPoolExecutor, tag: Tag) -> None:
    def make() -> tuple[Callable[[], str], Gone]:
        node = shapes.Node("in a cell")
        return lambda: node.name, Gone(node)

    fn, gone = make()
    assert pool.submit(tag(fn)).result() == "in a cell"
    del fn
    gone.wait()


def test_bound_objects_are_let_go(pool: InterpreterThreadPoolExecutor, tag: Tag) -> None:
    counter = shapes.Counter(2)
    gone = Gone(counter)
    future = pool.submit(tag(counter.untagged), 3)
    del counter
    assert future.result() == 6
    del future
    gone.wait()


def test_tags_are_let_go(pool: InterpreterThreadPoolExecutor) -> None:
    tagged = interpreter(work.square)
    gone = Gone(tagged)
    assert pool.submit(tagged, 3).result() == 9
    del tagged
    gone.wait()


def test_results_are_let_go_with_their_future(pool: InterpreterThreadPoolExecutor, tag: Tag) -> None:
    future = pool.submit(tag(shapes.Node), "result")
    gone = Gone(future.result())
    del future
    gone.wait()


def test_exceptions_are_let_go_with_their_future(pool: InterpreterThreadPoolExecutor, tag: Tag) -> None:
    future = pool.submit(tag(failures.fail_with_custom))
    gone = Gone(future.exception())
    del future
    gone.wait()


def test_raised_exceptions_are_let_go(pool: InterpreterThreadPoolExecutor, tag: Tag) -> None:
    future = pool.submit(tag(failures.fail_with_custom))
    with pytest.raises(failures.Custom) as caught:
        future.result()
    gone = Gone(caught.value)
    del future, caught
    gone.wait()


def test_callbacks_are_let_go(pool: InterpreterThreadPoolExecutor, tag: Tag) -> None:
    called = threading.Event()

    def callback(_: object) -> None:
        called.set()

    gone = Gone(callback)
    future = pool.submit(tag(work.square), 3)
    future.add_done_callback(callback)
    called.wait()
    del callback, future
    gone.wait()


@pytest.mark.parametrize("when", ["early", "late", "both"])
def test_futures_with_callbacks_are_let_go(pool: InterpreterThreadPoolExecutor, tag: Tag, when: str) -> None:
    future = pool.submit(tag(work.square), 3)
    if when != "late":
        future.add_done_callback(work.nothing)
    future.result()
    if when != "early":
        future.add_done_callback(work.nothing)
    gone = Gone(future)
    del future
    gone.wait()


def test_futures_that_were_waited_for_are_let_go(pool: InterpreterThreadPoolExecutor, tag: Tag) -> None:
    futures = [pool.submit(tag(work.square), n) for n in range(3)]
    for future in as_completed(futures):
        future.result()
    wait(futures)
    gone = [Gone(future) for future in futures]
    del future, futures
    for each in gone:
        each.wait()


def test_a_cancelled_task_lets_go_of_everything(tag: Tag) -> None:
    from support import gate as gates
    from support.gate import Gate

    gate = Gate()
    with InterpreterThreadPoolExecutor(1) as pool:
        pool.submit(tag(gates.hold), gate.ends)
        gate.wait_for()
        node = shapes.Node("never used")
        gone = Gone(node)
        future = pool.submit(tag(work.nothing), node)
        del node
        future.cancel()
        del future
        gate.open()
        pool.submit(tag(work.square), 3).result()
        gone.wait()
    gate.dispose()


def test_arguments_and_results_of_map_are_let_go(pool: InterpreterThreadPoolExecutor, tag: Tag) -> None:
    nodes = [shapes.Node(str(n)) for n in range(5)]
    gone = [Gone(node) for node in nodes]
    results = pool.map(tag(work.echo), nodes)
    del nodes
    for result in results:
        gone.append(Gone(result))
    del result, results
    for each in gone:
        each.wait()


def test_map_lets_go_of_each_result_that_it_has_yielded(pool: InterpreterThreadPoolExecutor, tag: Tag) -> None:
    for result in pool.map(tag(shapes.Node), ["a", "b", "c"]):
        gone = Gone(result)
        del result
        gone.wait()


@pytest.mark.parametrize(
    "value",
    [
        [1, "a"], {"k": (1, 2)}, "text" * 10, 10**20, shapes.Point(1, 2), b"large" * 10_000, "large" * 10_000,
        SharedBuffer(9), {"k": shapes.Box([b"l" * 50_000])}, {"k": memoryview(b"abc")}, {"k": memory.Buffers(bytes(50_000))},
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_reference_counts_of_arguments_do_not_change(pool: InterpreterThreadPoolExecutor, value: Any) -> None:
    parts = [value, *(value.values() if isinstance(value, dict) else [])]

    def counts() -> list[int]:
        return [sys.getrefcount(part) for part in parts]

    pool.submit(interpreter(work.echo), value).result()
    before = counts()
    for _ in range(200):
        pool.submit(interpreter(work.echo), value).result()
        pool.submit(interpreter(work.echo_call), value, k=value).result()
    assert counts() == before


def test_a_shut_down_pool_lets_go_of_itself() -> None:
    pool = InterpreterThreadPoolExecutor(1)
    pool.submit(interpreter(work.square), 3).result()
    gone = Gone(pool)
    pool.shutdown()
    del pool
    gone.wait()


def test_a_shut_down_pool_lets_go_of_its_initializer() -> None:
    node = shapes.Node("argument")
    gone = Gone(node)
    pool = InterpreterThreadPoolExecutor(1, initializer=work.nothing, initargs=(node,))
    del node
    pool.submit(interpreter(work.square), 3).result()
    pool.shutdown()
    del pool
    gone.wait()


@pytest.mark.parametrize("wrap", [lambda view: view, lambda view: [view, {"k": view}], shapes.Box, memory.Buffers])
def test_exporters_are_let_go_when_the_task_is_done(
    pool: InterpreterThreadPoolExecutor, wrap: Callable[[memoryview], Any]
) -> None:
    exporter = array.array("B", bytes(50_000))
    gone = Gone(exporter)
    future = pool.submit(interpreter(work.nothing), wrap(memoryview(exporter)))
    del exporter
    future.result()
    gone.wait()


def test_exporters_are_let_go_with_the_last_view_of_a_result(pool: InterpreterThreadPoolExecutor) -> None:
    exporter = array.array("B", bytes(50_000))
    gone = Gone(exporter)
    future = pool.submit(interpreter(work.echo), memoryview(exporter))
    part = future.result()[5:]
    del exporter, future
    assert part == bytes(49_995)
    del part
    gone.wait()


@pytest.mark.parametrize("kind", ["bytes", "str", "wide", "nested", "object"])
def test_reference_counts_of_large_results_do_not_change_in_the_worker(kind: str) -> None:
    with InterpreterThreadPoolExecutor(1) as pool:
        pool.submit(interpreter(memory.keep), "kept", memory.large(kind, 50_000)).result()
        before = pool.submit(interpreter(memory.reference_counts), "kept").result()
        for _ in range(100):
            pool.submit(interpreter(work.recall), "kept").result()
            pool.submit(interpreter(work.recall), "kept")  # the result is never asked for
        assert pool.submit(interpreter(memory.reference_counts), "kept").result() == before


def test_blocks_of_memory_do_not_grow_in_the_worker() -> None:
    with InterpreterThreadPoolExecutor(1) as pool:
        block = bytearray(50_000)

        def use() -> None:
            for _ in range(100):
                pool.submit(
                    interpreter(work.echo), [memoryview(block), bytes(block), SharedBuffer(5), shapes.Box([1])]
                ).result()
                pool.submit(interpreter(memory.hold_view_in), "object", 50_000).result()
                pool.submit(interpreter(memory.large), "nested", 50_000).result()

        levels = []
        for _ in range(5):
            use()
            levels.append(pool.submit(interpreter(memory.allocated_blocks)).result())
        assert min(after - before for before, after in itertools.pairwise(levels)) < 100, "blocks in a hundred rounds"
