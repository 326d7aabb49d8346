#!/bin/sh
# NumPy 2.5.5: `__array_struct__` tells nothing of a structured array's memory.
#
# The flags in the C structure behind `__array_struct__` say whether the memory may be written to, whether it is aligned and in which order it
# lies. For an array with fields they are all 0, though `array.flags` says that it is writable, aligned and contiguous. Who
# goes by the structure takes each structured array for a read-only one. The layout of the structure is that of NumPy's
# reference, "The array interface protocol".
. "$(dirname "$0")/environment"
install numpy==2.5.5

expect "float64: 0x703, writeable True
datetime64[s]: 0x703, writeable True
[('a', '<i4'), ('b', '<f8')]: 0x0, writeable True" <<'PYTHON'
import ctypes
import numpy as np

class Interface(ctypes.Structure):
    _fields_ = [("two", ctypes.c_int), ("nd", ctypes.c_int), ("typekind", ctypes.c_char), ("itemsize", ctypes.c_int), ("flags", ctypes.c_int)]

pointer_in = ctypes.pythonapi.PyCapsule_GetPointer
pointer_in.restype = ctypes.c_void_p
pointer_in.argtypes = [ctypes.py_object, ctypes.c_char_p]
for array in (np.zeros(3), np.zeros(3, "M8[s]"), np.zeros(3, [("a", "i4"), ("b", "f8")])):
    capsule = array.__array_struct__
    flags = Interface.from_address(pointer_in(capsule, None)).flags
    print(f"{array.dtype}: {flags:#x}, writeable {array.flags.writeable}")
PYTHON
