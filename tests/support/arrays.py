"""NumPy arrays of each kind, and the functions that workers call with them."""

import asyncio
import ctypes
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Never

import numpy as np

from support import work

Array = np.ndarray[Any, Any]

COUNT = 60_000  # elements, enough for arrays of every type to have their own block of memory

# Arrays whose memory is shared, whatever their layout and type.
SHARED: dict[str, Callable[[], Array]] = {
    "contiguous": lambda: np.arange(COUNT, dtype="f8"),
    "small": lambda: np.arange(3),
    "one_element": lambda: np.array(5.0),
    "fortran": lambda: np.asfortranarray(np.arange(COUNT).reshape(200, 300)),
    "transposed": lambda: np.arange(COUNT).reshape(20, 30, 100).transpose(1, 2, 0),
    "strided": lambda: np.arange(COUNT).reshape(200, 300)[10:20, ::3],
    "backwards": lambda: np.arange(COUNT)[::-2],
    "repeated": lambda: np.broadcast_to(np.arange(300), (200, 300)),
    "read_only": lambda: _read_only(np.arange(COUNT)),
    "structured": lambda: _filled([("id", "<i4"), ("at", "<M8[us]"), ("point", "<f8", (2,)), ("name", "S5")]),
    "datetime64": lambda: np.arange(COUNT).astype("M8[s]"),
    "timedelta64": lambda: np.arange(COUNT).astype("m8[ms]"),
    "text": lambda: np.array(["aé", "b"] * (COUNT // 2), dtype="U3"),
    "complex": lambda: np.arange(COUNT) * 1j,
    "float16": lambda: np.arange(COUNT).astype("f2"),
    "long_double": lambda: np.arange(COUNT).astype(np.longdouble),
    "big_endian": lambda: np.arange(COUNT).astype(">i4"),
    "described": lambda: np.zeros(COUNT, dtype=np.dtype("f8", metadata={"unit": "m"})),
    "misaligned": lambda: np.frombuffer(bytearray(COUNT * 4 + 1), dtype="i4", offset=1),
}
# Exceptions: results that are copied, because they are small, a small part of an array, or not in NumPy's memory.
RESULTS_COPIED = {"small", "one_element", "strided", "repeated", "misaligned"}
# Arrays that are pickled.
COPIED: dict[str, Callable[[], Array]] = {
    "objects": lambda: np.array([1, "two", None], dtype=object),
    "objects_in_fields": lambda: np.array([(1, [2])], dtype=[("a", "i4"), ("b", object)]),
    "variable_text": lambda: np.array(["a", "b" * 100], dtype=np.dtypes.StringDType()),
    "no_elements": lambda: np.zeros((0, 3)),
    "no_bytes": lambda: np.zeros(3, dtype="V0"),
    "subclass": lambda: np.arange(COUNT).reshape(200, 300).view(np.matrix),
}


def _read_only(array: Array) -> Array:
    array.flags.writeable = False
    return array


def _filled(fields: list[Any]) -> Array:
    array = np.zeros(COUNT, dtype=fields)
    array[fields[0][0]] = np.arange(COUNT)
    return array


@dataclass
class Named:
    """An array in an object."""

    name: str
    values: Any


class Failure(Exception):
    """An exception with an array."""

    def __init__(self, values: Any) -> None:
        super().__init__("failed", values)
        self.values = values


def address(array: Any) -> int:
    """The address of the first element."""
    where: int = array.__array_interface__["data"][0]
    return where


def describe(array: Array) -> tuple[Any, ...]:
    """All properties of an array except for its address, and its content."""
    return type(array), array.dtype, array.shape, array.strides, array.flags.writeable, array.tobytes()


def look(array: Array) -> tuple[Any, ...]:
    """The address of an array, and its properties."""
    return address(array), *describe(array)


def set_first(array: Array, value: Any) -> Array:
    """Write the name of this interpreter into it."""
    array.flat[0] = value
    return array


def part(array: Array) -> Array:
    """Every third element of the second half."""
    return array[len(array) // 2 :: 3]


def doubled(array: Array) -> Array:
    """Return a new array."""
    return array * 2


def make(kind: str) -> tuple[int, Array]:
    """Return an array that the worker has created, and its address."""
    array = SHARED[kind]()
    return address(array), array


def make_with_part(kind: str) -> tuple[Array, Array]:
    """Return an array and a view of it."""
    array = SHARED[kind]()
    return array, array[1:]


def make_resized(count: int, wanted: int) -> tuple[int, Array]:
    """Return an array that had another size before."""
    array = np.zeros(count, dtype=int)
    array += np.arange(count)
    array.resize(wanted, refcheck=False)
    return address(array), array


def make_kept(kind: str) -> Array:
    """Return an array that is kept here too."""
    array = SHARED[kind]()
    work.remember(kind, array)
    return array


def keep(name: str, array: Any) -> None:
    """Keep an array here beyond its task."""
    work.remember(name, array)


def first_kept(name: str) -> Any:
    """The first element of the array that is kept here."""
    return work.recall(name).flat[0].item()


def are_one(first: Any, second: Any) -> tuple[bool, bool]:
    """Return whether two arrays are the same object, and whether they share memory."""
    return first is second, np.shares_memory(first, second)


def fail(kind: str) -> Never:
    """Raise an exception with an array."""
    raise Failure(SHARED[kind]())


def look_into(failure: Exception) -> tuple[int, Exception]:
    """The address of the array in an exception, and the exception."""
    return address(failure.args[1]), failure


def make_mapped(path: str, count: int) -> tuple[int, Array]:
    """Return the address of a file's content, and the array over it. The array is kept here."""
    array = np.memmap(path, dtype="u1", mode="r", shape=(count,))
    work.remember("mapped", array)
    return address(array), array


def make_in_thread(kind: str) -> tuple[int, Array]:
    """The same as make, in a thread of its own."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(make, kind).result()


async def make_later(kind: str) -> tuple[int, Array]:
    """The same as make, in an event loop."""
    await asyncio.sleep(0)
    return make(kind)


def make_where_freed(count: int) -> bool:
    """Take the memory of arrays from NumPy and free it, as C code can. Return whether new arrays are sound."""
    flags_at, owns_data = 64, 4  # of PyArrayObject; NPY_ARRAY_OWNDATA
    free = ctypes.CDLL(None).free
    free.argtypes = [ctypes.c_void_p]
    for _ in range(3):
        array = np.ones(count)
        ctypes.c_int.from_address(id(array) + flags_at).value &= ~owns_data
        memory = address(array)
        del array
        free(memory)
        made = [np.full(count, float(i)) for i in range(3)]
        if not all((each == i).all() for i, each in enumerate(made)):
            return False
    return True


def make_and_name(count: int) -> tuple[str, Any, Any]:
    """Return whose memory a new array has, its address, and the array."""
    array = np.arange(count)
    return np._core._multiarray_umath.get_handler_name(array), address(array), array  # type: ignore[attr-defined]
