// See by_value.h.
#include "codec/by_value.h"

#include "codec/not_transferable.h"
#include "codec/pickle_fallback.h"

namespace aiointerpreters::codec {

Pickle pickle_by_value(PyObject* value) {
  py::Ref by_value = py::Ref::steal(PyImport_ImportModule("aiointerpreters._by_value"));
  py::Ref dumps = by_value ? py::Ref::steal(PyObject_GetAttrString(by_value.get(), "dumps")) : py::Ref();
  py::Ref dumped = dumps ? py::Ref::steal(PyObject_CallOneArg(dumps.get(), value)) : py::Ref();
  PyObject* bytes = nullptr;  // borrowed
  int needs_main = 0;
  if (!dumped || !PyArg_ParseTuple(dumped.get(), "O!p", &PyBytes_Type, &bytes, &needs_main)) return {};
  return {py::Ref::borrow(bytes), needs_main != 0};
}

bool pickle_callable(Runtime& runtime, PyObject* callable, Message& out) {
  if (fill_message(
          PyFunction_Check(callable) ? pickle_by_value(callable) : pickle(runtime, callable, !Retry::active(runtime)), out))
    return true;
  explain_value(runtime, callable, "function");
  return false;
}

}  // namespace aiointerpreters::codec
