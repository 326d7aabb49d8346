// functools.partial, told by the name of its type, so that nobody has to import functools for it.
// Requires: attached.
#pragma once

#include <cstring>

#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::py {

// One of a class derived from it counts as any other callable.
[[nodiscard]] inline bool is_partial(PyObject* object) noexcept {
  return std::strcmp(Py_TYPE(object)->tp_name, "functools.partial") == 0;
}

// What is inside of partials, at any depth. Returns new; null for one that holds itself. Leaves no exception set.
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
