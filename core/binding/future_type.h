// `_core.Future`: a true concurrent.futures.Future whose state is native (hazards 28 to 30).
// Requires: attached to home.
#pragma once

#include "binding/module_state.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::binding {

// Makes the type over concurrent.futures.Future. Returns new; null with an exception set.
[[nodiscard]] py::Ref make_future_type(PyObject* module, PyObject* base);

}  // namespace aiointerpreters::binding
