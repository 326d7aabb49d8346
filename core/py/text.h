// Python's text in C++. Requires: attached. Errors: none, except for std::bad_alloc; no exception stays set.
#pragma once

#include <string>

#include "py/python.h"

namespace aiointerpreters::py {

// A str as UTF-8, whatever characters it has; empty for null and for other objects. `errors`: what becomes of lone
// surrogates. No Python runs, unless a program has replaced that error handler.
[[nodiscard]] std::string utf8_of(PyObject* text, const char* errors = "backslashreplace");

// str(object) as UTF-8; empty for null, or if that fails. Runs Python.
[[nodiscard]] std::string str_of(PyObject* object);

// The same for an attribute.
[[nodiscard]] std::string str_of_attribute(PyObject* object, const char* name);

}  // namespace aiointerpreters::py
