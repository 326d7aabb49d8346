"""Views, SharedBuffers and large strings: several interpreters share one memory, which is freed after its last use."""

import array
import ctypes
import functools
import gc
import pickle
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from typing import Any

import pytest

from aiointerpreters import InterpreterThreadPoolExecutor, NotTransferableError, SharedBuffer, interpreter
from support import gate as gates
from support import memory, work
from support.gate import Gate
from support.memory import can_be_resized, wait_until_back
from support.protocols import MakePool

LARGE = 100_000


class Struct(ctypes.Structure):
    """A structure of C."""

    _fields_ = (("a", ctypes.c_int32), ("b", ctypes.c_double))


VIEWS: dict[str, Callable[[], Any]] = {
    "bytes": lambda: memoryview(b"0123456789"),
    "bytearray": lambda: memoryview(bytearray(b"0123456789")),
    "readonly": lambda: memoryview(bytearray(b"0123456789")).toreadonly(),
    "empty": lambda: memoryview(b""),
    "empty part": lambda: memoryview(bytearray(b"abc"))[2:2],
    "slice": lambda: memoryview(bytearray(b"0123456789"))[2:7],
    "step": lambda: memoryview(bytearray(range(100)))[3:90:7],
    "backwards": lambda: memoryview(bytearray(range(100)))[::-1],
    "backwards step": lambda: memoryview(bytearray(range(100)))[90:3:-7],
    "items backwards": lambda: memoryview(array.array("d", range(9)))[::-2],
    "grid": lambda: memoryview(bytearray(range(24))).cast("B", (2, 3, 4)),
    "grid of shorts": lambda: memoryview(bytearray(range(24))).cast("H", (3, 4)),
    "empty grid": lambda: memoryview(bytearray()).cast("B"),
    "signed": lambda: memoryview(array.array("b", [-1, 2])).cast("B").cast("b"),
    "chars": lambda: memoryview(b"chars").cast("c"),
    "bools": lambda: memoryview(bytearray([0, 1, 1])).cast("?"),
    "no dimensions": lambda: memoryview(ctypes.c_int32(77)),
    "no dimensions by cast": lambda: memoryview(bytearray(8)).cast("d", ()),
    "ctypes array": lambda: memoryview((ctypes.c_double * 4)(1, 2, 3, 4)),
    "ctypes grid": lambda: memoryview(((ctypes.c_int16 * 3) * 2)()),
    "ctypes structures": lambda: memoryview((Struct * 3)()),
    "mmap": lambda: memoryview(memory.anonymous_map()),
    "mmap part": lambda: memoryview(memory.anonymous_map())[1:4],
    "SharedBuffer": lambda: memoryview(SharedBuffer(10)),
    "SharedBuffer part": lambda: memoryview(SharedBuffer(10))[8:1:-2],
    "SharedBuffer cast": lambda: memoryview(SharedBuffer(64)).cast("d", (2, 4)),
    "view of a view": lambda: memoryview(memoryview(bytearray(b"0123456789"))[1:])[1:],
    "Python": lambda: memoryview(memory.Exports()),
    "PickleBuffer": lambda: memoryview(pickle.PickleBuffer(bytearray(b"0123"))),
    **{
        f"array {code}": functools.partial(lambda code: memoryview(array.array(code, range(5))), code)
        for code in "bBhHiIlLqQfd"
    },
}


def pil_view() -> memoryview:
    """A view through pointers, as the Python Imaging Library uses them."""
    testbuffer = pytest.importorskip("_testbuffer")
    return memoryview(testbuffer.ndarray(list(range(12)), shape=[3, 4], format="B", flags=testbuffer.ND_PIL))


@pytest.fixture(params=VIEWS)
def view(request: pytest.FixtureRequest) -> memoryview:
    """Views of every kind."""
    made: memoryview = VIEWS[request.param]()
    return made


