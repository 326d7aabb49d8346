// See exception_type.h.
#include "codec/exception_type.h"

#include <cstring>
#include <string_view>

namespace aiointerpreters::codec {

namespace {

PyTypeObject* base_at(PyTypeObject* type, Py_ssize_t i) {
  return reinterpret_cast<PyTypeObject*>(PyTuple_GET_ITEM(type->tp_mro, i));
}

bool is_heap_type(const PyTypeObject* type) { return (type->tp_flags & Py_TPFLAGS_HEAPTYPE) != 0; }

bool is_built_in(const PyTypeObject* type) { return !is_heap_type(type) && std::strchr(type->tp_name, '.') == nullptr; }

// What the class itself, not a base, has by this name.
py::Ref own_entry(PyTypeObject* type, const char* name) {
  const py::Ref dict = py::Ref::steal(PyType_GetDict(type));
  py::Ref entry;
  if (dict) (void)PyDict_GetItemStringRef(dict.get(), name, entry.out());
  PyErr_Clear();
  return entry;
}

bool is_special_name(PyObject* name) {
  const char* const utf8 = PyUnicode_CheckExact(name) ? PyUnicode_AsUTF8(name) : nullptr;
  if (utf8 == nullptr) {
    PyErr_Clear();
    return true;
  }
  return std::string_view(utf8).starts_with("__");  // names of private slots are mangled
}

bool is_field(PyTypeObject* owner, PyObject* name, PyObject* entry) {
  if (owner == reinterpret_cast<PyTypeObject*>(PyExc_BaseException) || is_special_name(name)) return false;
  if (Py_IS_TYPE(entry, &PyGetSetDescr_Type)) return is_built_in(owner);
  if (!Py_IS_TYPE(entry, &PyMemberDescr_Type)) return false;
  if ((reinterpret_cast<PyMemberDescrObject*>(entry)->d_member->flags & Py_READONLY) != 0) return false;
  // It may be anything; CPython leaves it out of pickles, too (gh-103352).
  const bool is_obj =
      owner == reinterpret_cast<PyTypeObject*>(PyExc_AttributeError) && PyUnicode_EqualToUTF8(name, "obj") != 0;
  return !is_obj;
}

bool read_fields_of(PyTypeObject* owner, PyObject* exception, PyObject* fields) {
  const py::Ref dict = py::Ref::steal(PyType_GetDict(owner));
  if (!dict) return false;
  PyObject* name;
  PyObject* entry;
  Py_ssize_t position = 0;
  // No Python code runs meanwhile: names are str, fields are read by C.
  while (PyDict_Next(dict.get(), &position, &name, &entry) != 0) {
    if (!is_field(owner, name, entry) || PyDict_Contains(fields, name) != 0) continue;
    const py::Ref value =
        py::Ref::steal(Py_TYPE(entry)->tp_descr_get(entry, exception, reinterpret_cast<PyObject*>(Py_TYPE(exception))));
    if (!value) {
      PyErr_Clear();  // it is not set
    } else if ((value.get() != Py_None || is_heap_type(owner)) && PyDict_SetItem(fields, name, value.get()) < 0) {
      return false;
    }
  }
  return true;
}

}  // namespace

bool rebuilds_itself(PyTypeObject* type) {
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(type->tp_mro); ++i) {
    PyTypeObject* const base = base_at(type, i);
    if (is_built_in(base)) continue;
    if (own_entry(base, "__reduce__") || own_entry(base, "__reduce_ex__")) return true;
    const py::Ref make = own_entry(base, "__new__");
    const py::Ref init = own_entry(base, "__init__");
    if (make && PyCFunction_Check(make.get())) return true;
    if (init && Py_IS_TYPE(init.get(), &PyWrapperDescr_Type)) return true;
  }
  return false;
}

py::Ref read_fields(PyObject* exception) {
  py::Ref fields = py::Ref::steal(PyDict_New());
  PyTypeObject* const type = Py_TYPE(exception);
  for (Py_ssize_t i = 0; fields && i < PyTuple_GET_SIZE(type->tp_mro); ++i) {
    if (!read_fields_of(base_at(type, i), exception, fields.get())) fields.reset();
  }
  return fields;
}

bool write_field(PyObject* exception, PyObject* name, PyObject* value) {
  PyTypeObject* const type = Py_TYPE(exception);
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(type->tp_mro); ++i) {
    const py::Ref dict = py::Ref::steal(PyType_GetDict(base_at(type, i)));
    const py::Ref entry = dict ? py::Ref::borrow(PyDict_GetItemWithError(dict.get(), name)) : py::Ref();
    if (entry && is_field(base_at(type, i), name, entry.get())) {
      return Py_TYPE(entry.get())->tp_descr_set(entry.get(), exception, value) == 0;
    }
  }
  return PyObject_GenericSetAttr(exception, name, value) == 0;
}

py::Ref make_without_init(PyTypeObject* type) {
  // CPython itself refuses a __new__ that is not that of the base which lays the instance out.
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(type->tp_mro); ++i) {
    PyTypeObject* const base = base_at(type, i);
    const py::Ref make = own_entry(base, "__new__");
    // The one that CPython has put there is bound to the class; a class body may put any builtin under that name.
    if (!make || !PyCFunction_Check(make.get()) || PyCFunction_GetSelf(make.get()) != reinterpret_cast<PyObject*>(base))
      continue;
    py::Ref exception = py::Ref::steal(PyObject_CallOneArg(make.get(), reinterpret_cast<PyObject*>(type)));
    if (exception && Py_IS_TYPE(exception.get(), type)) return exception;
    PyErr_Clear();
  }
  return {};
}

}  // namespace aiointerpreters::codec
