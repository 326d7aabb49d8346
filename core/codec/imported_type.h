// Types of packages, looked up without importing the packages.
// Requires: attached. No Python runs, unless sys.modules has been replaced.
#pragma once

#include <utility>

#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::codec {

// A type of a module, if the module has been imported in this interpreter and already defines it; otherwise null, without
// an exception. `module_name` caches the module's name, interned. Returns new.
[[nodiscard]] inline py::Ref imported_type(py::Ref& module_name, const char* module, const char* name) {
  if (!module_name) module_name = py::Ref::steal(PyUnicode_InternFromString(module));
  const py::Ref found = module_name ? py::Ref::steal(PyImport_GetModule(module_name.get())) : py::Ref();
  PyErr_Clear();
  if (!found || !PyModule_Check(found.get())) return {};
  py::Ref type;
  if (PyDict_GetItemStringRef(PyModule_GetDict(found.get()), name, type.out()) < 0) PyErr_Clear();
  return type && PyType_Check(type.get()) ? std::move(type) : py::Ref();
}

}  // namespace aiointerpreters::codec
