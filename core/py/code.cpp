// See code.h. CMakeLists.txt compiles this file alone, because the header of opcodes defines hundreds of macros.
#include "py/code.h"

#include <marshal.h>
#include <opcode.h>

#include <algorithm>
#include <array>

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

// Calls `visit(opcode, argument, next opcode)` for each instruction of the code, until it returns false. False if it did,
// or with an exception set.
template <typename Visit>
bool visit_instructions(PyCodeObject* code, Visit&& visit) {
  const Ref text = Ref::steal(PyCode_GetCode(code));
  if (!text) return false;
  const auto* const bytes = reinterpret_cast<const unsigned char*>(PyBytes_AS_STRING(text.get()));
  const Py_ssize_t size = PyBytes_GET_SIZE(text.get());
  unsigned extended = 0;
  for (Py_ssize_t at = 0; at + 1 < size; at += 2) {  // an instruction has two bytes; inline caches are zero
    const unsigned argument = extended << 8 | bytes[at + 1];
    extended = bytes[at] == EXTENDED_ARG ? argument : 0;
    if (!visit(bytes[at], argument, at + 3 < size ? bytes[at + 2] : 0U)) return false;
  }
  return true;
}

// What leads from code to the functions that run it, or to their globals.
constexpr std::array kWaysBack = {"globals",   "vars",         "exec",        "eval",
                                  "_getframe", "currentframe", "get_objects", "get_referrers"};

bool names_way_back(PyCodeObject* code) {
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(code->co_names); ++i) {
    PyObject* const name = PyTuple_GET_ITEM(code->co_names, i);
    const auto is_it = [name](const char* way) { return PyUnicode_EqualToUTF8(name, way) != 0; };
    if (std::ranges::any_of(kWaysBack, is_it)) return true;
  }
  return false;
}

// `around`: a list of the variables of the code around it that outlive a call of it; null: all do.
bool stores(PyCodeObject* code, PyObject* around) {
  const Ref free = Ref::steal(PyCode_GetFreevars(code));
  const Ref outside = Ref::steal(PyList_New(0));
  if (!free || !outside || names_way_back(code)) return true;
  const Py_ssize_t captured = PyTuple_GET_SIZE(free.get());
  for (Py_ssize_t i = 0; i < captured; ++i) {
    PyObject* const name = PyTuple_GET_ITEM(free.get(), i);
    const bool is_outside = around == nullptr || PySequence_Contains(around, name) != 0;
    if (PyList_Append(outside.get(), is_outside ? name : Py_None) < 0) return true;
  }
  const auto first_free = static_cast<Py_ssize_t>(code->co_nlocalsplus) - captured;
  const bool stores_nothing = visit_instructions(code, [&](unsigned opcode, unsigned argument, unsigned) {
    const Py_ssize_t at = static_cast<Py_ssize_t>(argument) - first_free;
    switch (opcode) {
      case STORE_GLOBAL:
      case DELETE_GLOBAL:
      case STORE_ATTR:
      case DELETE_ATTR:
        return false;
      case STORE_DEREF:
      case DELETE_DEREF:
        return at < 0 || at >= captured || PyList_GET_ITEM(outside.get(), at) == Py_None;
      default:
        return true;
    }
  });
  if (!stores_nothing) return true;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(code->co_consts); ++i) {
    PyObject* const constant = PyTuple_GET_ITEM(code->co_consts, i);
    if (PyCode_Check(constant) && stores(reinterpret_cast<PyCodeObject*>(constant), outside.get())) return true;
  }
  return false;
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
  const bool is_read = visit_instructions(code, [&](unsigned opcode, unsigned argument, unsigned) {
    unsigned index = 0;
    if (uses_global(opcode, argument, index) && index < static_cast<std::size_t>(PyTuple_GET_SIZE(code->co_names))) {
      names.push_back(Ref::borrow(PyTuple_GET_ITEM(code->co_names, index)));
    }
    return true;
  });
  if (!is_read) return false;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(code->co_consts); ++i) {
    PyObject* const constant = PyTuple_GET_ITEM(code->co_consts, i);
    if (PyCode_Check(constant) && !add_global_names(reinterpret_cast<PyCodeObject*>(constant), names)) return false;
  }
  return true;
}

bool add_names_not_only_called(PyCodeObject* code, std::vector<Ref>& names) {
  const Ref free = Ref::steal(PyCode_GetFreevars(code));
  if (!free) return false;
  const auto first_free = static_cast<Py_ssize_t>(code->co_nlocalsplus) - PyTuple_GET_SIZE(free.get());
  const auto add = [&names](PyObject* from, Py_ssize_t index) {
    if (index >= 0 && index < PyTuple_GET_SIZE(from)) names.push_back(Ref::borrow(PyTuple_GET_ITEM(from, index)));
  };
  const bool is_read = visit_instructions(code, [&](unsigned opcode, unsigned argument, unsigned next) {
    switch (opcode) {
      case LOAD_GLOBAL:
        if ((argument & 1) == 0) add(code->co_names, argument >> 1);
        break;
      case LOAD_NAME:
      case LOAD_FROM_DICT_OR_GLOBALS:
        add(code->co_names, argument);
        break;
      case LOAD_DEREF:
        if (next != PUSH_NULL) add(free.get(), static_cast<Py_ssize_t>(argument) - first_free);
        break;
      case LOAD_FROM_DICT_OR_DEREF:
        add(free.get(), static_cast<Py_ssize_t>(argument) - first_free);
        break;
      default:
        break;
    }
    return true;
  });
  if (!is_read) return false;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(code->co_consts); ++i) {
    PyObject* const constant = PyTuple_GET_ITEM(code->co_consts, i);
    if (PyCode_Check(constant) && !add_names_not_only_called(reinterpret_cast<PyCodeObject*>(constant), names)) return false;
  }
  return true;
}

bool stores_outside(PyCodeObject* code) {
  const bool found = stores(code, nullptr);
  PyErr_Clear();
  return found;
}

}  // namespace aiointerpreters::py
