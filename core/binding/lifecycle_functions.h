// What `_core` does when its interpreter ends and when the process forks; the Python half says when.
// Requires: attached.
#pragma once

#include "py/python.h"

namespace aiointerpreters::binding {

// Adds the functions to a `_core` whose state has been made. Errors: false with a Python exception set.
[[nodiscard]] bool add_lifecycle_functions(PyObject* module);

}  // namespace aiointerpreters::binding
