// `_core.Future`: a concurrent.futures.Future with native state (hazards 28 to 30).
// Requires: attached to home.
#pragma once

#include "binding/module_state.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::binding {

// Creates the type, derived from concurrent.futures.Future. Returns new; null with an exception set.
[[nodiscard]] py::Ref make_future_type(PyObject* module, PyObject* base);

}  // namespace aiointerpreters::binding
