// The error for every message that is not well-formed.
#pragma once

#include "py/python.h"

namespace aiointerpreters::codec {

// Returns false with ValueError set. Requires: attached.
inline bool corrupt_message() {
  PyErr_SetString(PyExc_ValueError, "corrupt message");
  return false;
}

}  // namespace aiointerpreters::codec
