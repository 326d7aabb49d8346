// What the class of an exception says about how to take it apart and make it again without calling its Python code.
// Requires: attached, for all functions. Errors: as said; std::bad_alloc never.
#pragma once

#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

// Whether only the class knows how: a base that is not built in has a __reduce__ of its own, or is made in C and may keep
// what no attribute shows. All other exceptions are their args, __dict__ and fields.
[[nodiscard]] bool rebuilds_itself(PyTypeObject* type);

// The fields outside of __dict__: those of built-in bases (OSError.filename) and slots. Names are as in the class, so those
// of private slots are mangled. Returns a new dict; null with an exception set.
[[nodiscard]] py::Ref read_fields(PyObject* exception);
// Sets one of them, or an attribute where the exception has no such field. Errors: false with an exception set.
[[nodiscard]] bool write_field(PyObject* exception, PyObject* name, PyObject* value);

// An instance from the C base's __new__, without arguments; the class's own __new__ and __init__ are not called. Returns
// new; null, with an exception set or not, if there is none.
[[nodiscard]] py::Ref make_without_init(PyTypeObject* type);

}  // namespace aiointerpreters::codec
