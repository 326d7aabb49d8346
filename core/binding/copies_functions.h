// `_core.describe_copies` and `_core.clear_copies`: the folders with private copies of extension modules, for the command
// `python -m aiointerpreters cache`. `_core.why_no_copies`: the reason if this system does not support private copies.
// Requires: attached.
#pragma once

#include "py/python.h"

namespace aiointerpreters::binding {

// Adds them to a `_core` that already has its state. Errors: false with a Python exception set.
[[nodiscard]] bool add_copies_functions(PyObject* module);

}  // namespace aiointerpreters::binding
