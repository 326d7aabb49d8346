// See class_identity.h.
#include "codec/class_identity.h"

namespace aiointerpreters::codec {

namespace {

// Calls a function of the module; None if the module is not loaded. Returns new.
py::Ref ask(const char* function, PyObject* argument) {
  py::Ref module;
  if (PyDict_GetItemStringRef(PyImport_GetModuleDict(), "aiointerpreters._by_value_rebuild", module.out()) < 0) return {};
  if (!module) return py::Ref::borrow(Py_None);
  return py::Ref::steal(PyObject_CallMethod(module.get(), function, "O", argument));
}

}  // namespace

py::Ref identity_of(PyTypeObject* type) {
  if (PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE) == 0) return py::Ref::borrow(Py_None);
  return ask("id_of", reinterpret_cast<PyObject*>(type));
}

bool derives_from_identified(PyTypeObject* type) {
  const py::Ref answer = ask("derives_from_identified", reinterpret_cast<PyObject*>(type));
  PyErr_Clear();
  return answer.get() == Py_True;
}

py::Ref find_identity(PyObject* identity) { return ask("find", identity); }

}  // namespace aiointerpreters::codec
