"""A drop-in for ThreadPoolExecutor: `map`, its timeouts, its buffers, and iterators that are not read to their end."""

import gc
import itertools
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import gate as gates
from support import work
from support.kinds import Kind, same_as_original, states

needs_buffersize = pytest.mark.skipif(sys.version_info < (3, 14), reason="the original has no buffersize before 3.14")


class Source:
    """An iterable that counts the items taken from it. It can fail."""

    def __init__(self, end: int, fails: bool = False) -> None:
        self.taken = 0
        self.end = end
        self.fails = fails

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        if self.taken == self.end:
            if self.fails:
                raise LookupError("no more input")
            raise StopIteration
        self.taken += 1
        return self.taken - 1


def spied(executor: ThreadPoolExecutor) -> list[Future[Any]]:
    """The futures that an executor returns from now on, also to its own methods."""
    futures: list[Future[Any]] = []
    submit = executor.submit

    def spy(fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        futures.append(submit(fn, *args, **kwargs))
        return futures[-1]

    executor.submit = spy  # type: ignore[method-assign]
    return futures


def drain(results: Iterator[Any], kind: Kind) -> Any:
    """All results, and how the iteration has ended."""
    got = []
    while True:
        try:
            got.append(next(results))
        except StopIteration:
            return got, "end", list(results)
        except Exception as error:
            return got, kind.describe(error), list(results)


@pytest.mark.parametrize(
    "iterables",
    [
        [], [[]], [range(10)], [[1, 2], [3]], [[1], [2], [3]], ["ab", "cd"], [{1: 2, 3: 4}, (5, 6)],
        [range(10**9), range(3)], [range(3), range(10**9)],
    ],
    ids=repr,
)  # fmt: skip
@same_as_original
def test_iterables(kind: Kind, iterables: list[Any]) -> Any:
    results = kind.make(2).map(kind.call(work.echo_call), *iterables)
    return drain(results, kind), iter(results) is results, type(results).__name__


@pytest.mark.parametrize("iterables", [[5], [None], ["ab", 5]], ids=repr)
@same_as_original
def test_what_is_not_iterable(kind: Kind, iterables: list[Any]) -> Any:
    return kind.failure(lambda: kind.make(1).map(kind.call(work.echo_call), *iterables))


@pytest.mark.parametrize("chunksize", [0, -1, 1, 2.5, None, "3"], ids=repr)
def test_chunksize_is_ignored_for_untagged_functions(chunksize: Any) -> None:
    for executor in (ThreadPoolExecutor(1), InterpreterThreadPoolExecutor(1)):
        with executor:
            assert list(executor.map(work.square, range(5), chunksize=chunksize)) == [0, 1, 4, 9, 16]


@pytest.mark.parametrize("timeout", ["3", [], b""], ids=repr)
@same_as_original
def test_what_is_no_timeout(kind: Kind, timeout: Any) -> Any:
    return kind.failure(lambda: kind.make(1).map(kind.call(work.square), range(3), timeout=timeout))


@pytest.mark.parametrize("timeout", [None, 1000, 1000.5, 10**9])
@same_as_original
def test_timeouts_that_are_long_enough(kind: Kind, timeout: Any) -> Any:
    return list(kind.make(2).map(kind.call(work.square), range(5), timeout=timeout))


@same_as_original
def test_true_is_a_timeout_of_a_second(kind: Kind) -> Any:
    executor = kind.make(1)
    results = executor.map(kind.call(work.square), range(5), timeout=True)
    kind.settle(executor)  # an item that has ended is not late, however long this takes
    return list(results)


@pytest.mark.parametrize("timeout", [0, 0.01, -5])
@same_as_original
def test_a_timeout_ends_the_results_and_cancels_the_rest(kind: Kind, timeout: float) -> Any:
    executor = kind.make(1)
    futures = spied(executor)
    gate = kind.gate()
    results = executor.map(kind.call(gates.hold), [gate.ends] * 4, range(4), timeout=timeout)
    gate.wait_for()
    seen = drain(results, kind), states(futures)
    gate.open_wide()
    executor.shutdown()
    return seen, states(futures), futures[0].result()


@same_as_original
def test_the_time_counts_from_the_call(kind: Kind) -> Any:
    executor = kind.make(1)
    gate = kind.gate()
    executor.submit(kind.call(gates.hold), gate.ends)
    results = executor.map(kind.call(work.square), range(3), timeout=0)
    gate.open_wide()
    kind.settle(executor)
    return drain(results, kind)  # results that exist already are returned, although the timeout has passed


@same_as_original
def test_a_failing_item_ends_the_results_and_cancels_the_rest(kind: Kind) -> Any:
    executor = kind.make(1)
    futures = spied(executor)
    gate = kind.gate()
    calls = [work.square, work.divide, gates.hold, work.square]
    results = executor.map(kind.call(work.call), calls, [2, 1, gate.ends, 3], [0][:0] or ["", "", "", ""])
    first = kind.failure(lambda: next(results))
    gate.open_wide()
    executor.shutdown()
    return first, drain(results, kind), sorted(set(states(futures)))


@same_as_original
def test_a_failing_item_comes_at_its_place(kind: Kind) -> Any:
    return drain(kind.make(2).map(kind.call(work.divide), [6, 6, 6, 6], [1, 2, 0, 3]), kind)


@same_as_original
def test_input_that_fails(kind: Kind) -> Any:
    executor = kind.make(1)
    futures = spied(executor)
    failure = kind.failure(lambda: executor.map(kind.call(work.square), Source(3, fails=True)))
    executor.shutdown()
    return failure, states(futures), [future.result() for future in futures]


@same_as_original
def test_all_input_is_taken_at_once(kind: Kind) -> Any:
    executor = kind.make(1)
    futures = spied(executor)
    source = Source(10)
    results = executor.map(kind.call(work.square), source)
    return source.taken, len(futures), list(results)


@pytest.mark.parametrize("read", [0, 1, 2])
@pytest.mark.parametrize("end", ["close", "drop"])
@same_as_original
def test_an_iterator_that_is_left_early(kind: Kind, read: int, end: str) -> Any:
    executor = kind.make(1)
    futures = spied(executor)
    gate = kind.gate()
    results: Any = executor.map(kind.call(gates.hold), [gate.ends] * 5, range(5))
    gate.wait_for()
    got = []
    for _ in range(read):
        gate.open()
        got.append(next(results))
        gate.wait_for()
    if end == "close":
        results.close()
    else:
        del results
    seen = states(futures)
    gate.open_wide()
    executor.shutdown()
    return got, seen, states(futures)


@same_as_original
def test_a_closed_iterator_is_empty(kind: Kind) -> Any:
    results: Any = kind.make(1).map(kind.call(work.square), range(5))
    first = next(results)
    results.close()
    return first, list(results)


def test_a_chunked_iterator_that_is_closed_early() -> None:
    with Kind("tagged") as kind:
        executor = kind.make(1)
        gate = kind.gate()
        results: Any = executor.map(interpreter(gates.hold), [gate.ends] * 6, range(6), chunksize=2)
        gate.open(3)
        assert [next(results), next(results)] == [0, 1]
        gate.wait_for(4)  # the second item of the second chunk is held
        results.close()
        assert list(results) == []
        gate.open()
        assert executor.submit(interpreter(work.square), 3).result() == 9  # the third chunk would wait at the gate


@same_as_original
def test_an_exception_thrown_into_the_iterator(kind: Kind) -> Any:
    executor = kind.make(1)
    futures = spied(executor)
    gate = kind.gate()
    results: Any = executor.map(kind.call(work.call), [work.square, gates.hold, work.square], [3, gate.ends, 4])
    first = next(results)
    gate.wait_for()
    thrown = kind.failure(lambda: results.throw(LookupError("thrown")))
    return first, thrown, states(futures)


@same_as_original
def test_a_future_of_map_that_was_cancelled(kind: Kind) -> Any:
    executor = kind.make(1)
    futures = spied(executor)
    gate = kind.occupy(executor)
    results = executor.map(kind.call(work.square), range(4))
    futures[-2].cancel()
    gate.open_wide()
    got = [next(results), next(results)]
    try:
        next(results)
    except BaseException as error:
        return got, type(error).__name__, list(results)
    return None


@same_as_original
def test_map_after_shutdown(kind: Kind) -> Any:
    executor = kind.make(1)
    results = executor.map(kind.call(work.square), range(3))
    executor.shutdown()
    refused = kind.failure(lambda: executor.map(kind.call(work.square), range(3)))
    return list(results), refused, list(executor.map(kind.call(work.square), []))


@same_as_original
def test_results_of_an_executor_that_is_gone(kind: Kind) -> Any:
    return list(kind.make(2).map(kind.call(work.square), range(20)))


@same_as_original
def test_a_subclass_sees_each_call_of_map(kind: Kind) -> Any:
    executor = kind.make(2)
    futures = spied(executor)
    return list(executor.map(kind.call(work.square), range(7))), len(futures)


# ---- buffersize


@needs_buffersize
@pytest.mark.parametrize("buffersize", [0, -1, "3", 1.5, True, None, 10**30], ids=repr)
@same_as_original
def test_what_buffersize_may_be(kind: Kind, buffersize: Any) -> Any:
    def ask() -> Any:
        source = Source(5)
        results = kind.make(1).map(kind.call(work.square), source, buffersize=buffersize)  # type: ignore[call-arg, unused-ignore]
        return source.taken, list(results)

    if buffersize == 10**30:
        return kind.failure(ask) is None or not kind.is_ours  # the original passes islice more than it accepts
    return kind.failure(ask) or ask()


@needs_buffersize
@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("buffersize", [1, 2, 5, 9])
@same_as_original
def test_how_far_a_buffer_runs_ahead(kind: Kind, buffersize: int, fails: bool) -> Any:
    executor = kind.make(2)
    futures = spied(executor)
    source = Source(6, fails)
    seen: list[Any] = []

    def read() -> None:
        options: Any = {"buffersize": buffersize}
        results = executor.map(kind.call(work.square), source, **options)
        seen.append((source.taken, len(futures)))
        for result in results:
            seen.append((result, source.taken, len(futures)))

    return kind.failure(read), seen


@needs_buffersize
@same_as_original
def test_a_buffer_of_an_executor_that_is_shut_down(kind: Kind) -> Any:
    executor = kind.make(1)
    options: Any = {"buffersize": 2}
    results = executor.map(kind.call(work.square), range(9), **options)
    got = [next(results)]
    executor.shutdown()
    return got, drain(results, kind)


@needs_buffersize
@pytest.mark.parametrize("read", [0, 1, 3])
@same_as_original
def test_a_buffer_of_an_executor_that_is_dropped(kind: Kind, read: int) -> Any:
    executor = kind.make(1)
    options: Any = {"buffersize": 2}
    results = executor.map(kind.call(work.square), range(9), **options)
    got = [next(results) for _ in range(read)]
    del executor
    gc.collect()
    return got, drain(results, kind)


@needs_buffersize
@same_as_original
def test_a_buffer_that_is_left_early(kind: Kind) -> Any:
    executor = kind.make(1)
    futures = spied(executor)
    gate = kind.gate()
    options: Any = {"buffersize": 3}
    results: Any = executor.map(kind.call(gates.hold), itertools.repeat(gate.ends), itertools.count(), **options)
    gate.wait_for()
    gate.open()
    got = next(results)
    gate.wait_for()
    results.close()
    seen = states(futures)
    gate.open_wide()
    return got, seen, list(results)
