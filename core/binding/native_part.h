// Finding the native part of an object without its module, for finalizers: when an interpreter ends, an object may outlive
// the content of its module and of its type. Requires: attached.
#pragma once

#include "py/python.h"

namespace aiointerpreters::binding {

// The part that belongs to the type which introduced `finalize`. Requires: that type is the object's or a base of it.
inline void* native_part(PyObject* object, destructor finalize) noexcept {
  PyTypeObject* type = Py_TYPE(object);
  for (;;) {
    auto* const base = static_cast<PyTypeObject*>(PyType_GetSlot(type, Py_tp_base));
    const bool inherits = base != nullptr && PyType_HasFeature(base, Py_TPFLAGS_HEAPTYPE) &&
                          PyType_GetSlot(base, Py_tp_finalize) == reinterpret_cast<void*>(finalize);
    const bool introduces = !inherits && PyType_GetSlot(type, Py_tp_finalize) == reinterpret_cast<void*>(finalize);
    if (introduces) return PyObject_GetTypeData(object, type);
    type = base;
  }
}

}  // namespace aiointerpreters::binding
