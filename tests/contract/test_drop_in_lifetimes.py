"""A drop-in for ThreadPoolExecutor: the objects of a call are never kept longer than by the original, at any moment."""

import weakref
from collections.abc import Callable
from concurrent.futures import Future, as_completed, wait
from typing import Any

import pytest

from support import failures, shapes, work
from support import gate as gates
from support.kinds import Kind, Watch, no_later_than_original

# ---- Arguments


@no_later_than_original
def test_arguments_of_a_finished_call(kind: Kind, watch: Watch) -> None:
    executor = kind.make(1)
    positional, keyword = shapes.Node("positional"), shapes.Node("keyword")
    watch(positional=positional, keyword=keyword)
    future = executor.submit(kind.call(work.nothing), positional, k=keyword)
    del positional, keyword
    future.result()
    kind.settle(executor)
    watch.look("after the result")
    del future
    watch.look("after the future")


@no_later_than_original
def test_arguments_of_a_queued_and_of_a_running_call(kind: Kind, watch: Watch) -> None:
    executor = kind.make(1)
    before, gate = kind.occupy(executor), kind.gate()
    node, inner = shapes.Node("argument"), shapes.Node("inner")
    watch(argument=node, inner=inner)
    future = executor.submit(kind.call(gates.hold), gate.ends, [node, {"k": inner}])
    del node, inner
    watch.look("queued")
    before.open_wide()
    gate.wait_for()
    watch.look("running")
    gate.open()
    del future
    kind.settle(executor)
    watch.look("finished")


@no_later_than_original
def test_arguments_of_a_cancelled_call(kind: Kind, watch: Watch) -> None:
    executor = kind.make(1)
    gate = kind.occupy(executor)
    node = shapes.Node("argument")
    watch(argument=node)
    future = executor.submit(kind.call(work.nothing), node)
    del node
    future.cancel()
    watch.look("cancelled")
    del future
    watch.look("after the future")
    gate.open_wide()
    kind.settle(executor)
    watch.look("after its turn")


@pytest.mark.parametrize("keep", [False, True])
@no_later_than_original
def test_arguments_cancelled_by_shutdown(kind: Kind, watch: Watch, keep: bool) -> None:
    executor = kind.make(1)
    gate = kind.occupy(executor)
    node = shapes.Node("argument")
    watch(argument=node)
    futures = [executor.submit(kind.call(work.nothing), node) for _ in range(3)]
    del node
    executor.shutdown(wait=False, cancel_futures=True)
    if not keep:
        futures.clear()
    watch.look("cancelled")
    gate.open_wide()
    executor.shutdown()
    watch.look("after shutdown")


@no_later_than_original
def test_arguments_of_a_broken_executor(kind: Kind, watch: Watch) -> None:
    gate = kind.gate()
    executor = kind.make(1, initializer=gates.hold_then, initargs=(gate.ends, failures.fail_in_the_third_line))
    node = shapes.Node("argument")
    watch(argument=node)
    futures = [executor.submit(kind.call(work.nothing), node) for _ in range(3)]
    del node
    gate.open_wide()
    for future in futures:
        future.exception()
    executor.shutdown()
    watch.look("broken")


@no_later_than_original
def test_arguments_of_a_refused_call(kind: Kind, watch: Watch) -> None:
    executor = kind.make(1)
    executor.shutdown()
    node = shapes.Node("argument")
    watch(argument=node)
    with pytest.raises(RuntimeError):
        executor.submit(kind.call(work.nothing), node)
    watch.look("refused")
    del node
    watch.look("after the argument")


@no_later_than_original
def test_arguments_of_a_call_that_failed(kind: Kind, watch: Watch) -> None:
    executor = kind.make(1)
    node = shapes.Node("argument")
    watch(argument=node)
    future = executor.submit(kind.call(work.divide), 1, 0, node)
    del node
    error = future.exception()
    kind.settle(executor)
    watch.look("while the exception is kept")
    del error
    watch.look("while the future is kept")
    del future
    watch.look("after the future")


@no_later_than_original
def test_the_frames_of_an_exception(kind: Kind, watch: Watch) -> None:
    executor = kind.make(1)
    node = shapes.Node("argument")
    watch(argument=node)
    future = executor.submit(kind.call(failures.fail_whatever_comes), node)
    del node
    error: Any = future.exception()
    watch(exception=error)
    kind.settle(executor)
    watch.look("with its traceback")
    error.__traceback__ = None
    watch.look("without")
    del future
    watch.look("after the future")
    del error
    watch.look("after the exception")


