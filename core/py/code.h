// Code objects: as bytes, and the names of globals in them.
// Requires: attached.
#pragma once

#include <cstddef>
#include <vector>

#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::py {

// A code object as marshal writes it. Returns bytes, new. Errors: null with an exception set, ValueError if it has constants
// that no compiler makes.
[[nodiscard]] Ref marshal_code(PyObject* code);
// The code object that `marshal_code` has written. Returns new. Errors: null with an exception set.
[[nodiscard]] Ref unmarshal_code(const char* data, std::size_t size);

// Appends the names of the globals that the code, or code nested in it, reads or writes. A name may occur twice. No Python
// runs. Errors: false with an exception set; std::bad_alloc.
[[nodiscard]] bool add_global_names(PyCodeObject* code, std::vector<Ref>& names);

// Appends the names of the globals and of the variables of functions around it whose values the code, or code nested in it,
// uses in another way than by calling them. A name may occur twice. No Python runs. Errors: false with an exception set;
// std::bad_alloc.
[[nodiscard]] bool add_names_not_only_called(PyCodeObject* code, std::vector<Ref>& names);

// Whether the code, or code nested in it, assigns or deletes a global, a variable of a function around it, or an attribute,
// or names a builtin that could. No Python runs. Errors: true, without an exception.
[[nodiscard]] bool stores_outside(PyCodeObject* code);

}  // namespace aiointerpreters::py
