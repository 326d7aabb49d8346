// Takes an exception apart and rebuilds it, without calling the Python code of its class if the class allows that.
// Requires: attached, for all functions. Errors: as stated below; never std::bad_alloc.
#pragma once

#include "codec/runtime.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

// Whether only the class can rebuild its exceptions. This is true if a base that is not built in has a __reduce__ of its
// own, or is defined in C and may have data that no attribute shows. All other exceptions consist of their args, __dict__
// and fields.
[[nodiscard]] bool rebuilds_itself(PyTypeObject* type);

// The fields outside of __dict__: those of built-in bases (OSError.filename), and slots. Names are as in the class, so
// names of private slots are mangled. Returns a new dict; null with an exception set.
[[nodiscard]] py::Ref read_fields(PyObject* exception);
// Sets a field, or an attribute if the exception has no such field. Errors: false with an exception set.
[[nodiscard]] bool write_field(PyObject* exception, PyObject* name, PyObject* value);

// Creates an instance by the __new__ of the base in C, without arguments. The class's own __new__ and __init__ are not
// called. Returns new; null, with or without an exception set, if that is not possible.
[[nodiscard]] py::Ref make_without_init(PyTypeObject* type);

// Fills runtime.names with the names that are read of every exception. Errors: false with MemoryError set.
[[nodiscard]] bool intern_exception_names(Runtime& runtime);

// The data that is printed of a SyntaxError (kTraceSyntax), as its attributes show it; None for other exceptions. Returns
// new; null, with or without an exception set, if the data is invalid.
[[nodiscard]] py::Ref read_syntax(PyObject* exception);

// The tuple of a group's members, read by the base's own descriptor, because a class may override the attribute. Returns
// new; empty if it cannot be read, null if there is no memory.
[[nodiscard]] py::Ref members_of(PyObject* group);

}  // namespace aiointerpreters::codec
