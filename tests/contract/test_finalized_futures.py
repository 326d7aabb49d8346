"""A future in a garbage cycle still answers. Objects that are finalized with it may call it, and may keep it."""

import gc
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, wait
from typing import Any

import pytest

from aiointerpreters import interpreter
from aiointerpreters.executors import Future as OurFuture
from support import failures, work
from support.protocols import MakePool, Tag


class Owner:
    """Forms a reference cycle with its future, and calls the future when it is finalized."""

    def __init__(self, future: Future[Any], ask: Callable[[Any], object], said: list[object]) -> None:
        self.me = self
        self.future = future
        vars(future)["owner"] = self
        self.ask = ask
        self.said = said

    def __del__(self) -> None:
        try:
            self.said.append(self.ask(self.future))
        except BaseException as error:
            self.said.append(error)


ASKED: dict[str, tuple[Callable[[Any], object], object]] = {
    "result": (lambda future: future.result(), [3]),
    "result with a timeout": (lambda future: future.result(0), [3]),
    "exception": (lambda future: future.exception(), None),
    "done": (lambda future: future.done(), True),
    "running": (lambda future: future.running(), False),
    "cancelled": (lambda future: future.cancelled(), False),
    "cancel": (lambda future: future.cancel(), False),
    "interrupt": (lambda future: future.interrupt(), False),
    "add_done_callback": (lambda future: future.add_done_callback(lambda _: None), None),
    "_state": (lambda future: future._state, "FINISHED"),
    "_result": (lambda future: future._result, [3]),
    "_exception": (lambda future: future._exception, None),
    "_waiters": (lambda future: future._waiters, []),
    "_done_callbacks": (lambda future: future._done_callbacks, []),
    "_condition": (lambda future: future._condition.__enter__() and future._condition.__exit__(None, None, None), None),
    "_invoke_callbacks": (lambda future: future._invoke_callbacks(), None),
    "_get_snapshot": (lambda future: future._get_snapshot(), (True, False, [3], None)),
    "wait": (lambda future: len(wait([future]).done), 1),
    "repr": (lambda future: "state=finished returned list" in repr(future), True),
}


@pytest.fixture(autouse=True)
def no_automatic_collection() -> Iterator[None]:
    """Garbage is collected only when the test requests it."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("delivered", [False, True])
@pytest.mark.parametrize("resolved", [False, True])
@pytest.mark.parametrize("ask", ASKED)
def test_a_finished_future(make_pool: MakePool, tag: Tag, ask: str, resolved: bool, delivered: bool) -> None:
    future = make_pool(1).submit(tag(work.echo), [3])
    if delivered:
        wait([future])
    while not future.done():
        future.exception()
    if resolved:
        future.result()
    said: list[object] = []
    how, expected = ASKED[ask]
    Owner(future, how, said)
    del future
    gc.collect()
    assert said == [expected]


def test_one_that_failed_or_was_cancelled(make_pool: MakePool, tag: Tag) -> None:
    pool = make_pool(1)
    failed, cancelled = pool.submit(tag(failures.fail_below)), Future[Any]()
    failed.exception()
    cancelled = OurFuture()
    cancelled.cancel()
    said: list[Any] = []
    Owner(failed, lambda future: future.result(), said)
    Owner(cancelled, lambda future: future.result(), said)
    del failed, cancelled
    gc.collect()
    assert sorted(type(one).__name__ for one in said) == ["CancelledError", "ValueError"]
    assert any(isinstance(one, CancelledError) for one in said)


def test_one_that_is_ended_by_who_finalizes_it() -> None:
    said: list[object] = []

    def end(future: Any) -> object:
        future.set_running_or_notify_cancel()
        future.set_result(5)
        return future.result()

    Owner(OurFuture(), end, said)
    gc.collect()
    assert said == [5]


def test_one_that_is_kept_is_as_before(make_pool: MakePool, tag: Tag) -> None:
    future = make_pool(1).submit(tag(work.echo), [3])
    wait([future])
    kept: list[Any] = []
    Owner(future, lambda future: future, kept)
    del future
    for _ in range(3):
        gc.collect()
    (future,) = kept
    calls: list[object] = []
    future.add_done_callback(calls.append)
    assert (future.result(), future.exception(), calls) == ([3], None, [future])
    del future, calls
    kept.clear()
    gc.collect()


def test_one_of_a_class_with_a_finalizer_of_its_own() -> None:
    said: list[object] = []

    class Mine(OurFuture[int]):
        __slots__ = ("extra",)
        extra: object

        def __del__(self) -> None:
            said.append(self.result())

    mine = Mine()
    mine.set_result(3)
    del mine
    assert said == [3]
    in_cycle = Mine()
    in_cycle.set_result(4)
    in_cycle.extra = in_cycle
    del in_cycle
    gc.collect()
    assert said == [3, 4]


def test_a_finalizer_that_keeps_its_future() -> None:
    kept: list[Any] = []

    class Mine(OurFuture[int]):
        def __del__(self) -> None:
            kept.append(self)

    mine = Mine()
    mine.set_result(3)
    del mine
    assert kept[0].result() == 3
    kept.clear()


def test_long_chains_of_futures_are_let_go_of() -> None:
    last: list[OurFuture[Any]] = [OurFuture()]
    for _ in range(200_000):
        following: OurFuture[Any] = OurFuture()
        following.set_result(last[0])
        last[0] = following
        del following
    last.clear()


def test_futures_die_while_threads_collect_garbage(make_pool: MakePool) -> None:
    pool = make_pool(2)
    stop = threading.Event()

    def collect() -> None:
        while not stop.is_set():
            gc.collect()

    threads = [threading.Thread(target=collect) for _ in range(2)]
    for thread in threads:
        thread.start()
    said: list[object] = []
    try:
        for _ in range(50):
            for fn in (work.echo, interpreter(work.echo)):
                for n in range(10):
                    Owner(pool.submit(fn, [n]), lambda future: future.result(), said)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    pool.shutdown()  # an untagged call keeps its future until it has run
    gc.collect()
    assert len(said) == 1000
    assert not any(isinstance(one, BaseException) for one in said)


def test_none_is_leaked(make_pool: MakePool, tag: Tag) -> None:
    pool = make_pool(1)
    made: list[weakref.ref[Any]] = []

    def use() -> None:
        for n in range(100):
            future: Any = pool.submit(tag(work.echo), [n])
            made.append(weakref.ref(future))
            future.me = future
            future.result()
            future.add_done_callback(lambda _: None)
        pool.submit(tag(work.nothing)).result()  # begins after the worker has dropped earlier objects

    use()
    gc.collect()
    if hasattr(sys, "gettotalrefcount"):
        before = sys.gettotalrefcount()
        made.clear()
        use()
        gc.collect()
        assert sys.gettotalrefcount() - before < 100
    assert len(made) == 100
    assert [one() for one in made if one() is not None] == []
