// NumPy arrays in a pickle: the memory of an array is attached to the message, as that of a view is; what else it is (type
// of its elements, shape, strides) stands in the pickle.
// So each layout crosses, and what has no buffer, as datetime64, does too.
// Of NumPy this needs the array interface protocol and no header. Arrays of Python objects are left to NumPy's own pickling.
// Requires: attached. Runs Python: NumPy's. Errors: null or false with an exception set; std::bad_alloc.
#pragma once

#include "codec/attachment.h"
#include "codec/runtime.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

// Whether there can be arrays: NumPy has been imported in this interpreter. No error.
[[nodiscard]] bool knows_arrays(Runtime& runtime);
// What a pickler has to write for an array: how it is made again, from a memoryview that is to be attached. Small results,
// and what cannot be attached, are reduced as NumPy does it. Requires: knows_arrays, of one of whose types the array is.
// Returns new.
[[nodiscard]] py::Ref reduce_array(const Runtime& runtime, PyObject* array, Views views);

}  // namespace aiointerpreters::codec
