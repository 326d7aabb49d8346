// `aiointerpreters.current()`: where the calling code runs. The answer is looked up when it is asked for, so calls that do
// not ask cost nothing. An executor's thread is known by its ident (ModuleState::serving), and a worker's interpreter by the
// worker's name (Runtime::worker_name).
// Requires: attached, for every function here.
#pragma once

#include "binding/module_state.h"
#include "py/python.h"

namespace aiointerpreters::binding {

// Adds the function to a `_core` that already has its state. Errors: false with an exception set.
[[nodiscard]] bool add_current_function(PyObject* module);

// The type of the function's results. It is created on first use. Borrows. Errors: null with an exception set.
[[nodiscard]] PyObject* current_type(ModuleState& state);

}  // namespace aiointerpreters::binding