@no_later_than_original
def test_bound_methods_partials_and_closures(kind: Kind, watch: Watch) -> None:
    import functools

    def make_closure(cell: shapes.Node) -> Callable[[], str]:
        return lambda: cell.name

    executor = kind.make(1)
    speaker, argument, cell = shapes.Speaker("speaker"), shapes.Node("argument"), shapes.Node("cell")
    function, closure = functools.partial(work.echo_call, argument), make_closure(cell)
    watch(speaker=speaker, argument=argument, cell=cell, partial=function, closure=closure)
    gate = kind.occupy(executor)
    futures = [
        executor.submit(kind.call(speaker.speak)),
        executor.submit(kind.call(function)),
        executor.submit(kind.call(closure)),
    ]
    del speaker, argument, cell, function, closure
    watch.look("queued")
    gate.open_wide()
    futures[0].result()
    futures[2].result()
    kind.settle(executor)
    watch.look("finished")
    futures.clear()
    kind.settle(executor)
    watch.look("after the futures")


# ---- Results, exceptions, callbacks


@no_later_than_original
def test_results(kind: Kind, watch: Watch) -> None:
    executor = kind.make(1)
    future = executor.submit(kind.call(shapes.Node), "result")
    result = future.result()
    watch(result=result)
    del result
    kind.settle(executor)
    watch.look("while the future is kept")
    del future
    watch.look("after the future")


@no_later_than_original
def test_results_that_outlive_their_future(kind: Kind, watch: Watch) -> None:
    executor = kind.make(1)
    future = executor.submit(kind.call(shapes.Node), "result")
    result = future.result()
    watch(result=result, future=future)
    kind.settle(executor)
    del future
    watch.look("after the future")
    del result
    watch.look("after the result")


@no_later_than_original
def test_exceptions_that_were_raised(kind: Kind, watch: Watch) -> None:
    executor = kind.make(1)
    future = executor.submit(kind.call(failures.fail_with_custom))
    for _ in range(2):
        try:
            future.result()
        except failures.Custom as error:
            watch(exception=error)
    kind.settle(executor)
    watch(future=future)
    watch.look("while the future is kept")
    del future
    watch.look("after the future")


@no_later_than_original
def test_futures_that_nobody_keeps(kind: Kind, watch: Watch) -> None:
    executor = kind.make(1)
    gate = kind.occupy(executor)
    watch(returns=executor.submit(kind.call(work.here)))
    watch(raises=executor.submit(kind.call(failures.fail_with_custom)))
    watch.look("queued")
    gate.open_wide()
    kind.settle(executor)
    watch.look("finished")


@no_later_than_original
def test_callbacks(kind: Kind, watch: Watch) -> None:
    executor = kind.make(1)
    gate = kind.occupy(executor)
    future = executor.submit(kind.call(work.nothing))
    first, second = shapes.Speaker("first"), shapes.Speaker("second")
    watch(future=future, first=first, second=second)
    future.add_done_callback(first.speak)
    watch.look("registered")
    gate.open_wide()
    kind.settle(executor)
    del first
    watch.look("called")
    future.add_done_callback(second.speak)
    del second
    watch.look("called at once")
    del future
    watch.look("after the future")


@no_later_than_original
def test_callbacks_of_cancelled_futures(kind: Kind, watch: Watch) -> None:
    executor = kind.make(1)
    gate = kind.occupy(executor)
    future = executor.submit(kind.call(work.nothing))
    speaker = shapes.Speaker("cancelled")
    watch(future=future, speaker=speaker)
    future.add_done_callback(speaker.speak)
    del speaker
    future.cancel()
    watch.look("cancelled")
    del future
    gate.open_wide()
    kind.settle(executor)
    watch.look("after its turn")


@pytest.mark.parametrize("collect", [lambda fs: list(as_completed(fs)), lambda fs: wait(fs)], ids=["as_completed", "wait"])
@no_later_than_original
def test_futures_that_were_waited_for(kind: Kind, watch: Watch, collect: Callable[[list[Future[Any]]], Any]) -> None:
    executor = kind.make(1)
    futures = [executor.submit(kind.call(shapes.Node), str(n)) for n in range(3)]
    collected = collect(futures)
    kind.settle(executor)
    watch(**{f"future {n}": future for n, future in enumerate(futures)})
    watch(**{f"result {n}": future.result() for n, future in enumerate(futures)})
    futures.clear()
    watch.look("while the collection is kept")
    del collected
    watch.look("after it")


@no_later_than_original
def test_as_completed_gives_futures_away(kind: Kind, watch: Watch) -> None:
    executor = kind.make(1)
    futures = [executor.submit(kind.call(shapes.Node), str(n)) for n in range(3)]
    watch(**{f"future {n}": future for n, future in enumerate(futures)})
    kind.settle(executor)
    for n, _ in enumerate(as_completed([futures.pop() for _ in range(3)])):
        watch._references["current"] = weakref.ref(_)
        del _
        alive = {name for name, reference in watch._references.items() if reference() is not None}
        watch.moments[f"after {n}"] = {str(len(alive))}
