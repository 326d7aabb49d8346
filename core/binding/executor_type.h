// `_core.ExecutorBase`: the native half of InterpreterThreadPoolExecutor, over concurrent.futures.ThreadPoolExecutor.
// Requires: attached to home.
#pragma once

#include "binding/module_state.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::binding {

// Makes the type. Returns new; null with an exception set.
[[nodiscard]] py::Ref make_executor_type(PyObject* module, PyObject* base);

}  // namespace aiointerpreters::binding
