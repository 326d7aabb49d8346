"""Frames of pandas, pyarrow and polars: their rows in the table of docs/arrays.md."""

import importlib.util
from collections.abc import Iterator

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, _core, interpreter
from support import frames, work

MISSING = [name for name in ("pandas", "pyarrow", "polars") if importlib.util.find_spec(name) is None]
pytestmark = [
    pytest.mark.skipif(_core.why_no_copies() is not None, reason=str(_core.why_no_copies())),
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)} (the extra `frames`)"),
]


@pytest.fixture(scope="module")
def pool() -> Iterator[InterpreterThreadPoolExecutor]:
    """One worker, because each worker imports all three packages."""
    with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
        yield pool


def test_a_frame_of_pandas_as_argument_is_shared_and_comes_back(pool: InterpreterThreadPoolExecutor) -> None:
    frame = frames.make_pandas()
    here = frames.pandas_addresses(frame)
    assert pool.submit(interpreter(frames.pandas_addresses), frame).result() == here
    back = pool.submit(interpreter(work.echo), frame).result()
    assert back.equals(frame)
    assert frames.pandas_addresses(back) == here


def test_a_frame_of_pandas_as_result_is_taken_over(pool: InterpreterThreadPoolExecutor) -> None:
    there, frame = pool.submit(interpreter(frames.make_and_look)).result()
    assert frames.pandas_addresses(frame) == there
    assert frame.equals(frames.make_pandas())
    doubled = pool.submit(interpreter(frames.row_sums), frame).result()
    assert doubled["float"].tolist() == list(range(frames.ROWS))


def test_a_table_of_pyarrow_as_argument_is_shared(pool: InterpreterThreadPoolExecutor) -> None:
    table = frames.make_arrow()
    assert pool.submit(interpreter(frames.arrow_addresses), table).result() == frames.arrow_addresses(table)
    part = table.slice(10, 1000)
    assert pool.submit(interpreter(frames.arrow_addresses), part).result() == frames.arrow_addresses(part)


def test_batches_and_buffers_of_pyarrow_as_arguments_are_shared(pool: InterpreterThreadPoolExecutor) -> None:
    (batch,) = frames.make_arrow().to_batches()
    assert pool.submit(interpreter(frames.batch_addresses), batch).result() == frames.batch_addresses(batch)
    buffer = batch.column(0).buffers()[1]
    assert buffer.size >= frames.SHARED_MIN
    assert pool.submit(interpreter(frames.address_of_buffer), buffer).result() == buffer.address
    small = buffer.slice(0, frames.SHARED_MIN - 1)
    assert pool.submit(interpreter(frames.address_of_buffer), small).result() != small.address


def test_text_of_pandas_is_copied(pool: InterpreterThreadPoolExecutor) -> None:
    frame = frames.make_pandas()
    here = frames.text_addresses(frame)
    where, back = pool.submit(interpreter(frames.look_at_text), frame).result()
    assert len(here) == len(where) == 1
    assert here[0].isdisjoint(where[0])
    (again,) = frames.text_addresses(back)
    assert again.isdisjoint(where[0])
    assert again.isdisjoint(here[0])
    assert back["text"].equals(frame["text"])


def test_text_of_pandas_in_several_chunks_arrives_in_one(pool: InterpreterThreadPoolExecutor) -> None:
    frame = frames.make_pandas_of_chunks()
    assert len(frames.text_addresses(frame)) == 2
    where, back = pool.submit(interpreter(frames.look_at_text), frame).result()
    assert len(where) == 1
    assert back["text"].equals(frame["text"])


def test_objects_of_pandas_are_pickled(pool: InterpreterThreadPoolExecutor) -> None:
    frame = frames.make_pandas()
    ids, back = pool.submit(interpreter(frames.look_at_objects), frame).result()
    assert set(ids).isdisjoint(map(id, frame["object"]))
    assert back["object"].equals(frame["object"])


def test_a_table_of_pyarrow_as_result_is_copied(pool: InterpreterThreadPoolExecutor) -> None:
    there, table = pool.submit(interpreter(frames.make_arrow_and_keep)).result()
    assert table.equals(frames.make_arrow())
    here = frames.arrow_addresses(table)
    assert all(here.values())
    assert all(set(here[name]).isdisjoint(there[name]) for name in here)
    back = pool.submit(interpreter(work.echo), table).result()
    assert back.equals(table)
    again = frames.arrow_addresses(back)
    assert all(set(again[name]).isdisjoint(here[name]) for name in here)


def test_what_pyarrow_has_made_of_an_array_is_taken_over_like_it(pool: InterpreterThreadPoolExecutor) -> None:
    where, values = pool.submit(interpreter(frames.make_arrow_of_array)).result()
    assert frames.column_addresses(values) == [where]
    assert values.to_pylist() == list(range(frames.ROWS))


def test_a_table_of_pyarrow_becomes_a_frame_of_polars_without_a_copy(pool: InterpreterThreadPoolExecutor) -> None:
    table = frames.make_polars().to_arrow()
    assert pool.submit(interpreter(frames.polars_addresses), table).result() == frames.polars_addresses(table)
    assert frames.polars_addresses(table) == frames.column_addresses(table["int"])
