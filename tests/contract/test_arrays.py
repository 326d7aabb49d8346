"""NumPy arrays cross by reference: each row of the table in docs/arrays.md. See also test_frames.py."""

import gc
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("numpy", reason="NumPy is not installed")

import ml_dtypes
import numpy as np

from aiointerpreters import InterpreterThreadPoolExecutor, SharedBuffer, _core, interpreter
from support import arrays, own_allocator, work
from support import gate as gates
from support.arrays import COPIED, COUNT, RESULTS_COPIED, SHARED, address
from support.gate import Gate
from support.scripts import run_script

pytestmark = pytest.mark.skipif(_core.why_no_copies() is not None, reason=str(_core.why_no_copies()))


@pytest.fixture(scope="module")
def pool() -> Iterator[InterpreterThreadPoolExecutor]:
    """One worker, so a later task finds the objects that an earlier one has kept."""
    with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
        yield pool


class TestArguments:
    @pytest.mark.parametrize("kind", SHARED)
    def test_the_worker_sees_the_same_memory(self, pool: InterpreterThreadPoolExecutor, kind: str) -> None:
        array = SHARED[kind]()
        assert pool.submit(interpreter(arrays.look), array).result() == arrays.look(array)

    @pytest.mark.parametrize("name", ["bfloat16", "float8_e5m2", "int4"])
    def test_types_that_another_package_has_added(self, pool: InterpreterThreadPoolExecutor, name: str) -> None:
        array = np.ones(COUNT, dtype=getattr(ml_dtypes, name))
        back = pool.submit(interpreter(work.echo), array).result()
        assert (back.dtype, address(back)) == (array.dtype, address(array))

    @pytest.mark.parametrize("kind", COPIED)
    def test_what_is_more_than_its_memory_is_pickled(self, pool: InterpreterThreadPoolExecutor, kind: str) -> None:
        array = COPIED[kind]()
        back = pool.submit(interpreter(work.echo), array).result()
        np.testing.assert_array_equal(back, array)
        assert (type(back), back.dtype, back.shape) == (type(array), array.dtype, array.shape)
        assert not np.shares_memory(back, array)

    @pytest.mark.parametrize("kind", ["contiguous", "small", "strided", "fortran", "structured"])
    def test_what_the_worker_writes_is_seen_at_home(self, pool: InterpreterThreadPoolExecutor, kind: str) -> None:
        array = SHARED[kind]()
        value = (7, 8, (9, 10), b"11") if kind == "structured" else 7
        back = pool.submit(interpreter(arrays.set_first), array, value).result()
        assert array.flat[0] == np.array([value], dtype=array.dtype)[0]
        assert arrays.look(back) == arrays.look(array)

    def test_what_comes_back_is_the_same_memory(self, pool: InterpreterThreadPoolExecutor) -> None:
        array = np.arange(COUNT)
        back = pool.submit(interpreter(arrays.part), array).result()
        assert (address(back), back.strides) == (address(arrays.part(array)), (24,))

    def test_a_file_in_memory(self, pool: InterpreterThreadPoolExecutor, tmp_path: Path) -> None:
        mapped = np.memmap(tmp_path / "mapped", dtype="i4", mode="w+", shape=(10,))
        back = pool.submit(interpreter(arrays.set_first), mapped[2:], 7).result()
        assert (type(back), address(back)) == (np.ndarray, address(mapped[2:]))
        mapped.flush()
        assert np.fromfile(tmp_path / "mapped", dtype="i4").tolist() == [0, 0, 7, *[0] * 7]

    def test_an_array_over_a_shared_buffer(self, pool: InterpreterThreadPoolExecutor) -> None:
        array = np.frombuffer(SharedBuffer(800), dtype="f8")
        assert address(pool.submit(interpreter(arrays.part), array).result()) == address(arrays.part(array))

    def test_a_broadcast_array_costs_what_is_broadcast(self, pool: InterpreterThreadPoolExecutor) -> None:
        @interpreter
        def make() -> Any:
            return np.broadcast_to(1.5, (300_000, 100_000))

        array = pool.submit(make).result()
        assert (array.shape, array.strides, array.flags.writeable) == ((300_000, 100_000), (0, 0), False)
        assert array[-1, -1] == 1.5

    def test_memory_of_an_allocator_that_the_worker_has_set_is_copied(self, pool: InterpreterThreadPoolExecutor) -> None:
        name, where, array = pool.submit(interpreter(own_allocator.make), COUNT).result()
        assert name == "tests_own"
        assert address(array) != where
        np.testing.assert_array_equal(array, np.arange(COUNT))
        usual_name, usual_where, usual = pool.submit(interpreter(arrays.make_and_name), COUNT).result()
        assert usual_name == "default_allocator"
        assert address(usual) == usual_where

    def test_one_array_in_several_places_is_one(self, pool: InterpreterThreadPoolExecutor) -> None:
        array = np.arange(COUNT)
        assert pool.submit(interpreter(arrays.are_one), array, array).result() == (True, True)
        assert pool.submit(interpreter(arrays.are_one), array, array[5:]).result() == (False, True)
        named, table = pool.submit(interpreter(work.echo), [arrays.Named("a", array), {"b": array}]).result()
        assert named.values is table["b"]
        assert address(table["b"]) == address(array)

    def test_an_array_in_an_exception(self, pool: InterpreterThreadPoolExecutor) -> None:
        failure = ValueError("failed", np.arange(COUNT))
        where, back = pool.submit(interpreter(arrays.look_into), failure).result()
        assert where == address(failure.args[1]) == address(back.args[1])

    def test_an_array_that_a_function_has_captured(self, pool: InterpreterThreadPoolExecutor) -> None:
        array = np.arange(3)
        assert pool.submit(interpreter(lambda: array.__array_interface__["data"][0])).result() == address(array)

    def test_rows_of_a_map(self, pool: InterpreterThreadPoolExecutor) -> None:
        rows = list(np.arange(COUNT).reshape(6, -1))
        looks = list(pool.map(interpreter(arrays.look), rows, chunksize=4))
        assert looks == [arrays.look(row) for row in rows]

    def test_the_array_lives_until_the_worker_is_done_with_it(self, pool: InterpreterThreadPoolExecutor) -> None:
        array = np.full(COUNT, 7)
        gone = weakref.ref(array)
        before = sys.getrefcount(array)
        pool.submit(interpreter(arrays.keep), "array", array[1:]).result()
        assert sys.getrefcount(array) > before
        del array
        gc.collect()
        assert pool.submit(interpreter(arrays.first_kept), "array").result() == 7
        assert gone() is not None
        pool.submit(interpreter(arrays.keep), "array", None).result()
        assert pool.submit(interpreter(work.square), 2).result() == 4
        assert gone() is None

    def test_an_array_of_which_a_worker_has_a_view_is_not_resized(self, pool: InterpreterThreadPoolExecutor) -> None:
        array = np.full(COUNT, 7)
        pool.submit(interpreter(arrays.keep), "resized", array[1:]).result()
        with pytest.raises(ValueError, match="cannot resize"):
            array.resize(2 * COUNT)
        pool.submit(interpreter(arrays.keep), "resized", None).result()
        assert pool.submit(interpreter(work.square), 2).result() == 4
        array.resize(2 * COUNT)
        assert array.sum() == 7 * COUNT

    def test_a_call_that_never_began_lets_go_of_it(self, gate: Gate) -> None:
        with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
            pool.submit(interpreter(gates.hold), gate.ends)
            gate.wait_for()
            array = np.arange(COUNT)
            gone = weakref.ref(array)
            future = pool.submit(interpreter(arrays.look), array)
            assert future.cancel()
            del array, future
            gate.open()
            assert pool.submit(interpreter(work.square), 2).result() == 4
            assert gone() is None

    def test_workers_that_cannot_import_numpy_say_so(self) -> None:
        with InterpreterThreadPoolExecutor(1, extensions="declared") as pool, pytest.raises(ImportError, match="argument 0"):
            pool.submit(interpreter(work.echo), np.arange(3)).result()


