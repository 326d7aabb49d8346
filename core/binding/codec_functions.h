// `_core.encode`, `_core.decode` and `_core.Message`: the codec by itself, for its tests and benchmarks.
// Requires: attached.
#pragma once

#include "py/python.h"

namespace aiointerpreters::binding {

// Adds them to a `_core` that already has its state. Errors: false with a Python exception set.
[[nodiscard]] bool add_codec_functions(PyObject* module);

}  // namespace aiointerpreters::binding
