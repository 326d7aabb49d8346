// `_core.encode` and `_core.decode`: the codec by itself, for its tests and benchmarks.
// Requires: attached.
#pragma once

#include "py/python.h"

namespace aiointerpreters::binding {

// Adds the two functions to a `_core` whose state has been made. Errors: false with a Python exception set.
[[nodiscard]] bool add_codec_functions(PyObject* module);

}  // namespace aiointerpreters::binding