class TestArguments:
    def test_a_worker_sees_what_home_sees(self, pool: InterpreterThreadPoolExecutor, view: memoryview) -> None:
        assert pool.submit(interpreter(memory.describe), view).result() == memory.describe(view)

    def test_and_what_comes_back_is_the_same(self, pool: InterpreterThreadPoolExecutor, view: memoryview) -> None:
        copy = pool.submit(interpreter(work.echo), view).result()
        assert type(copy) is memoryview
        assert memory.describe(copy) == memory.describe(view)

    def test_wherever_it_stands(self, pool: InterpreterThreadPoolExecutor, view: memoryview) -> None:
        value = [view, {"k": (view, memory.Holder(view))}, memory.SlotHolder([view])]
        copy = pool.submit(interpreter(work.echo), value).result()
        found = [copy[0], copy[1]["k"][0], copy[1]["k"][1].content, copy[2].content[0]]
        assert memory.is_one(*found)
        assert memory.describe(found[0]) == memory.describe(view)

    def test_a_view_through_pointers(self, pool: InterpreterThreadPoolExecutor) -> None:
        view = pil_view()
        assert pool.submit(interpreter(memory.describe), view).result() == memory.describe(view)
        assert pool.submit(interpreter(work.echo), [view]).result()[0].tolist() == view.tolist()

    def test_one_view_in_several_arguments_is_one(self, pool: InterpreterThreadPoolExecutor) -> None:
        view = memoryview(bytearray(9))
        assert pool.submit(interpreter(memory.is_one), view, view).result()
        args, kwargs = pool.submit(interpreter(work.echo_call), view, [view], key=view, holder=memory.Holder(view)).result()
        assert memory.is_one(args[0], args[1][0], kwargs["key"], kwargs["holder"].content)

    def test_two_views_of_one_memory_show_one_memory(self, pool: InterpreterThreadPoolExecutor) -> None:
        memory_here = bytearray(10)
        args, _ = pool.submit(interpreter(work.echo_call), memoryview(memory_here), memoryview(memory_here)[5:]).result()
        args[0][7] = 1
        assert args[1][2] == memory_here[7] == 1

    def test_what_a_worker_writes_is_seen_at_home(self, pool: InterpreterThreadPoolExecutor) -> None:
        memory_here = bytearray(10)
        assert pool.submit(interpreter(memory.poke), memoryview(memory_here), 3, 77).result() == 0
        assert memory_here == bytes([0, 0, 0, 77, 0, 0, 0, 0, 0, 0])

    def test_what_home_writes_is_seen_by_a_worker(self, make_pool: MakePool) -> None:
        pool = make_pool(1)
        memory_here = bytearray(10)
        pool.submit(interpreter(memory.keep), "view", memoryview(memory_here)).result()
        for number in range(3):
            memory_here[number] = 50 + number
            assert pool.submit(interpreter(memory.kept_content), "view").result() == memory_here
            pool.submit(interpreter(memory.poke_kept), "view", 5, number).result()
            assert memory_here[5] == number
        pool.submit(interpreter(memory.drop), "view").result()
        wait_until_back(memory_here)

    def test_several_workers_write_to_one_memory(self, pool: InterpreterThreadPoolExecutor) -> None:
        memory_here = bytearray(100)
        futures = [pool.submit(interpreter(memory.poke), memoryview(memory_here), n, n + 1) for n in range(100)]
        wait(futures)
        assert memory_here == bytes(range(1, 101))

    def test_what_is_read_only_cannot_be_written(self, pool: InterpreterThreadPoolExecutor) -> None:
        for view in (memoryview(b"abc"), memoryview(bytearray(3)).toreadonly()):
            with pytest.raises(TypeError, match="read-only"):
                pool.submit(interpreter(memory.poke), view, 0, 1).result()

    def test_a_view_as_a_key(self, pool: InterpreterThreadPoolExecutor) -> None:
        view = memoryview(b"key")
        copy = pool.submit(interpreter(work.echo), {view: [view]}).result()
        assert copy[b"key"][0] is next(iter(copy))

    @pytest.mark.parametrize("chunksize", [1, 3])
    def test_through_map(self, pool: InterpreterThreadPoolExecutor, chunksize: int) -> None:
        memory_here = bytearray(10)
        views = [memoryview(memory_here)[n:] for n in range(10)]
        assert list(pool.map(interpreter(memory.poke), views, [0] * 10, range(1, 11), chunksize=chunksize)) == [0] * 10
        assert memory_here == bytes(range(1, 11))
        copies = list(pool.map(interpreter(work.echo), views, chunksize=chunksize))
        copies[3][0] = 99
        assert memory_here[3] == 99

    def test_in_a_closure(self, pool: InterpreterThreadPoolExecutor) -> None:
        memory_here = bytearray(10)
        view = memoryview(memory_here)

        def write(number: int) -> None:
            view[number] = 5

        pool.submit(interpreter(write), 2).result()
        pool.submit(interpreter(write), 3).result()
        assert memory_here[2:4] == b"\5\5"

    def test_a_closure_gives_its_view_back_with_the_function(self, make_pool: MakePool) -> None:
        pool = make_pool(1)
        memory_here = bytearray(10)

        def make() -> Callable[[], int]:
            view = memoryview(memory_here)
            return lambda: view[0]

        fn = make()
        assert pool.submit(interpreter(fn)).result() == 0
        del fn
        gc.collect()
        pool.submit(interpreter(work.square), 2).result()
        wait_until_back(memory_here)

    def test_in_a_partial_and_a_bound_method(self, pool: InterpreterThreadPoolExecutor) -> None:
        memory_here = bytearray(10)
        pool.submit(interpreter(functools.partial(memory.poke, memoryview(memory_here), 1)), 5).result()
        assert memory_here[1] == 5

    def test_in_the_arguments_of_an_initializer(self) -> None:
        memory_here, text = bytearray(10), b"t" * LARGE
        shared = SharedBuffer(4)
        initargs = ("view", [memoryview(memory_here), text, shared])
        pool = InterpreterThreadPoolExecutor(2, initializer=interpreter(memory.keep), initargs=initargs)
        del initargs
        for _ in range(2):
            copy = pool.submit(interpreter(work.recall), "view").result()
            copy[0][4] += 1
            memoryview(copy[2])[1] += 1
            assert copy[1] == text
            del copy
        assert memory_here[4] == memoryview(shared)[1] == 2
        assert not can_be_resized(memory_here)
        pool.shutdown()
        del pool
        wait_until_back(memory_here)

    def test_a_released_view_is_named(self, pool: InterpreterThreadPoolExecutor) -> None:
        view = memoryview(bytearray(3))
        view.release()
        for args, path in [
            ((view,), "argument 0"),
            ((1, [{"k": view}]), r"argument 1\[0\]\['k'\]"),
            ((memory.Holder([view]),), r"argument 0\.content\[0\]"),
        ]:
            with pytest.raises(NotTransferableError, match=rf"{path}.*memoryview.*released"):
                pool.submit(interpreter(work.nothing), *args).result()
        with pytest.raises(NotTransferableError, match="argument 'key'"):
            pool.submit(interpreter(work.nothing), key=view).result()

    def test_home_may_release_its_view_while_the_worker_looks(self, make_pool: MakePool, gate: Gate) -> None:
        memory_here = bytearray(b"abc")
        view = memoryview(memory_here)
        future = make_pool(1).submit(interpreter(gates.hold_then), gate.ends, memory.content, view)
        gate.wait_for()
        view.release()
        memory_here[0] = ord("x")
        gate.open()
        assert future.result() == b"xbc"
        memory_here.append(1)


