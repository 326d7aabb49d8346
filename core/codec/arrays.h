// NumPy arrays in a pickle: the memory of an array is attached to the message, like that of a view. The pickle contains the
// rest (type of its elements, shape, strides). So arrays of every layout cross, and so do types without a buffer, such as
// datetime64. This needs NumPy's array interface protocol and no header. Arrays of Python objects are left to NumPy's own
// pickling.
// Requires: attached. Runs Python: NumPy's. Errors: null or false with an exception set; std::bad_alloc.
#pragma once

#include "codec/attachment.h"
#include "codec/runtime.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

// Whether arrays are possible: NumPy has been imported in this interpreter. No error.
[[nodiscard]] bool knows_arrays(Runtime& runtime);
// The reduction that a pickler has to write for an array: how to rebuild it from a memoryview that will be attached. Small
// results, and arrays that cannot be attached, are reduced as NumPy does it. Requires: knows_arrays; the array is of one of
// its types. Returns new.
[[nodiscard]] py::Ref reduce_array(const Runtime& runtime, PyObject* array, Views views);

}  // namespace aiointerpreters::codec
