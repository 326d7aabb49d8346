"""Frames and series of polars cross by reference: their rows in the table of docs/arrays.md."""

import asyncio
import copyreg
import importlib
import importlib.util
import pickle
from collections.abc import Iterator
from concurrent.futures import wait
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("polars", reason="polars is not installed (the extra `frames`)")

from aiointerpreters import InterpreterThreadPoolExecutor, NotTransferableError, _core, _frames, interpreter
from support import polars_frames as frames
from support import work
from support.scripts import run_script

pl = frames.pl
parametric: Any = importlib.import_module("polars.testing.parametric")
pytestmark = pytest.mark.skipif(_core.why_no_copies() is not None, reason=str(_core.why_no_copies()))


@pytest.fixture(scope="module")
def pool() -> Iterator[InterpreterThreadPoolExecutor]:
    """One worker, so a later task finds the objects that an earlier one has kept."""
    with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
        yield pool


def test_a_frame_as_argument_is_shared_and_comes_back(pool: InterpreterThreadPoolExecutor) -> None:
    frame = frames.make()
    here = frames.addresses(frame)
    assert len(here) >= 4
    assert pool.submit(interpreter(frames.addresses), frame).result() == here
    assert pool.submit(interpreter(work.echo), frame).result().equals(frame)


def test_a_series_as_argument_is_shared_and_comes_back(pool: InterpreterThreadPoolExecutor) -> None:
    series = frames.make()["text"]
    assert pool.submit(interpreter(frames.addresses), series).result() == frames.addresses(series)
    back = pool.submit(interpreter(work.echo), series).result()
    assert back.name == "text"
    assert back.equals(series)


def test_a_frame_as_result_is_copied_and_outlives_the_worker() -> None:
    with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
        there, frame = pool.submit(interpreter(frames.make_and_look)).result()
        of_numpy = pool.submit(interpreter(frames.of_numpy), 100_000).result()
        assert not set(frames.addresses(frame)) & set(there)
    assert frame.equals(frames.make())
    assert frame.filter(pl.col("int") > 10)["text"][0].startswith("row 11 ")
    assert of_numpy["int"].sum() == sum(range(100_000))


@pytest.fixture
def sharing_pool(pool: InterpreterThreadPoolExecutor) -> Iterator[InterpreterThreadPoolExecutor]:
    """Frames are not pickled, whatever their size."""
    usual = _frames.shared_min
    for size in (0, usual):
        frames.share_from(size)
        pool.submit(interpreter(frames.share_from), size).result()
        if size == 0:
            yield pool


def test_small_columns_are_pickled(pool: InterpreterThreadPoolExecutor) -> None:
    small = pl.Series(range(2000), dtype=pl.Int16)
    assert pool.submit(interpreter(frames.addresses), small).result() != frames.addresses(small)
    large = pl.Series(range(2100), dtype=pl.Int64)
    assert pool.submit(interpreter(frames.addresses), large).result() == frames.addresses(large)


@pytest.mark.parametrize("name", ["a\0b", "\0", "a\\x00b"])
def test_names_with_a_nul_cross(sharing_pool: InterpreterThreadPoolExecutor, name: str) -> None:
    plain = pl.DataFrame({"plain": [1], name: [2]})
    nested = pl.DataFrame({"nested": [[{name: 1}]]})
    for frame in (plain, nested, nested.to_struct("outer").to_frame()):
        back = sharing_pool.submit(interpreter(work.echo), frame).result()
        assert back.schema == frame.schema
        assert back.equals(frame)


@pytest.mark.parametrize("kind", frames.KINDS)
def test_each_kind_of_column_arrives_as_it_is(sharing_pool: InterpreterThreadPoolExecutor, kind: str) -> None:
    pool = sharing_pool
    frame = frames.KINDS[kind]
    back = pool.submit(interpreter(work.echo), frame).result()
    assert type(back) is pl.DataFrame
    assert (back.schema, back.shape) == (frame.schema, frame.shape)
    assert back.equals(frame)
    for column in frame.get_columns():
        again = pool.submit(interpreter(work.echo), column).result()
        assert (again.name, again.dtype) == (column.name, column.dtype)
        assert again.equals(column)


