// Types of other packages whose memory is shared: NumPy's arrays (arrays.h) and polars' frames (frames.h). They have
// reductions of their own for a pickler.
// Requires: attached. Errors: null or false with an exception set; std::bad_alloc.
#pragma once

#include "codec/attachment.h"
#include "codec/runtime.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

// Looks for such types in the modules that this interpreter has imported. Returns whether there is any. Errors: none.
[[nodiscard]] bool knows_shared_types(Runtime& runtime);
// Adds the known types to a dict, each with `value`, except those for which another reduction is registered (copyreg).
[[nodiscard]] bool add_shared_types(Runtime& runtime, PyObject* dict, PyObject* value);
// The reduction of an object of such a type for a pickler. Runs Python: the package's. Returns new.
[[nodiscard]] py::Ref reduce_shared(const Runtime& runtime, PyObject* object, Views views);

}  // namespace aiointerpreters::codec
