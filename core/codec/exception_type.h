// How to take an exception apart and rebuild it without calling the Python code of its class, as far as the class allows it.
// Requires: attached, for all functions. Errors: as said; std::bad_alloc never.
#pragma once

#include "codec/runtime.h"
#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

// Whether only the class knows how: a base that is not built in has a __reduce__ of its own, or is defined in C and may have
// data that no attribute shows. All other exceptions consist of their args, __dict__ and fields.
[[nodiscard]] bool rebuilds_itself(PyTypeObject* type);

// The fields outside of __dict__: those of built-in bases (OSError.filename) and slots. Names are as in the class, so those
// of private slots are mangled. Returns a new dict; null with an exception set.
[[nodiscard]] py::Ref read_fields(PyObject* exception);
// Sets one of them, or an attribute where the exception has no such field. Errors: false with an exception set.
[[nodiscard]] bool write_field(PyObject* exception, PyObject* name, PyObject* value);

// An instance from the C base's __new__, without arguments; the class's own __new__ and __init__ are not called. Returns
// new; null, with an exception set or not, if there is none.
[[nodiscard]] py::Ref make_without_init(PyTypeObject* type);

// Fills in the runtime.names that are read of every exception. Errors: false with MemoryError set.
[[nodiscard]] bool intern_exception_names(Runtime& runtime);

// The data that is printed of a SyntaxError (kTraceSyntax), as the exception shows it; None for others. Returns new; null,
// with an exception set or not, if it shows invalid data.
[[nodiscard]] py::Ref read_syntax(PyObject* exception);

// The tuple of a group's members, by the base's own descriptor: a class may show anything under that name. Returns new;
// empty if it cannot be read, null without memory.
[[nodiscard]] py::Ref members_of(PyObject* group);

}  // namespace aiointerpreters::codec