class TestResults:
    def test_a_view_of_the_workers_memory_outlives_the_worker(self) -> None:
        with InterpreterThreadPoolExecutor(1) as pool:
            future = pool.submit(interpreter(memory.own_view), LARGE)
            early = future.result()
            late = pool.submit(interpreter(memory.own_view), LARGE, readonly=True)
        gc.collect()
        expected = bytes(i % 251 for i in range(LARGE))
        assert early == late.result() == expected
        assert (early.readonly, late.result().readonly) == (False, True)
        early[0] = 200
        assert early[0] == 200

    @pytest.mark.parametrize("step", [1, 2, -1, -7])
    def test_a_view_that_is_not_contiguous(self, pool: InterpreterThreadPoolExecutor, step: int) -> None:
        assert pool.submit(interpreter(memory.own_strided), step).result().tolist() == list(range(100))[::step]

    def test_a_view_of_two_dimensions(self, pool: InterpreterThreadPoolExecutor) -> None:
        grid = pool.submit(interpreter(memory.own_grid)).result()
        assert (grid.shape, grid.format) == ((3, 4), "H")
        assert grid.tolist() == memory.own_grid().tolist()

    @pytest.mark.parametrize("kind", ["list", "dict", "object", "slots"])
    @pytest.mark.parametrize("size", [0, 10, LARGE])
    def test_wherever_it_stands(self, pool: InterpreterThreadPoolExecutor, kind: str, size: int) -> None:
        result = pool.submit(interpreter(memory.hold_view_in), kind, size).result()
        found = {
            "list": lambda: result[0],
            "dict": lambda: result["k"][0],
            "object": lambda: result.content,
            "slots": lambda: result[0].content[0],
        }[kind]()
        assert type(found) is memoryview
        assert found == bytes(i % 251 for i in range(size))

    def test_one_view_twice_is_one(self, pool: InterpreterThreadPoolExecutor) -> None:
        first, second, copied = pool.submit(interpreter(memory.own_views_of_one), 50).result()
        assert first is second
        assert first == copied

    def test_a_view_that_was_an_argument_is_not_copied(self, pool: InterpreterThreadPoolExecutor) -> None:
        memory_here = bytearray(b"abc")
        copy = pool.submit(interpreter(work.echo), memoryview(memory_here)).result()
        copy[0] = ord("x")
        assert memory_here == b"xbc"
        assert not can_be_resized(memory_here)
        del copy
        wait_until_back(memory_here)

    @pytest.mark.parametrize("where", ["args", "attribute"])
    def test_in_an_exception(self, make_pool: MakePool, where: str) -> None:
        pool = make_pool(1)
        memory_here = bytearray(b"abc")
        for future, expected in [
            (pool.submit(interpreter(memory.raise_with), memoryview(memory_here), where), b"abc"),
            (pool.submit(interpreter(memory.raise_with_own_view), 5, where), bytes(range(5))),
        ]:
            error = future.exception()
            assert isinstance(error, memory.Failure)
            view = error.args[1] if where == "args" else error.view
            assert type(view) is memoryview
            assert view == expected
            del error, view, future
        gc.collect()
        pool.submit(interpreter(gc.collect)).result()  # the exception may be in a cycle with its frame
        wait_until_back(memory_here)

    @pytest.mark.parametrize("where", ["args", "attribute"])
    def test_large_things_in_an_exception_outlive_the_pool(self, where: str) -> None:
        with InterpreterThreadPoolExecutor(1) as pool:
            shared = SharedBuffer(3)
            value = [b"x" * LARGE, "y" * LARGE, shared]
            future = pool.submit(interpreter(memory.raise_with), value, where)
        error = future.exception()
        assert isinstance(error, memory.Failure)
        copy = error.args[1] if where == "args" else error.view
        assert copy[:2] == value[:2]
        memoryview(copy[2])[0] = 9
        assert bytes(shared) == b"\x09\0\0"

    @pytest.mark.parametrize("kind", ["bytes", "str", "wide", "widest", "nested", "object"])
    @pytest.mark.parametrize("size", [16_383, 16_384, LARGE, 3_000_000])
    def test_large_strings(self, kind: str, size: int) -> None:
        expected = memory.large(kind, size)
        with InterpreterThreadPoolExecutor(1) as pool:
            early = pool.submit(interpreter(memory.large), kind, size)
            there = pool.submit(interpreter(work.echo), expected)
            assert _plain(early.result()) == _plain(there.result()) == _plain(expected)
            late = pool.submit(interpreter(memory.large), kind, size)
            never = pool.submit(interpreter(memory.large), kind, size)
        del never
        assert _plain(late.result()) == _plain(expected)

    def test_large_strings_are_one_where_they_were_one(self, pool: InterpreterThreadPoolExecutor) -> None:
        text, data = "t" * LARGE, b"d" * LARGE
        copy = pool.submit(
            interpreter(work.echo), [text, {"k": text}, memory.Holder((text, data)), data, {data: text}]
        ).result()
        assert memory.is_one(copy[0], copy[1]["k"], copy[2].content[0], copy[4][data])
        assert memory.is_one(copy[3], copy[2].content[1], next(iter(copy[4])))

    def test_results_that_nobody_asks_for_keep_nothing_from_ending(self) -> None:
        for _ in range(3):
            with InterpreterThreadPoolExecutor(2) as pool:
                for kind in ("bytes", "str", "nested", "object"):
                    pool.submit(interpreter(memory.large), kind, LARGE)
                    pool.submit(interpreter(memory.own_view), LARGE)
                    pool.submit(interpreter(memory.make_shared), LARGE, 1)


