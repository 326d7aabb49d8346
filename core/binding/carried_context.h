// Context variables that calls carry into workers. Executors and tags without declared variables have no cost.
// Requires: attached to home, for every function here.
#pragma once

#include <initializer_list>

#include "binding/module_state.h"
#include "pool/task.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::binding {

// Finds the names by which workers find the variables. `variables`: any iterable. Returns new: a tuple, or null without an
// exception if there are no variables. Runs Python. Errors: null with TypeError or ValueError set.
[[nodiscard]] py::Ref declare_context(PyObject* variables);

// The values of the declared variables by the names by which workers find them. The values come from `context`; null means
// the current one. `declared` holds results of declare_context, or null. `needs_main` becomes true if a name is one of
// `__main__`. Returns new: a dict. Runs Python. Errors: null with an exception set.
[[nodiscard]] py::Ref read_context(PyObject* context, std::initializer_list<PyObject*> declared, bool& needs_main);

// Adds the values of the declared variables to the task. The call then runs in a context of its own. `context` and
// `declared`: as for read_context. Runs Python. Errors: false with an
// exception set: NotTransferableError, its path beginning with `context variables`, or MemoryError.
[[nodiscard]] bool carry_context(ModuleState& state, PyObject* context, std::initializer_list<PyObject*> declared,
                                 pool::Task& task);

}  // namespace aiointerpreters::binding
