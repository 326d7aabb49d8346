// The code that a frame runs. Requires: attached to its interpreter. Runs Python. Errors: none.
#pragma once

#include <string>

#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::py {

// The name of the module that the code belongs to; empty if it has none.
inline std::string module_of(PyObject* frame) {
  const Ref names = Ref::steal(PyFrame_GetGlobals(reinterpret_cast<PyFrameObject*>(frame)));
  PyObject* const name = names ? PyDict_GetItemString(names.get(), "__name__") : nullptr;  // borrowed
  const char* const text = name != nullptr && PyUnicode_Check(name) ? PyUnicode_AsUTF8(name) : nullptr;
  PyErr_Clear();
  return text != nullptr ? text : "";
}

// An attribute of its code object; null if it has no such attribute.
inline Ref code_attribute(PyObject* frame, const char* attribute) {
  const Ref code = Ref::steal(reinterpret_cast<PyObject*>(PyFrame_GetCode(reinterpret_cast<PyFrameObject*>(frame))));
  Ref value = Ref::steal(PyObject_GetAttrString(code.get(), attribute));
  PyErr_Clear();
  return value;
}

}  // namespace aiointerpreters::py
