// Objects that a slice may not contain in the native format. Both sides of the codec have to agree on them.
#pragma once

#include "py/python.h"

namespace aiointerpreters::codec {

// Whether an object of an exact built-in type may have parts of its own. Requires: attached.
[[nodiscard]] inline bool has_parts(PyObject* object) {
  return PyTuple_Check(object) || PyList_Check(object) || PyDict_Check(object) || PyAnySet_Check(object) ||
         PySlice_Check(object) || PyRange_Check(object);
}

}  // namespace aiointerpreters::codec
