"""Memory that interpreters share: worker functions with views and SharedBuffers, and checks that a lease is back."""

import gc
import mmap
import pickle
import sys
import threading
import time
from typing import Any, Never

from aiointerpreters import InterpreterThreadPoolExecutor, SharedBuffer, interpreter
from support import gate, work

_threads: list[threading.Thread] = []


def resident() -> int:
    """The size of the process's memory in bytes (Linux)."""
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * mmap.PAGESIZE


class Holder:
    """Has its argument as an attribute."""

    def __init__(self, content: Any) -> None:
        self.content = content


class SlotHolder:
    """Has its argument in a slot."""

    __slots__ = ("content",)

    def __init__(self, content: Any) -> None:
        self.content = content


class Buffers:
    """Pickles its memory out of band (PEP 574), as array libraries do."""

    def __init__(self, memory: Any) -> None:
        self.memory = memory

    def __reduce_ex__(self, protocol: Any) -> Any:
        return Buffers, (pickle.PickleBuffer(self.memory),)


class Failure(Exception):
    """An exception with an attribute."""

    view: Any = None


class Exports:
    """Has the buffer protocol in Python (PEP 688)."""

    def __init__(self) -> None:
        self.memory = bytearray(b"exported")
        self.out = 0
        self.released = threading.Event()

    def __buffer__(self, flags: int) -> memoryview:
        self.out += 1
        return memoryview(self.memory)

    def __release_buffer__(self, view: memoryview) -> None:
        self.out -= 1
        view.release()
        self.released.set()


def anonymous_map() -> mmap.mmap:
    """Memory that the system manages."""
    made = mmap.mmap(-1, 4096)
    made[:5] = b"01234"
    return made


def describe(view: memoryview) -> tuple[Any, ...]:
    """All properties of a view, and its content."""
    return (
        view.format,
        view.itemsize,
        view.ndim,
        view.shape,
        view.strides,
        view.suboffsets,
        view.readonly,
        view.nbytes,
        view.c_contiguous,
        view.f_contiguous,
        view.contiguous,
        view.tobytes(),
    )


def content(view: Any) -> bytes:
    """The bytes that a worker sees."""
    return bytes(view)


def poke(view: Any, index: int, value: int) -> int:
    """Write the name of this interpreter into it. Return the earlier content."""
    with memoryview(view) as target:
        before: int = target[index]
        target[index] = value
    return before


def poke_all(view: memoryview) -> None:
    """Invert each byte of a view of any shape."""
    flat = view.tobytes()
    if view.ndim == 1 and view.format == "B":
        for index, byte in enumerate(flat):
            view[index] = byte ^ 0xFF


def keep(name: str, value: Any) -> None:
    """Keep a value in this interpreter after the task has ended."""
    work.remember(name, value)


def kept_content(name: str) -> bytes:
    """The current content of a value kept here."""
    return bytes(work.recall(name))


def poke_kept(name: str, index: int, value: int) -> int:
    """Write to a view kept here."""
    return poke(work.recall(name), index, value)


def drop(name: str) -> None:
    """Drop the values kept here."""
    work._memory.pop(name, None)


def drop_then(name: str, fn: Any, *args: Any) -> Any:
    """Drop the values kept here, then continue with work that takes long."""
    drop(name)
    return fn(*args)


def drop_in_a_thread(name: str, ends: tuple[int, int]) -> None:
    """Let a thread drop the values later, when the task has ended and this interpreter is idle."""
    thread = threading.Thread(target=hold_then_drop, args=(name, ends))
    thread.start()
    _threads.append(thread)


def hold_then_drop(name: str, ends: tuple[int, int]) -> None:
    """Drop the values when the gate opens."""
    from support import gate

    gate.hold(ends)
    drop(name)


def hold_with_gil(ends: tuple[int, int]) -> None:
    """Wait at the gate like a call into C that holds this interpreter's GIL."""
    import ctypes
    import os

    arrived, opened = ends
    os.write(arrived, b".")
    ctypes.PyDLL(None).read(opened, ctypes.create_string_buffer(1), 1)


def lend_and_watch(size: int, ends: tuple[int, int]) -> bytes:
    """Return a large string. A thread passes the gate after the string was lent and came back, while no task runs."""
    from support import gate

    lent = bytes(size)
    before = sys.getrefcount(lent)

    def watch() -> None:
        while sys.getrefcount(lent) <= before:
            time.sleep(0.001)
        while sys.getrefcount(lent) > before:
            time.sleep(0.001)
        gate.hold(ends)

    thread = threading.Thread(target=watch)
    thread.start()
    _threads.append(thread)
    return lent


def join_threads() -> None:
    """Wait for these threads."""
    while _threads:
        _threads.pop().join()


def own_view(size: int, *, readonly: bool = False) -> memoryview:
    """A view of memory of this interpreter."""
    view = memoryview(bytearray(i % 251 for i in range(size)))
    return view.toreadonly() if readonly else view