def test_which_columns_are_sorted_is_kept(sharing_pool: InterpreterThreadPoolExecutor) -> None:
    pool = sharing_pool
    frame = pl.DataFrame({"up": [1, 2, 3], "none": [2, 1, 3], "down": ["c", "b", "a"]})
    frame = frame.with_columns(pl.col("up").set_sorted(), pl.col("down").set_sorted(descending=True))
    expected = frames.flags(frame)
    assert [known["SORTED_ASC"] for known in expected] == [True, False, False]
    assert [known["SORTED_DESC"] for known in expected] == [False, False, True]
    assert pool.submit(interpreter(frames.flags), frame).result() == expected
    assert frames.flags(pool.submit(interpreter(work.echo), frame).result()) == expected
    assert frames.flags(pool.submit(interpreter(work.echo), frame["down"]).result()) == expected[2:]


def test_a_reduction_that_somebody_has_registered_counts(
    pool: InterpreterThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(copyreg.dispatch_table, pl.DataFrame, lambda frame: (len, ("four",)))
    monkeypatch.setitem(copyreg.dispatch_table, np.ndarray, lambda array: (len, ("three",)))
    sent = [frames.make(), np.zeros(100_000), frames.make()["int"]]
    number, other, series = pool.submit(interpreter(work.echo), sent).result()
    assert (number, other, series.equals(sent[2])) == (4, 5, True)


def test_the_same_object_twice_is_one_object(pool: InterpreterThreadPoolExecutor) -> None:
    frame = frames.make(10)
    column = frame["int"]
    assert pool.submit(interpreter(frames.look_at_both), (frame, frame, column, column)).result() is True


def test_a_lazy_frame_and_a_subclass_are_pickled(pool: InterpreterThreadPoolExecutor) -> None:
    lazy = frames.make(10).lazy().select("int")
    assert pool.submit(interpreter(work.echo), lazy).result().collect().equals(lazy.collect())
    named = frames.Named({"int": [1]})
    assert type(pool.submit(interpreter(work.echo), named).result()) is type(pickle.loads(pickle.dumps(named)))


def test_columns_of_objects_are_refused_as_by_pickle(pool: InterpreterThreadPoolExecutor) -> None:
    frame = pl.DataFrame({"object": pl.Series([object()], dtype=pl.Object)})
    with pytest.raises(pl.exceptions.ComputeError, match="type Object"):
        pickle.dumps(frame)
    with pytest.raises(NotTransferableError, match="type Object"):
        pool.submit(interpreter(work.echo), frame).result()
    assert pool.submit(interpreter(work.echo), 1).result() == 1


def test_what_the_worker_keeps_stays_when_home_has_let_go(pool: InterpreterThreadPoolExecutor) -> None:
    pool.submit(interpreter(frames.keep), frames.make()).result()
    pool.submit(interpreter(frames.keep), frames.of_numpy(100_000)).result()
    assert pool.submit(interpreter(frames.kept_sum)).result() == sum(range(frames.ROWS))
    assert pool.submit(interpreter(frames.kept_sum)).result() == sum(range(100_000))


def test_a_change_in_place_is_not_seen_on_the_other_side(pool: InterpreterThreadPoolExecutor) -> None:
    series = pl.Series("int", range(5000))
    back = pool.submit(interpreter(work.echo), series).result()
    series[0] = -1
    assert back[0] == 0
    back[1] = -2
    assert series[1] == 1


def test_several_workers_read_one_frame_at_the_same_time() -> None:
    frame = frames.make()
    with InterpreterThreadPoolExecutor(3, extensions="private") as pool:
        futures = [pool.submit(interpreter(frames.sum_of), frame) for _ in range(60)]
        wait(futures)
        assert {future.result() for future in futures} == {sum(range(frames.ROWS))}


def test_what_the_worker_writes_later_is_not_seen(pool: InterpreterThreadPoolExecutor) -> None:
    frame = pool.submit(interpreter(frames.of_kept_array), 10_000).result()
    pool.submit(interpreter(frames.write_to_kept_array)).result()
    assert frame["int"].sum() == sum(range(10_000))


@pytest.mark.skipif(importlib.util.find_spec("pyarrow") is None, reason="pyarrow is not installed")
def test_a_result_over_memory_of_pyarrow_needs_its_worker_no_more() -> None:
    with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
        frame = pool.submit(interpreter(frames.of_pyarrow), 100_000).result()
    assert frame["int"].sum() == sum(range(100_000))
    del frame


def test_ctrl_c_while_a_frame_is_encoded_is_not_lost(
    pool: InterpreterThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(self: object) -> object:
        raise KeyboardInterrupt

    frame = frames.make()
    monkeypatch.setattr(pl.DataFrame, "__arrow_c_stream__", interrupted)
    with pytest.raises(KeyboardInterrupt):
        pool.submit(interpreter(work.echo), frame).result()


@pytest.mark.parametrize("wrong", [lambda frame: None, lambda frame: 1 / 0, lambda frame: frames.wrong_capsule()])
def test_a_frame_without_a_stream_is_pickled(
    pool: InterpreterThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch, wrong: Any
) -> None:
    frame = frames.make()
    monkeypatch.setattr(pl.DataFrame, "__arrow_c_stream__", wrong)
    back = pool.submit(interpreter(work.echo), frame).result()
    monkeypatch.undo()
    assert back.equals(frame)


@pytest.mark.search
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_frame_arrives_as_pickle_would_bring_it(
    sharing_pool: InterpreterThreadPoolExecutor, data: st.DataObject
) -> None:
    frame = data.draw(parametric.dataframes(max_cols=4, max_size=20, excluded_dtypes=[pl.Object]))
    begin = data.draw(st.integers(0, 8))
    for sent in (frame, frame[begin:], frame[begin : begin + 9], frame[::2]):
        expected = pickle.loads(pickle.dumps(sent))
        back = sharing_pool.submit(interpreter(work.echo), sent).result()
        assert back.schema == expected.schema
        assert back.equals(expected, null_equal=True)


def test_who_keeps_one_column_does_not_keep_the_others(tmp_path: Path) -> None:
    script = """
    from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
    from support import polars_frames as frames
    from support.memory import resident

    if __name__ == "__main__":
        kept = []
        with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
            def exchange(times):
                for _ in range(times):
                    pool.submit(interpreter(frames.keep_one_column), frames.of_flags(2_000_000)).result()
                    kept.append(pool.submit(interpreter(frames.of_flags), 2_000_000).result()["flag"])

            exchange(5)
            before = resident()
            exchange(20)
            print(resident() - before < 160_000_000)  # 640 MB have been made, 16 MB at a time; 10 MB are kept
    """
    run_script(tmp_path, script).check("True")


def test_a_frame_that_goes_to_and_fro_does_not_keep_what_it_was(tmp_path: Path) -> None:
    script = """
    from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
    from support import polars_frames as frames
    from support.memory import resident

    if __name__ == "__main__":
        with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
            def go(frame, times):
                for _ in range(times):
                    frame = pool.submit(interpreter(frames.with_new_values), frame).result()
                return frame

            frame = go(frames.of_flags(500_000), 20)
            before = resident()
            go(frame, 100)
            print(resident() - before < 200_000_000)  # 400 MB of values have been made
    """
    run_script(tmp_path, script).check("True")


def test_a_runner_too() -> None:
    assert asyncio.run(frames.sum_in(frames.make())) == sum(range(frames.ROWS))


def test_frames_that_are_dropped_leave_no_memory(tmp_path: Path) -> None:
    script = """
    from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
    from support import polars_frames as frames, work
    from support.memory import resident

    if __name__ == "__main__":
        with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
            for _ in range(10):
                pool.submit(interpreter(work.echo), frames.of_numpy(2_000_000)).result()
            before = resident()
            for _ in range(60):
                pool.submit(interpreter(work.echo), frames.of_numpy(2_000_000)).result()
                pool.submit(interpreter(frames.of_numpy), 2_000_000).result()
            print(resident() - before < 320_000_000)  # 2 GB have been made, 16 MB at a time
    """
    run_script(tmp_path, script).check("True")
