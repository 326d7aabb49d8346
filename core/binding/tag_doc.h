// The value of `interpreter.__doc__`: on the type it is the type's own text, on a tag it is the callable's. pydoc and
// others read it without `__getattribute__`.
// Requires: attached, for every function here.
#pragma once

#include "py/python.h"

namespace aiointerpreters::binding {

// Replaces the `__doc__` of the type of tags. Errors: false with an exception set.
[[nodiscard]] bool add_tag_doc(PyObject* tag_type);

}  // namespace aiointerpreters::binding
