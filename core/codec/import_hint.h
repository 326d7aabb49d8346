// What to tell, with an exception that leaves a worker, of an extension module that could not be imported there: what helps.
// Requires: attached to the worker's interpreter.
#pragma once

#include <string>

#include "py/python.h"

namespace aiointerpreters::codec {

// A sentence, if the exception is CPython's refusal of an extension module, or a traceback of it would show one: among its
// causes, contexts and members. Empty else. For a worker that imports no private copies on a system that has them.
// Leaves no exception set. Errors: std::bad_alloc.
[[nodiscard]] std::string hint_about_imports(PyObject* exception);

}  // namespace aiointerpreters::codec
