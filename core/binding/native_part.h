// Finds the native part of an object without its module, for finalizers and deallocation. When an interpreter ends, an
// object may outlive the content of its module and type. Requires: attached.
#pragma once

#include "py/python.h"

namespace aiointerpreters::binding {

// The part that belongs to the type that introduced `function` in `slot`, for example native_part(object,
// &PyTypeObject::tp_dealloc, dealloc). Requires: that type is the object's type or a base of it.
inline void* native_part(PyObject* object, destructor PyTypeObject::* slot, destructor function) noexcept {
  PyTypeObject* type = Py_TYPE(object);
  for (;;) {
    PyTypeObject* const base = type->tp_base;
    const bool introduces = type->*slot == function && (base == nullptr || base->*slot != function);
    if (introduces) return PyObject_GetTypeData(object, type);
    type = base;
  }
}

}  // namespace aiointerpreters::binding
