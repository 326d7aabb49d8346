// `_core.ExecutorBase`: the native part of InterpreterThreadPoolExecutor, derived from
// concurrent.futures.ThreadPoolExecutor.
// Requires: attached to home.
#pragma once

#include "binding/module_state.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::binding {

// Creates the type. Returns new; null with an exception set.
[[nodiscard]] py::Ref make_executor_type(PyObject* module, PyObject* base);

}  // namespace aiointerpreters::binding