def _plain(value: Any) -> Any:
    return value.content if isinstance(value, memory.Holder) else value


class TestNestedPools:
    def test_homes_memory_reaches_a_worker_of_a_worker(self, make_pool: MakePool) -> None:
        memory_here = bytearray(b"abc")
        copy = make_pool(1).submit(interpreter(memory.through_own_pool), memoryview(memory_here)).result()
        copy[1] = ord("X")
        assert memory_here == b"aXc"
        copy.release()
        del copy
        wait_until_back(memory_here)

    def test_a_worker_lends_its_own_memory(self, make_pool: MakePool) -> None:
        before, after = make_pool(1).submit(interpreter(memory.lend_to_own_pool), 5).result()
        assert (before, after) == (bytes(5), b"\x09\0\0\0\0\x01")

    def test_what_a_worker_had_lent_is_copied_when_it_returns_it(self) -> None:
        with InterpreterThreadPoolExecutor(1) as pool:
            view = pool.submit(interpreter(memory.own_view_through_own_pool), LARGE).result()
        gc.collect()
        assert view == bytes(i % 251 for i in range(LARGE))
        view[0] = 99
        assert view[0] == 99

    @pytest.mark.parametrize(
        "value", [b"x" * LARGE, "y" * LARGE, [b"z" * LARGE, "z" * LARGE]], ids=lambda v: type(v).__name__
    )
    def test_large_strings_there_and_back(self, make_pool: MakePool, value: Any) -> None:
        assert make_pool(1).submit(interpreter(memory.through_own_pool), value).result() == value

    def test_a_shared_buffer_there_and_back(self, make_pool: MakePool) -> None:
        shared = SharedBuffer(3)
        copy = make_pool(1).submit(interpreter(memory.through_own_pool), [shared]).result()[0]
        memoryview(copy)[2] = 8
        assert bytes(shared) == b"\0\0\x08"


