// `_core.describe_copies` and `_core.clear_copies`: the folders in which private copies of extension modules are kept, for
// the command `python -m aiointerpreters cache`. `_core.why_no_copies`: whether this system has any.
// Requires: attached.
#pragma once

#include "py/python.h"

namespace aiointerpreters::binding {

// Adds them to a `_core` whose state has been made. Errors: false with a Python exception set.
[[nodiscard]] bool add_copies_functions(PyObject* module);

}  // namespace aiointerpreters::binding
