// A hint for an exception that leaves a worker because an extension module could not be imported there. It says how to fix
// that.
// Requires: attached to the worker's interpreter.
#pragma once

#include <string>

#include "py/python.h"

namespace aiointerpreters::codec {

// A sentence, if CPython has refused an extension module and the exception says so, or one that is printed with it (a
// cause, a context, a member). Otherwise empty. For workers that import no private copies on a system that supports them.
// Leaves no exception set. Errors: std::bad_alloc.
[[nodiscard]] std::string hint_about_imports(PyObject* exception);

}  // namespace aiointerpreters::codec
