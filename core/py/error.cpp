// See error.h.
#include "py/error.h"

namespace aiointerpreters::py {

void raise_from_current(PyObject* type, const char* text) {
  Ref cause = take_exception();
  Ref said = cause ? Ref::steal(PyObject_Str(cause.get())) : Ref();
  PyErr_Clear();
  if (said) {
    PyErr_Format(type, "%s: %s: %U", text, Py_TYPE(cause.get())->tp_name, said.get());
  } else {
    PyErr_SetString(type, text);
  }
  Ref raised = take_exception();
  if (cause) PyException_SetCause(raised.get(), cause.release());
  restore_exception(std::move(raised));
}

}  // namespace aiointerpreters::py
