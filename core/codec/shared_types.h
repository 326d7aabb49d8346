// Types of other packages whose memory is shared: NumPy's arrays (arrays.h) and polars' frames (frames.h). A pickler asks
// here how to write their objects.
// Requires: attached. Errors: null or false with an exception set; std::bad_alloc.
#pragma once

#include "codec/attachment.h"
#include "codec/runtime.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

// Looks which of them have been imported in this interpreter. Returns whether any has. No error.
[[nodiscard]] bool knows_shared_types(Runtime& runtime);
// Adds those that are known to a dict, each with `value`; but for those for which somebody has registered a reduction of his
// own (copyreg).
[[nodiscard]] bool add_shared_types(Runtime& runtime, PyObject* dict, PyObject* value);
// What a pickler has to write for an object of theirs. Runs Python: the package's. Returns new.
[[nodiscard]] py::Ref reduce_shared(const Runtime& runtime, PyObject* object, Views views);

}  // namespace aiointerpreters::codec
