// functools.partial, recognized by the name of its type, so that functools need not be imported.
// Requires: attached.
#pragma once

#include <cstring>

#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::py {

// Objects of derived classes do not count.
[[nodiscard]] inline bool is_partial(PyObject* object) noexcept {
  return std::strcmp(Py_TYPE(object)->tp_name, "functools.partial") == 0;
}

// The object inside nested partials, at any depth. Returns new; null for a partial that contains itself. Leaves no exception
// set.
[[nodiscard]] inline Ref inside_partials(PyObject* callable) {
  constexpr int kMaxDepth = 1000;
  Ref inside = Ref::borrow(callable);
  for (int depth = 0; inside && is_partial(inside.get()); ++depth) {
    inside = depth < kMaxDepth ? Ref::steal(PyObject_GetAttrString(inside.get(), "func")) : Ref();
  }
  PyErr_Clear();
  return inside;
}

}  // namespace aiointerpreters::py
