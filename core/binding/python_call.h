// PythonCall: the Python function that a call of an object runs, and the argument that the object puts first.
// Requires: attached. Owner: whoever has found it.
#pragma once

#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::binding {

struct PythonCall {
  py::Ref function;          // null: the object is something else
  PyObject* self = nullptr;  // null: none; borrowed from the object
};

// For a function, a bound method of one, or an object whose class has one as `__call__`. Quick. Runs no Python, leaves no
// exception set.
[[nodiscard]] PythonCall python_call(PyObject* callable) noexcept;

}  // namespace aiointerpreters::binding
