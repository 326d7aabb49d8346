// Types of other packages whose memory is shared: NumPy's arrays (arrays.h) and polars' frames (frames.h). A pickler asks
// here for the reduction of their objects.
// Requires: attached. Errors: null or false with an exception set; std::bad_alloc.
#pragma once

#include "codec/attachment.h"
#include "codec/runtime.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

// Finds out which of them have been imported in this interpreter. Returns whether any has. No error.
[[nodiscard]] bool knows_shared_types(Runtime& runtime);
// Adds the known types to a dict, each with `value`, except those for which another reduction is registered (copyreg).
[[nodiscard]] bool add_shared_types(Runtime& runtime, PyObject* dict, PyObject* value);
// The reduction that a pickler has to write for an object of such a type. Runs Python: the package's. Returns new.
[[nodiscard]] py::Ref reduce_shared(const Runtime& runtime, PyObject* object, Views views);

}  // namespace aiointerpreters::codec
