// The value of `interpreter.__doc__`: the type's own text for the type, the callable's text for a tag. pydoc and others read
// it without `__getattribute__`.
// Requires: attached, for every function here.
#pragma once

#include "py/python.h"

namespace aiointerpreters::binding {

// Replaces the `__doc__` of the type of tags. Errors: false with an exception set.
[[nodiscard]] bool add_tag_doc(PyObject* tag_type);

}  // namespace aiointerpreters::binding