class TestSharedBuffer:
    @pytest.mark.parametrize("size", [0, 1, 63, 64, 4096, 1 << 24])
    def test_it_is_zeroed_aligned_and_writable(self, size: int) -> None:
        shared = SharedBuffer(size)
        assert (len(shared), shared.nbytes) == (size, size)
        with memoryview(shared) as view:
            assert (view.nbytes, view.format, view.shape, view.readonly) == (size, "B", (size,), False)
            assert view == bytes(size)
            address = ctypes.addressof(ctypes.c_char.from_buffer(shared)) if size else 0
            assert address % 64 == 0
        assert f"SharedBuffer of {size} bytes" in repr(shared)

    def test_sizes_that_are_none(self) -> None:
        with pytest.raises(ValueError, match="nbytes must be 0 or more"):
            SharedBuffer(-1)
        for size in (1.5, "3", None, b"3"):
            with pytest.raises(TypeError):
                SharedBuffer(size)  # type: ignore[arg-type]
        for arguments in ((), (1, 2)):
            with pytest.raises(TypeError):
                SharedBuffer(*arguments)

    @pytest.mark.parametrize("size", [1 << 62, sys.maxsize])
    def test_there_is_not_that_much_memory(self, size: int) -> None:
        with pytest.raises(MemoryError):
            SharedBuffer(size)
        with pytest.raises(OverflowError):
            SharedBuffer(1 << 70)

    def test_it_takes_its_size_by_name(self) -> None:
        assert SharedBuffer(nbytes=5).nbytes == 5

    def test_pickle_refuses_it(self) -> None:
        with pytest.raises(TypeError, match="cannot be pickled"):
            pickle.dumps(SharedBuffer(3))
        with pytest.raises(TypeError, match="cannot be pickled"):
            pickle.dumps([SharedBuffer(3)], 5)

    def test_it_passes_both_ways_any_number_of_times(self, pool: InterpreterThreadPoolExecutor) -> None:
        shared = original = SharedBuffer(100)
        for number in range(100):
            pool.submit(interpreter(memory.poke), shared, number, number).result()
            shared = pool.submit(interpreter(work.echo), shared).result()
            assert type(shared) is SharedBuffer
        assert bytes(original) == bytes(range(100))

    def test_it_is_one_where_it_was_one(self, pool: InterpreterThreadPoolExecutor) -> None:
        shared = SharedBuffer(3)
        view = memoryview(shared)
        copy = pool.submit(
            interpreter(work.echo), [shared, {"k": shared}, memory.Holder((shared, view)), view, {shared}]
        ).result()
        assert memory.is_one(copy[0], copy[1]["k"], copy[2].content[0], next(iter(copy[4])))
        assert copy[3] is copy[2].content[1]
        copy[3][1] = 5
        assert bytes(copy[0]) == bytes(shared) == b"\0\x05\0"

    def test_it_is_made_in_a_worker_and_outlives_it(self) -> None:
        with InterpreterThreadPoolExecutor(1) as pool:
            early = pool.submit(interpreter(memory.make_shared), LARGE, 3).result()
            late = pool.submit(interpreter(memory.shared_and_views), LARGE)
        gc.collect()
        shared, view, part = late.result()
        assert bytes(early) == b"\3" * LARGE
        part[0] = 1
        assert bytes(shared)[:3] == bytes(view[:3]) == b"\7\1\7"

    def test_views_of_it_are_leased_for_nothing(self, make_pool: MakePool) -> None:
        pool = make_pool(2)
        shared = SharedBuffer(10)
        views = [pool.submit(interpreter(work.echo), memoryview(shared)[n:]).result() for n in range(10)]
        for number, view in enumerate(views):
            view[0] = number
        pool.shutdown()
        del shared
        gc.collect()
        assert bytes(views[0]) == bytes(range(10))

    def test_in_a_closure(self, pool: InterpreterThreadPoolExecutor) -> None:
        shared = SharedBuffer(3)

        def write() -> None:
            memoryview(shared)[1] = 4

        pool.submit(interpreter(write)).result()
        assert bytes(shared) == b"\0\4\0"

    def test_two_workers_count_in_one_memory(self, pool: InterpreterThreadPoolExecutor) -> None:
        shared = SharedBuffer(16)
        futures = [pool.submit(interpreter(count_up), memoryview(shared).cast("q"), n % 2, 50) for n in range(2)]
        wait(futures)
        assert sum(memoryview(shared).cast("q")) == 100

    def test_nobody_derives_from_it(self) -> None:
        with pytest.raises(TypeError):
            type("Derived", (SharedBuffer,), {})

    def test_what_a_view_stands_on_does_not_cross(self, pool: InterpreterThreadPoolExecutor) -> None:
        lease = pool.submit(interpreter(work.echo), memoryview(b"abc")).result().obj
        assert bytes(lease) == b"abc"
        with pytest.raises(NotTransferableError):
            pool.submit(interpreter(work.nothing), lease).result()
        with pytest.raises(TypeError):
            type(lease)()