def own_views_of_one(size: int) -> tuple[memoryview, memoryview, bytearray]:
    """One view twice, and its content."""
    memory = bytearray(i % 251 for i in range(size))
    view = memoryview(memory)
    return view, view, memory


def own_strided(step: int) -> memoryview:
    """A view that is not contiguous."""
    return memoryview(bytearray(range(100)))[::step]


def own_grid() -> memoryview:
    """A view of two dimensions."""
    return memoryview(bytearray(range(24))).cast("B").cast("H", (3, 4))


def hold_view_in(kind: str, size: int) -> Any:
    """A result with a view of this interpreter's memory in it."""
    view = own_view(size)
    return {"list": [view], "dict": {"k": (view,)}, "object": Holder(view), "slots": [SlotHolder([view])]}[kind]


def own_buffers(size: int) -> Buffers:
    """A result that pickles out of band."""
    return Buffers(bytearray(i % 251 for i in range(size)))


def large(kind: str, size: int) -> Any:
    """A large string, or an object that contains one."""
    made = {"bytes": b"x" * size, "str": "x" * size, "wide": "\u4e2d" * size, "widest": "\U0001f600" * size}
    if kind in made:
        return made[kind]
    return {"nested": [{"k": made["bytes"]}, made["str"]], "object": Holder(made["bytes"])}[kind]


def make_shared(size: int, fill: int) -> SharedBuffer:
    """A SharedBuffer created here."""
    shared = SharedBuffer(size)
    memoryview(shared)[:] = bytes([fill]) * size
    return shared


def shared_and_views(size: int) -> tuple[SharedBuffer, memoryview, memoryview]:
    """A SharedBuffer and views of it."""
    shared = make_shared(size, 7)
    return shared, memoryview(shared), memoryview(shared)[1:]


def raise_from_variable(view: Any) -> Never:
    """Leave cycles: frames with variables that hold an exception of the chain, which is a cause or a member of a group."""
    gc.disable()  # no other garbage collection must find them
    kept: list[Exception] = []
    for _ in range(2):
        try:
            raise ValueError(len(view))
        except ValueError as error:
            kept.append(error)
    raise ExceptionGroup("several", kept) from kept[0]


def pop_then_hold(views: list[Any], ends: tuple[int, int]) -> None:
    """Drop a view long before the task ends."""
    views.pop()
    gate.hold(ends)


def raise_with(view: Any, where: str) -> Never:
    """Raise an exception that carries this value."""
    if where == "args":
        raise Failure("with", view)
    error = Failure("with")
    error.view = view
    raise error


def raise_with_own_view(size: int, where: str) -> Never:
    """Raise an exception that carries a view of this interpreter's memory."""
    raise_with(own_view(size), where)


def through_own_pool(value: Any, fn: Any = work.echo) -> Any:
    """Pass a value to a pool of this interpreter, and return the result."""
    with InterpreterThreadPoolExecutor(1) as pool:
        return pool.submit(interpreter(fn), value).result()


def lend_to_own_pool(size: int) -> tuple[bytes, bytes]:
    """Lend memory to a pool of this interpreter. Return it before and after. Then the memory can be resized."""
    memory = bytearray(size)
    before = bytes(memory)
    with InterpreterThreadPoolExecutor(1) as pool:
        pool.submit(interpreter(poke), memoryview(memory), 0, 9).result()
        memory.append(1)
    return before, bytes(memory)


def own_view_through_own_pool(size: int) -> memoryview:
    """Return a view of memory that was lent to a pool of this interpreter and came back."""
    result: memoryview = through_own_pool(own_view(size))
    return result


length_with_module = lambda text: len(gc.__name__ + text)  # noqa: E731 # no name that workers could import


def call_by_value_in_own_pool() -> int:
    """Call a function by value, which stays here and uses a module, in a pool of this interpreter."""
    with InterpreterThreadPoolExecutor(1) as pool:
        return pool.submit(interpreter(length_with_module), "abc").result()


def reference_counts(name: str) -> list[int]:
    """Reference counts of a value kept here and of its content."""
    kept = work.recall(name)
    parts = [kept, *(kept if isinstance(kept, list) else ()), *(vars(kept).values() if isinstance(kept, Holder) else ())]
    return [sys.getrefcount(part) for part in parts]


def allocated_blocks() -> int:
    """The number of objects in this interpreter after garbage collection."""
    gc.collect()
    return sys.getallocatedblocks()


def is_one(*values: Any) -> bool:
    """Whether all are one object."""
    return all(value is values[0] for value in values)


def count_views(views: list[Any]) -> int:
    """The number of open descriptors."""
    return len(views)


def can_be_resized(exporter: Any) -> bool:
    """Return whether no view of a bytearray or array is left."""
    try:
        exporter.append(0)
    except BufferError:
        return False
    exporter.pop()
    return True


def wait_until_back(exporter: Any) -> None:
    """Wait, without using the package, until no view is left. If one stays, pytest's timeout ends the wait."""
    while not can_be_resized(exporter):
        time.sleep(0.005)
