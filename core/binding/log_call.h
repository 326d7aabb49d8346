// LogCall: takes the place of `logging.Logger._log` in a worker that sends its records home.
//
// Most calls to a logger there create a LogRecord only to take it apart again. For these, a LogCall writes the word itself.
// All other calls go to the original function: those of subclasses, with handlers or filters here, with `extra` or an
// exception, with arguments that are not plain, and if other code has replaced a part of `logging`.
// Requires: attached to a worker's interpreter. Runs Python.
#pragma once

#include "codec/runtime.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::binding {

// The replacement for `Logger._log` of the module `logging`, which must be complete. It binds as a function does. Errors:
// null with an exception set; also std::bad_alloc.
[[nodiscard]] py::Ref make_log_call(PyObject* core, codec::Runtime& runtime, PyObject* logging);

}  // namespace aiointerpreters::binding
