// Context variables that calls carry into workers. Who declares none pays nothing.
// Requires: attached to home, for every function here.
#pragma once

#include <initializer_list>

#include "binding/module_state.h"
#include "pool/task.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::binding {

// Names the variables (any iterable of them) for workers. Returns new: a tuple, or null without an exception if there are
// none. Runs Python. Errors: null with TypeError or ValueError set.
[[nodiscard]] py::Ref declare_context(PyObject* variables);

// Puts into the task, whose call gets a context of its own, what the declared variables are set to in `context`, null: in
// the current one. `declared` holds results of declare_context. Runs Python.
// Errors: false with an exception set: NotTransferableError, its path beginning with `context variables`, or MemoryError.
[[nodiscard]] bool carry_context(ModuleState& state, PyObject* context, std::initializer_list<PyObject*> declared,
                                 pool::Task& task);

}  // namespace aiointerpreters::binding
