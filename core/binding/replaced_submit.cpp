// See replaced_submit.h.
#include "binding/replaced_submit.h"

#include "codec/class_facts.h"

namespace aiointerpreters::binding {

namespace {

// Whether it is the standard library's own function with its original code. Some tools replace only the code.
bool is_plain(const StandardSubmit& known, PyObject* submit) {
  if (!PyFunction_Check(submit) || PyFunction_GetGlobals(submit) != known.globals.get()) return false;
  const py::Ref names = py::Ref::steal(PyObject_GetAttrString(PyFunction_GetCode(submit), "co_names"));
  const py::Ref name = names ? py::Ref::steal(PyUnicode_FromString("_adjust_thread_count")) : py::Ref();
  return name && PySequence_Contains(names.get(), name.get()) == 1;
}

// Whether the class has the engine's `submit`.
bool is_of_engine(const StandardSubmit& known, PyTypeObject* type, PyCFunction engines) {
  PyObject* const found = codec::find_in_class(type, known.name.get());
  return found != nullptr && Py_IS_TYPE(found, &PyMethodDescr_Type) && type->tp_getattro == PyObject_GenericGetAttr &&
         reinterpret_cast<PyMethodDescrObject*>(found)->d_method->ml_meth == engines;
}

}  // namespace

bool find_standard_submit(PyObject* standard, StandardSubmit& found) {
  const py::Ref module = py::Ref::steal(PyImport_ImportModule("concurrent.futures.thread"));
  if (!module) return false;
  found.attributes = py::Ref::steal(PyType_GetDict(reinterpret_cast<PyTypeObject*>(standard)));
  found.globals = py::Ref::borrow(PyModule_GetDict(module.get()));
  found.name = py::Ref::steal(PyUnicode_InternFromString("submit"));
  return found.attributes && found.globals && found.name;
}

bool is_submit_replaced(StandardSubmit& submit) {
  if (!submit.attributes) return false;  // no executor has been initialized here
  PyObject* const now = PyDict_GetItemWithError(submit.attributes.get(), submit.name.get());  // borrowed
  if (now == nullptr) return PyErr_Clear(), false;
  if (now == submit.plain.get() && PyFunction_GetCode(now) == submit.plain_code.get()) return false;
  if (!is_plain(submit, now)) return PyErr_Clear(), true;
  submit.plain = py::Ref::borrow(now);
  submit.plain_code = py::Ref::borrow(PyFunction_GetCode(now));
  return false;
}

bool has_own_submit(StandardSubmit& submit, PyObject* executor, PyCFunction engines) {
  if (!submit.name) return false;
  PyTypeObject* const type = Py_TYPE(executor);
  if (submit.own_version == 0 || type->tp_version_tag != submit.own_version) {
    if (!is_of_engine(submit, type, engines)) return true;
    submit.own_version = codec::version_of(type);
  }
  const py::Ref attributes = py::Ref::steal(PyObject_GenericGetDict(executor, nullptr));
  if (!attributes) return PyErr_Clear(), false;
  return PyDict_Contains(attributes.get(), submit.name.get()) == 1;
}

}  // namespace aiointerpreters::binding
