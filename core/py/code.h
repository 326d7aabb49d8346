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

}  // namespace aiointerpreters::py
