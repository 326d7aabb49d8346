// NumPy arrays in a pickle. The memory of an array is attached to the message, like that of a view. The pickle contains the
// rest: element type, shape, strides. So arrays of every layout cross, and so do types without a buffer, such as
// datetime64. This needs NumPy's array interface protocol and no header. Arrays of Python objects are left to NumPy's own
// pickling.
// Requires: attached. Runs Python: NumPy's. Errors: null or false with an exception set; std::bad_alloc.
#pragma once

#include "codec/attachment.h"
#include "codec/runtime.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

// Whether there can be arrays: NumPy has been imported in this interpreter. Errors: none.
[[nodiscard]] bool knows_arrays(Runtime& runtime);
// The reduction of an array for a pickler: how to rebuild it from a memoryview that will be attached. Small results, and
// arrays that cannot be attached, get NumPy's own reduction. Requires: knows_arrays; the array has one of its types.
// Returns new.
[[nodiscard]] py::Ref reduce_array(const Runtime& runtime, PyObject* array, Views views);

}  // namespace aiointerpreters::codec
