// See python_call.h.
#include "binding/python_call.h"

#include "binding/plain_attribute.h"

namespace aiointerpreters::binding {

PythonCall python_call(PyObject* callable) noexcept {
  if (PyFunction_Check(callable)) return {.function = py::Ref::borrow(callable)};
  if (PyMethod_Check(callable)) {
    PyObject* const function = PyMethod_GET_FUNCTION(callable);
    return PyFunction_Check(function)
               ? PythonCall{.function = py::Ref::borrow(function), .self = PyMethod_GET_SELF(callable)}
               : PythonCall();
  }
  if (!PyType_HasFeature(Py_TYPE(callable), Py_TPFLAGS_HEAPTYPE) || Py_TYPE(callable)->tp_call == nullptr) return {};
  const py::Ref name = py::Ref::steal(PyUnicode_InternFromString("__call__"));
  py::Ref function = name ? find_in_class(Py_TYPE(callable), name.get()) : py::Ref();
  PyErr_Clear();
  return function && PyFunction_Check(function.get()) ? PythonCall{.function = std::move(function), .self = callable}
                                                      : PythonCall();
}

}  // namespace aiointerpreters::binding
