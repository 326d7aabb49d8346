// Context variables that calls carry into workers. Executors and tags that declare none pay nothing.
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

// Puts the values of the declared variables into the task, whose call gets a context of its own. They are read from
// `context`; null: from the current one. `declared` holds results of declare_context. Runs Python. Errors: false with an
// exception set: NotTransferableError, its path beginning with `context variables`, or MemoryError.
[[nodiscard]] bool carry_context(ModuleState& state, PyObject* context, std::initializer_list<PyObject*> declared,
                                 pool::Task& task);

}  // namespace aiointerpreters::binding
