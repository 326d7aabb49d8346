"""Executor.map: the standard library's rules, `buffersize` on every version, real batches for tagged functions."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
from support import gate as gates
from support import work
from support.gate import Gate
from support.protocols import MakePool, Tag


class Source:
    """An endless iterable that counts what was taken from it."""

    def __init__(self) -> None:
        self.taken = 0

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        self.taken += 1
        return self.taken - 1


def test_results_come_in_the_order_of_the_input(pool: InterpreterThreadPoolExecutor, tag: Tag) -> None:
    assert list(pool.map(tag(work.square), range(200))) == [n * n for n in range(200)]


def test_a_slow_first_item_does_not_change_the_order(make_pool: MakePool, gate: Gate, tag: Tag) -> None:
    pool = make_pool(2)
    results = pool.map(tag(work.call), [gates.hold, work.echo, work.echo], [gate.ends, 1, 2])
    gate.wait_for()
    gate.open()
    assert list(results) == [None, 1, 2]


def test_several_iterables_end_with_the_shortest(pool: InterpreterThreadPoolExecutor, tag: Tag) -> None:
    assert list(pool.map(tag(work.add), [1, 2, 3], itertools.count(10))) == [11, 13, 15]
    assert list(pool.map(tag(work.add), [1, 2], [10, 20, 30], (x for x in [100, 200]))) == [111, 222]


def test_no_items_give_no_results(pool: InterpreterThreadPoolExecutor, tag: Tag) -> None:
    assert list(pool.map(tag(work.square), [])) == []
    assert list(pool.map(tag(work.square), [], chunksize=10)) == []
    assert list(pool.map(tag(work.square), [], buffersize=10)) == []


def test_the_input_is_taken_when_map_is_called(pool: InterpreterThreadPoolExecutor, tag: Tag) -> None:
    source = iter([1, 2, 3])
    results = pool.map(tag(work.square), source)
    assert list(source) == []
    assert list(results) == [1, 4, 9]


def test_work_starts_before_the_results_are_asked_for(make_pool: MakePool, gate: Gate, tag: Tag) -> None:
    results = make_pool(2).map(tag(gates.hold), [gate.ends] * 2, [1, 2])
    gate.wait_for(2)
    gate.open(2)
    assert list(results) == [1, 2]


def test_an_exception_comes_at_its_place(pool: InterpreterThreadPoolExecutor, tag: Tag) -> None:
    results = pool.map(tag(work.divide), [6, 6, 6, 6], [1, 2, 0, 3])
    assert [next(results), next(results)] == [6, 3]
    with pytest.raises(ZeroDivisionError):
        next(results)
    with pytest.raises(StopIteration):
        next(results)


def test_an_exception_of_the_input_comes_out_of_map(pool: InterpreterThreadPoolExecutor, tag: Tag) -> None:
    def source() -> Iterator[int]:
        yield 1
        raise LookupError("no more input")

    with pytest.raises(LookupError, match="no more input"):
        list(pool.map(tag(work.square), source()))


def test_a_timeout_is_raised_while_the_item_is_not_done(make_pool: MakePool, gate: Gate, tag: Tag) -> None:
    results = make_pool(2).map(tag(gates.hold), [gate.ends] * 2, timeout=0.01)
    gate.wait_for(2)
    with pytest.raises(TimeoutError):
        next(results)
    gate.open(2)


def test_a_timeout_cancels_what_has_not_started(make_pool: MakePool, gate: Gate, tag: Tag) -> None:
    pool = make_pool(1)
    results = pool.map(tag(gates.hold), [gate.ends] * 3, timeout=0)
    gate.wait_for()
    with pytest.raises(TimeoutError):
        next(results)
    gate.open()
    assert pool.submit(tag(work.square), 3).result() == 9  # no call waits at the gate before it


def test_a_timeout_in_time_changes_nothing(pool: InterpreterThreadPoolExecutor, tag: Tag) -> None:
    assert list(pool.map(tag(work.square), range(5), timeout=100)) == [0, 1, 4, 9, 16]


def test_closing_the_results_cancels_the_rest(make_pool: MakePool, gate: Gate, tag: Tag) -> None:
    pool = make_pool(1)
    results: Any = pool.map(tag(gates.hold), [gate.ends] * 5, range(5))
    gate.wait_for()
    gate.open()
    assert next(results) == 0
    gate.wait_for()
    results.close()
    gate.open()
    assert pool.submit(tag(work.square), 3).result() == 9  # items 2, 3 and 4 would wait at the gate


def test_dropping_the_results_cancels_the_rest(make_pool: MakePool, gate: Gate, tag: Tag) -> None:
    pool = make_pool(1)
    results = pool.map(tag(gates.hold), [gate.ends] * 5)
    gate.wait_for()
    gate.open()
    next(results)
    gate.wait_for()
    del results
    gate.open()
    assert pool.submit(tag(work.square), 3).result() == 9


@pytest.mark.parametrize("buffersize", [1, 2, 7, 1000])
def test_buffersize_does_not_change_the_results(pool: InterpreterThreadPoolExecutor, tag: Tag, buffersize: int) -> None:
    assert list(pool.map(tag(work.square), range(50), buffersize=buffersize)) == [n * n for n in range(50)]


def test_buffersize_bounds_what_is_taken_from_the_input(pool: InterpreterThreadPoolExecutor, tag: Tag) -> None:
    source = Source()
    results = pool.map(tag(work.square), source, buffersize=3)
    assert source.taken == 3
    for n in range(20):
        assert next(results) == n * n
        assert source.taken <= n + 1 + 3
    assert source.taken > 20


def test_buffersize_works_with_several_endless_iterables(pool: InterpreterThreadPoolExecutor, tag: Tag) -> None:
    results = pool.map(tag(work.add), itertools.count(), itertools.count(100), buffersize=2)
    assert list(itertools.islice(results, 10)) == [100 + 2 * n for n in range(10)]


def test_an_exception_of_the_input_comes_at_its_place_with_buffersize(pool: InterpreterThreadPoolExecutor, tag: Tag) -> None:
    def source() -> Iterator[int]:
        yield from range(5)
        raise LookupError("no more input")

    got = []
    with pytest.raises(LookupError, match="no more input"):
        for result in pool.map(tag(work.square), source(), buffersize=2):
            got.append(result)
    assert got == [0, 1, 4, 9, 16][: len(got)]


@pytest.mark.parametrize("buffersize", [0, -1])
def test_buffersize_must_be_positive(pool: InterpreterThreadPoolExecutor, tag: Tag, buffersize: int) -> None:
    with pytest.raises(ValueError, match="buffersize"):
        pool.map(tag(work.square), [1], buffersize=buffersize)


@pytest.mark.parametrize("buffersize", ["3", 1.5])
def test_buffersize_must_be_an_integer(pool: InterpreterThreadPoolExecutor, tag: Tag, buffersize: Any) -> None:
    with pytest.raises(TypeError, match="buffersize"):
        pool.map(tag(work.square), [1], buffersize=buffersize)


@pytest.mark.parametrize("chunksize", [1, 2, 3, 10, 1000])
@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 100])
def test_chunksize_does_not_change_the_results(
    pool: InterpreterThreadPoolExecutor, tag: Tag, chunksize: int, count: int
) -> None:
    assert list(pool.map(tag(work.square), range(count), chunksize=chunksize)) == [n * n for n in range(count)]


def test_the_items_of_a_chunk_run_one_after_the_other_in_one_interpreter(make_pool: MakePool) -> None:
    results = list(make_pool(2).map(interpreter(work.here_and_count), range(100), chunksize=10))
    for start in range(0, 100, 10):
        places, counts = zip(*results[start : start + 10], strict=True)
        assert len(set(places)) == 1
        assert list(counts) == list(range(counts[0], counts[0] + 10))


def test_a_failing_item_of_a_chunk_ends_the_results(pool: InterpreterThreadPoolExecutor) -> None:
    results = pool.map(interpreter(work.divide), [6] * 10, [1, 1, 1, 1, 1, 1, 0, 1, 1, 1], chunksize=3)
    got = []
    with pytest.raises(ZeroDivisionError):
        for result in results:
            got.append(result)
    assert got == [6] * 6


@pytest.mark.parametrize("chunksize", [0, -1])
def test_chunksize_of_a_tagged_map_must_be_positive(pool: InterpreterThreadPoolExecutor, chunksize: int) -> None:
    with pytest.raises(ValueError, match="chunksize"):
        pool.map(interpreter(work.square), [1], chunksize=chunksize)


def test_chunks_and_buffersize_together_take_an_endless_input(pool: InterpreterThreadPoolExecutor) -> None:
    source = Source()
    results = pool.map(interpreter(work.square), source, chunksize=4, buffersize=2)
    assert [next(results) for _ in range(30)] == [n * n for n in range(30)]
    assert source.taken <= 30 + 4 * 3


def test_chunks_with_partials_and_several_iterables(pool: InterpreterThreadPoolExecutor) -> None:
    import functools

    fn = functools.partial(interpreter(work.add), c=1000)
    assert list(pool.map(fn, range(10), range(0, 100, 10), chunksize=3)) == [1000 + 11 * n for n in range(10)]


def test_map_after_shutdown_is_refused(tag: Tag) -> None:
    pool = InterpreterThreadPoolExecutor(1)
    pool.shutdown()
    with pytest.raises(RuntimeError):
        pool.map(tag(work.square), [1])


def test_results_can_be_read_after_shutdown(tag: Tag) -> None:
    with InterpreterThreadPoolExecutor(2) as pool:
        results = pool.map(tag(work.square), range(10))
    assert list(results) == [n * n for n in range(10)]


def test_two_maps_at_once(pool: InterpreterThreadPoolExecutor) -> None:
    pairs = zip(pool.map(interpreter(work.square), range(100)), pool.map(work.square, range(100)), strict=True)
    assert all(tagged == untagged for tagged, untagged in pairs)