def count_up(numbers: memoryview, index: int, times: int) -> None:
    """Add one to a number again and again."""
    for _ in range(times):
        numbers[index] += 1


class TestPickleBuffers:
    @pytest.mark.parametrize("size", [LARGE, 16_384])
    @pytest.mark.parametrize("source", [bytes, bytearray, SharedBuffer])
    def test_large_ones_go_out_of_band(self, pool: InterpreterThreadPoolExecutor, size: int, source: Any) -> None:
        memory_here = source(size)
        copy = pool.submit(interpreter(work.echo), [memory.Buffers(memory_here)]).result()[0]
        assert type(copy.memory) is memoryview
        assert copy.memory == bytes(size)
        assert copy.memory.readonly == (source is bytes)
        if source is bytearray:
            copy.memory[5] = 1
            assert memory_here[5] == 1
            del copy
            wait_until_back(memory_here)

    @pytest.mark.parametrize("source", [bytes, bytearray])
    def test_small_ones_arrive_as_from_pickle(self, pool: InterpreterThreadPoolExecutor, source: Any) -> None:
        copy = pool.submit(interpreter(work.echo), memory.Buffers(source(b"abc"))).result()
        assert type(copy.memory) is source
        assert copy.memory == b"abc"

    @pytest.mark.parametrize("size", [3, LARGE])
    def test_of_a_workers_memory(self, size: int) -> None:
        with InterpreterThreadPoolExecutor(1) as pool:
            future = pool.submit(interpreter(memory.own_buffers), size)
        assert bytes(future.result().memory) == bytes(i % 251 for i in range(size))

    def test_a_shared_one_is_one(self, pool: InterpreterThreadPoolExecutor) -> None:
        buffer = pickle.PickleBuffer(bytearray(LARGE))
        copy = pool.submit(interpreter(work.echo), [memory.Holder(buffer), memory.Holder(buffer)]).result()
        assert copy[0].content is copy[1].content

    def test_a_released_one_is_named(self, pool: InterpreterThreadPoolExecutor) -> None:
        buffer = pickle.PickleBuffer(bytearray(LARGE))
        buffer.release()
        with pytest.raises(NotTransferableError, match=r"argument 0\.content"):
            pool.submit(interpreter(work.nothing), memory.Holder(buffer)).result()
        with pytest.raises(NotTransferableError, match="argument 0"):
            pool.submit(interpreter(work.nothing), [buffer]).result()


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """Reference cycles of one test do not keep memory of the next one."""
    yield
    gc.collect()
