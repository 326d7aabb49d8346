// See code.h. CMakeLists.txt compiles this file alone, because the header of opcodes defines hundreds of macros.
#include "py/code.h"

#include <marshal.h>
#include <opcode.h>

namespace aiointerpreters::py {

namespace {

// Whether an instruction uses a name of the globals, and the index of that name.
bool uses_global(unsigned opcode, unsigned argument, unsigned& index) {
  switch (opcode) {
    case LOAD_GLOBAL:
      index = argument >> 1;  // the lowest bit says whether it is called (since 3.11)
      return true;
    case STORE_GLOBAL:
    case DELETE_GLOBAL:
    case LOAD_NAME:  // in the body of a class
    case LOAD_FROM_DICT_OR_GLOBALS:
      index = argument;
      return true;
    default:
      return false;
  }
}

}  // namespace

Ref marshal_code(PyObject* code) { return Ref::steal(PyMarshal_WriteObjectToString(code, Py_MARSHAL_VERSION)); }

Ref unmarshal_code(const char* data, std::size_t size) {
  Ref code = Ref::steal(PyMarshal_ReadObjectFromString(data, static_cast<Py_ssize_t>(size)));
  if (code && !PyCode_Check(code.get())) {
    PyErr_SetString(PyExc_ValueError, "corrupt message");
    return {};
  }
  return code;
}

bool add_global_names(PyCodeObject* code, std::vector<Ref>& names) {
  const Ref text = Ref::steal(PyCode_GetCode(code));
  if (!text) return false;
  const auto* const bytes = reinterpret_cast<const unsigned char*>(PyBytes_AS_STRING(text.get()));
  const Py_ssize_t size = PyBytes_GET_SIZE(text.get());
  unsigned extended = 0;
  for (Py_ssize_t at = 0; at + 1 < size; at += 2) {  // an instruction has two bytes; inline caches are zero
    const unsigned argument = extended << 8 | bytes[at + 1];
    extended = bytes[at] == EXTENDED_ARG ? argument : 0;
    unsigned index = 0;
    if (uses_global(bytes[at], argument, index) && index < static_cast<std::size_t>(PyTuple_GET_SIZE(code->co_names))) {
      names.push_back(Ref::borrow(PyTuple_GET_ITEM(code->co_names, index)));
    }
  }
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(code->co_consts); ++i) {
    PyObject* const constant = PyTuple_GET_ITEM(code->co_consts, i);
    if (PyCode_Check(constant) && !add_global_names(reinterpret_cast<PyCodeObject*>(constant), names)) return false;
  }
  return true;
}

}  // namespace aiointerpreters::py
