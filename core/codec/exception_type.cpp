// See exception_type.h.
#include "codec/exception_type.h"

#include <array>
#include <cstring>
#include <string_view>
#include <utility>

namespace aiointerpreters::codec {

namespace {

PyTypeObject* base_at(PyTypeObject* type, Py_ssize_t i) {
  return reinterpret_cast<PyTypeObject*>(PyTuple_GET_ITEM(type->tp_mro, i));
}

bool is_heap_type(const PyTypeObject* type) { return (type->tp_flags & Py_TPFLAGS_HEAPTYPE) != 0; }

bool is_built_in(const PyTypeObject* type) { return !is_heap_type(type) && std::strchr(type->tp_name, '.') == nullptr; }

// The entry of this name in the class itself, without its bases.
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
  // `obj` may be any object. CPython leaves it out of pickles too (gh-103352).
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
  // No Python code runs meanwhile: names are str, and C code reads the fields.
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

// Whether printing this value gives the same text at home as here.
bool is_plain_value(PyObject* value) {
  if (PyTuple_CheckExact(value)) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(value); ++i) {
      PyObject* const item = PyTuple_GET_ITEM(value, i);
      if (PyTuple_CheckExact(item) || !is_plain_value(item)) return false;
    }
    return true;
  }
  return value == Py_None || PyUnicode_CheckExact(value) || PyLong_CheckExact(value) || PyBool_Check(value);
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
  // The instance has no data beyond that of every exception.
  if (type->tp_basicsize == static_cast<Py_ssize_t>(sizeof(PyBaseExceptionObject))) return fields;
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
  // CPython itself refuses every __new__ except that of the base that determines the memory layout.
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(type->tp_mro); ++i) {
    PyTypeObject* const base = base_at(type, i);
    const py::Ref make = own_entry(base, "__new__");
    // A __new__ that CPython has created is bound to its class. A class body may assign any builtin to that name.
    if (!make || !PyCFunction_Check(make.get()) || PyCFunction_GetSelf(make.get()) != reinterpret_cast<PyObject*>(base))
      continue;
    py::Ref exception = py::Ref::steal(PyObject_CallOneArg(make.get(), reinterpret_cast<PyObject*>(type)));
    if (exception && Py_IS_TYPE(exception.get(), type)) return exception;
    PyErr_Clear();
  }
  return {};
}

py::Ref members_of(PyObject* group) {
  const py::Ref descriptor = py::Ref::steal(PyObject_GetAttrString(PyExc_BaseExceptionGroup, "exceptions"));
  const descrgetfunc get = descriptor ? Py_TYPE(descriptor.get())->tp_descr_get : nullptr;
  py::Ref members =
      get == nullptr ? py::Ref() : py::Ref::steal(get(descriptor.get(), group, reinterpret_cast<PyObject*>(Py_TYPE(group))));
  PyErr_Clear();
  return members && PyTuple_Check(members.get()) ? std::move(members) : py::Ref::steal(PyTuple_New(0));
}

bool intern_exception_names(Runtime& runtime) {
  Runtime::Names& names = runtime.names;
  if (names.dict) return true;  // it is filled last
  const auto intern = [](py::Ref& name, const char* text) {
    name = py::Ref::steal(PyUnicode_InternFromString(text));
    return static_cast<bool>(name);
  };
  return intern(names.cause, "__cause__") && intern(names.context, "__context__") &&
         intern(names.suppress_context, "__suppress_context__") && intern(names.traceback, "__traceback__") &&
         intern(names.notes, "__notes__") && intern(names.exceptions, "exceptions") && intern(names.name, "name") &&
         intern(names.name_from, "name_from") && intern(names.dict, "__dict__");
}

py::Ref read_syntax(PyObject* exception) {
  if (PyObject_TypeCheck(exception, reinterpret_cast<PyTypeObject*>(PyExc_SyntaxError)) == 0)
    return py::Ref::borrow(Py_None);
  constexpr std::array kFields = {"filename", "lineno", "end_lineno", "text", "offset", "end_offset", "msg"};
  py::Ref fields = py::Ref::steal(PyTuple_New(kFields.size() + 1));
  if (!fields) return {};
  Py_ssize_t at = 0;
  const auto add = [&](PyObject* value) {
    if (value == nullptr || !is_plain_value(value)) return Py_XDECREF(value), false;
    PyTuple_SET_ITEM(fields.get(), at++, value);
    return true;
  };
  for (const char* const name : kFields) {
    if (!add(PyObject_GetAttrString(exception, name))) return {};
  }
  py::Ref metadata;  // exists since 3.14
  if (PyObject_GetOptionalAttrString(exception, "_metadata", metadata.out()) < 0) return {};
  return add(metadata ? metadata.release() : Py_NewRef(Py_None)) ? std::move(fields) : py::Ref();
}

}  // namespace aiointerpreters::codec
