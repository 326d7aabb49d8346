// A hint for an exception that leaves a worker because an extension module could not be imported there: it says what helps.
// Requires: attached to the worker's interpreter.
#pragma once

#include <string>

#include "py/python.h"

namespace aiointerpreters::codec {

// A sentence, if the exception is CPython's refusal of an extension module, or if a traceback of it would show such a
// refusal among its causes, contexts and members. Empty otherwise. For a worker that imports no private copies on a system
// that has them. Leaves no exception set. Errors: std::bad_alloc.
[[nodiscard]] std::string hint_about_imports(PyObject* exception);

}  // namespace aiointerpreters::codec
