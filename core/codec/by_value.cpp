// See by_value.h.
#include "codec/by_value.h"

#include "codec/not_transferable.h"
#include "codec/pickle_fallback.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

bool pickle_by_value(PyObject* value, Message& out) {
  py::Ref cloudpickle = py::Ref::steal(PyImport_ImportModule("cloudpickle"));
  if (!cloudpickle) return false;
  py::Ref bytes = py::Ref::steal(PyObject_CallMethod(cloudpickle.get(), "dumps", "Oi", value, 5));
  char* data = nullptr;
  Py_ssize_t size = 0;
  if (!bytes || PyBytes_AsStringAndSize(bytes.get(), &data, &size) < 0) return false;
  out.clear();
  out.bytes.append(data, static_cast<std::size_t>(size));
  out.form = Message::Form::kPickled;
  return true;
}

bool pickle_callable(Runtime& runtime, PyObject* callable, Message& out) {
  const bool pickled = PyFunction_Check(callable) ? pickle_by_value(callable, out) : pickle_message(runtime, callable, out);
  if (!pickled) explain_value(runtime, callable, "function");
  return pickled;
}

}  // namespace aiointerpreters::codec
