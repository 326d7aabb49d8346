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

// Creates the type on an empty base class, for a worker that has not imported concurrent.futures (see _outline.py). The
// type's methods need an instance, and there is none before put_on_base. Returns new; null with an exception set.
[[nodiscard]] py::Ref make_executor_outline(PyObject* module);

// Replaces the empty base class by `base`, concurrent.futures.ThreadPoolExecutor. False with an exception set.
[[nodiscard]] bool put_on_base(const py::Ref& type, PyObject* base);

}  // namespace aiointerpreters::binding
