// See error.h.
#include "py/error.h"

namespace aiointerpreters::py {

std::string take_error_text() {
  const Ref error = take_exception();
  if (!error) return "no reason is known";
  const Ref said = Ref::steal(PyObject_Str(error.get()));
  const char* const text = said ? PyUnicode_AsUTF8(said.get()) : nullptr;
  std::string result =
      std::string(Py_TYPE(error.get())->tp_name) + (text != nullptr ? ": " : "") + (text != nullptr ? text : "");
  PyErr_Clear();
  return result;
}

void raise_from_current(PyObject* type, const char* text) {
  if (PyErr_ExceptionMatches(PyExc_MemoryError) != 0) return;
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
