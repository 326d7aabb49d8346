// `_core.declared_refusal`, `_core.known_obstacle`, `_core.refused_module` and `_core.refused_imports`: what is known about
// extension modules in interpreters, for the command `python -m aiointerpreters check`.
// Requires: attached.
#pragma once

#include "py/python.h"

namespace aiointerpreters::binding {

// Adds them to a `_core` that already has its state. Errors: false with a Python exception set.
[[nodiscard]] bool add_extension_functions(PyObject* module);

}  // namespace aiointerpreters::binding