class TestResults:
    @pytest.mark.parametrize("kind", SHARED)
    def test_an_array_of_the_worker_arrives_with_its_layout(self, pool: InterpreterThreadPoolExecutor, kind: str) -> None:
        where, array = pool.submit(interpreter(arrays.make), kind).result()
        own = SHARED[kind]()
        np.testing.assert_array_equal(array, own)
        assert (address(array) == where) == (kind not in RESULTS_COPIED)
        assert (array.dtype, array.shape, array.flags.writeable) == (own.dtype, own.shape, own.flags.writeable)
        assert own.flags.c_contiguous <= array.flags.c_contiguous
        assert own.flags.f_contiguous <= array.flags.f_contiguous

    @pytest.mark.parametrize("kind", ["contiguous", "small", "strided"])
    def test_what_the_worker_keeps_is_its_own(self, pool: InterpreterThreadPoolExecutor, kind: str) -> None:
        array = pool.submit(interpreter(arrays.make_kept), kind).result()
        before = pool.submit(interpreter(arrays.first_kept), kind).result()
        array[...] = 77
        assert pool.submit(interpreter(arrays.first_kept), kind).result() == before

    def test_one_array_in_several_places_is_one(self, pool: InterpreterThreadPoolExecutor) -> None:
        @interpreter
        def make() -> Any:
            array = np.arange(COUNT)
            return [array, {"again": array}, arrays.Named("a", array)]

        first, table, named = pool.submit(make).result()
        assert first is table["again"]
        assert first is named.values

    def test_an_array_and_a_part_of_it_arrive_as_two(self, pool: InterpreterThreadPoolExecutor) -> None:
        whole, rest = pool.submit(interpreter(arrays.make_with_part), "contiguous").result()
        np.testing.assert_array_equal(rest, whole[1:])
        assert not np.shares_memory(whole, rest)

    def test_a_result_goes_on_as_an_argument(self, pool: InterpreterThreadPoolExecutor) -> None:
        _, array = pool.submit(interpreter(arrays.make), "contiguous").result()
        assert address(pool.submit(interpreter(arrays.part), array).result()) == address(arrays.part(array))

    def test_memory_that_numpy_makes_larger_or_smaller(self, pool: InterpreterThreadPoolExecutor) -> None:
        for count in (10, COUNT, 3 * COUNT):
            for wanted in (20, 2 * COUNT, 4 * COUNT):
                where, array = pool.submit(interpreter(arrays.make_resized), count, wanted).result()
                np.testing.assert_array_equal(array, np.resize(np.arange(count), wanted) * (np.arange(wanted) < count))
                assert (address(array) == where) == (wanted > COUNT)

    def test_memory_that_somebody_takes_from_numpy_and_frees(self, pool: InterpreterThreadPoolExecutor) -> None:
        assert pool.submit(interpreter(arrays.make_where_freed), COUNT).result()

    def test_an_exception_with_an_array(self, pool: InterpreterThreadPoolExecutor) -> None:
        error = pool.submit(interpreter(arrays.fail), "contiguous").exception()
        assert isinstance(error, arrays.Failure)
        assert error.values is error.args[1]
        np.testing.assert_array_equal(error.values, SHARED["contiguous"]())

    def test_results_outlive_the_interpreter(self) -> None:
        with InterpreterThreadPoolExecutor(1, extensions="private") as pool:
            futures = {kind: pool.submit(interpreter(arrays.make), kind) for kind in ("contiguous", "strided", "small")}
            assert futures["contiguous"].result()
        gc.collect()
        for kind, future in futures.items():  # the other results are decoded only now
            _, array = future.result()
            np.testing.assert_array_equal(array, SHARED[kind]())
            array[0] = 77

    @pytest.mark.parametrize("count", [10, COUNT])
    def test_a_file_in_memory(self, pool: InterpreterThreadPoolExecutor, tmp_path: Path, count: int) -> None:
        np.ones(COUNT, dtype="u1").tofile(tmp_path / "mapped")
        where, array = pool.submit(interpreter(arrays.make_mapped), str(tmp_path / "mapped"), count).result()
        assert (type(array), array.sum(), array.flags.writeable) == (np.ndarray, count, False)
        assert address(array) != where  # the worker still has the first one

    def test_an_array_that_another_thread_of_the_worker_has_made(self, pool: InterpreterThreadPoolExecutor) -> None:
        where, array = pool.submit(interpreter(arrays.make_in_thread), "contiguous").result()
        assert address(array) == where

    def test_a_program_ends_while_both_sides_have_arrays_of_the_other(self, tmp_path: Path) -> None:
        program = """
            import numpy as np
            from aiointerpreters import InterpreterThreadPoolExecutor, interpreter
            from support import arrays

            if __name__ == "__main__":
                pool = InterpreterThreadPoolExecutor(1, extensions="private")
                pool.submit(interpreter(arrays.keep), "array", np.ones(arrays.COUNT)).result()
                result = pool.submit(interpreter(arrays.make), "contiguous").result()
                unread = pool.submit(interpreter(arrays.make), "contiguous")
                print(result[1][-1])
        """
        run_script(tmp_path, program).check(str(COUNT - 1.0))

    def test_a_coroutine_function(self, pool: InterpreterThreadPoolExecutor) -> None:
        make_later: Any = interpreter(arrays.make_later)
        where, array = pool.submit(make_later, "contiguous").result()
        assert address(array) == where
        np.testing.assert_array_equal(array, SHARED["contiguous"]())
