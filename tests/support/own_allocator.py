"""A NumPy array whose memory comes from a data allocator of the tests (NEP 49). It is set through NumPy's C API."""

import ctypes
from typing import Any

import numpy as np

_SET_HANDLER = 304  # PyDataMem_SetHandler, in NumPy's table of functions
_kept: list[Any] = []


class _Allocator(ctypes.Structure):
    _fields_ = (
        ("context", ctypes.c_void_p),
        ("allocate", ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)),
        ("allocate_zeroed", ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t)),
        ("reallocate", ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)),
        ("release", ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)),
    )


class _Handler(ctypes.Structure):
    _fields_ = (("name", ctypes.c_char * 127), ("version", ctypes.c_uint8), ("allocator", _Allocator))


def _make_handler() -> _Handler:
    size, pointer = ctypes.c_size_t, ctypes.c_void_p
    malloc = ctypes.CFUNCTYPE(pointer, size)(("malloc", ctypes.CDLL(None)))
    calloc = ctypes.CFUNCTYPE(pointer, size, size)(("calloc", ctypes.CDLL(None)))
    realloc = ctypes.CFUNCTYPE(pointer, pointer, size)(("realloc", ctypes.CDLL(None)))
    free = ctypes.CFUNCTYPE(None, pointer)(("free", ctypes.CDLL(None)))
    types: dict[str, Any] = dict(_Allocator._fields_)
    return _Handler(
        b"tests_own",
        1,
        _Allocator(
            None,
            types["allocate"](lambda context, count: malloc(count)),
            types["allocate_zeroed"](lambda context, count, each: calloc(count, each)),
            types["reallocate"](lambda context, block, count: realloc(block, count)),
            types["release"](lambda context, block, count: free(block)),
        ),
    )


def make(count: int) -> tuple[str, int, Any]:
    """Return whose memory a new array has, its address, and the array."""
    umath: Any = np._core._multiarray_umath  # type: ignore[attr-defined]
    handler = _make_handler()
    _kept.append(handler)
    pointer, python = ctypes.c_void_p, ctypes.pythonapi
    pointer_of = ctypes.PYFUNCTYPE(pointer, ctypes.py_object, ctypes.c_char_p)(("PyCapsule_GetPointer", python))
    capsule_of = ctypes.PYFUNCTYPE(ctypes.py_object, pointer, ctypes.c_char_p, pointer)(("PyCapsule_New", python))
    functions = ctypes.cast(pointer_of(umath._ARRAY_API, None), ctypes.POINTER(pointer))
    set_handler = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object)(functions[_SET_HANDLER] or 0)
    name = ctypes.create_string_buffer(b"mem_handler")
    _kept.append(name)
    before = set_handler(capsule_of(ctypes.addressof(handler), ctypes.cast(name, ctypes.c_char_p), None))
    array = np.arange(count)
    set_handler(before)
    return umath.get_handler_name(array), array.__array_interface__["data"][0], array
