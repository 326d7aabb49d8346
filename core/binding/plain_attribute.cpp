// See plain_attribute.h.
#include "binding/plain_attribute.h"

#include "binding/tag_type.h"

namespace aiointerpreters::binding {

namespace {

// Whether the `__get__` of a member of a class runs no code of others.
bool is_plain_member(const ModuleState& state, PyObject* member) {
  if (is_tag(state, member)) member = tagged_callable(member);  // its `__get__` is that of its callable
  return Py_TYPE(member)->tp_descr_get == nullptr || PyFunction_Check(member) || PyMethod_Check(member) ||
         Py_IS_TYPE(member, &PyMemberDescr_Type) || Py_IS_TYPE(member, &PyStaticMethod_Type) ||
         Py_IS_TYPE(member, &PyClassMethod_Type);
}

bool is_dunder(PyObject* name) {
  return PyUnicode_GET_LENGTH(name) > 2 && PyUnicode_READ_CHAR(name, 0) == '_' && PyUnicode_READ_CHAR(name, 1) == '_';
}

}  // namespace

py::Ref find_in_class(PyTypeObject* type, PyObject* name) {
  PyObject* const bases = type->tp_mro;
  for (Py_ssize_t i = 0; bases != nullptr && i < PyTuple_GET_SIZE(bases); ++i) {
    const py::Ref members = py::Ref::steal(PyType_GetDict(reinterpret_cast<PyTypeObject*>(PyTuple_GET_ITEM(bases, i))));
    PyObject* const found = members ? PyDict_GetItemWithError(members.get(), name) : nullptr;
    if (found != nullptr) return py::Ref::borrow(found);
    if (PyErr_Occurred() != nullptr) return {};
  }
  return {};
}

py::Ref plain_attribute(const ModuleState& state, PyObject* owner, PyObject* name) {
  if (PyModule_CheckExact(owner)) return py::Ref::borrow(PyDict_GetItemWithError(PyModule_GetDict(owner), name));
  const bool is_class = Py_IS_TYPE(owner, &PyType_Type);
  if (is_dunder(name) || (!is_class && Py_TYPE(owner)->tp_getattro != PyObject_GenericGetAttr)) return {};
  const py::Ref member = find_in_class(is_class ? reinterpret_cast<PyTypeObject*>(owner) : Py_TYPE(owner), name);
  if (member ? !is_plain_member(state, member.get()) : is_class || PyErr_Occurred() != nullptr) return {};
  return py::Ref::steal(PyObject_GetAttr(owner, name));
}

}  // namespace aiointerpreters::binding
