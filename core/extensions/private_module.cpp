// See private_module.h.
#include "extensions/private_module.h"

#include "extensions/shared_object.h"
#include "py/compat.h"
#include "py/error.h"
#include "py/python.h"

namespace aiointerpreters::extensions {

namespace {

// The last part of a module's name, as it appears in the name of its initialization function (PEP 489): ASCII unchanged,
// other names in punycode.
std::string suffix_of(PyObject* name, bool& is_ascii) {
  const py::Ref dot = py::Ref::steal(PyUnicode_FromString("."));
  const py::Ref parts = dot ? py::Ref::steal(PyUnicode_RPartition(name, dot.get())) : py::Ref();
  if (!parts) return {};
  PyObject* const last = PyTuple_GET_ITEM(parts.get(), 2);
  is_ascii = PyUnicode_IS_ASCII(last) != 0;
  if (is_ascii) return PyUnicode_AsUTF8(last);
  const py::Ref encoded = py::Ref::steal(PyUnicode_AsEncodedString(last, "punycode", nullptr));
  std::string text = encoded ? PyBytes_AS_STRING(encoded.get()) : std::string();
  for (char& character : text) {
    if (character == '-') character = '_';
  }
  return text;
}

void* find(void* handle, const char* prefix, const char* prefix_of_others, const std::string& suffix, bool is_ascii) {
  return find_symbol(handle, (is_ascii ? prefix : prefix_of_others) + suffix);
}

py::Ref refuse(const py::Ref& name, const std::string& origin, const char* what) {
  const py::Ref path = py::Ref::steal(PyUnicode_DecodeFSDefault(origin.c_str()));
  const py::Ref message =
      path ? py::Ref::steal(PyUnicode_FromFormat("%U: %s (private copy of %U)", name.get(), what, path.get())) : py::Ref();
  if (message) PyErr_SetImportError(message.get(), name.get(), path.get());
  return {};
}

// A single-phase module is registered once, by its definition. Some modules do it themselves.
bool register_module(PyObject* module, const py::Ref& name, const std::string& origin) {
  PyModuleDef* const definition = PyModule_GetDef(module);
  if (definition == nullptr) return PyErr_Occurred() == nullptr;
  const py::Ref path = py::Ref::steal(PyUnicode_DecodeFSDefault(origin.c_str()));
  // Its definition has only the last part of the name.
  if (!path || PyObject_SetAttrString(module, "__name__", name.get()) < 0 ||
      PyObject_SetAttrString(module, "__file__", path.get()) < 0) {
    return false;
  }
  return PyState_FindModule(definition) != nullptr || PyState_AddModule(module, definition) == 0;
}

}  // namespace

MadeModule make_module(void* handle, const py::Ref& spec, const py::Ref& name, const std::string& origin) {
  bool is_ascii = true;
  const std::string suffix = suffix_of(name.get(), is_ascii);
  if (PyErr_Occurred() != nullptr) return {};
  if (void* const exported =
          py::kModulesExportSlots ? find(handle, "PyModExport_", "PyModExportU_", suffix, is_ascii) : nullptr) {
    py::Ref module = py::Ref::steal(py::make_module_of_slots(exported, spec.get()));
    if (module || PyErr_Occurred() != nullptr) return {std::move(module)};
    return {refuse(name, origin, "its initialization returned nothing")};
  }
  using Initialize = PyObject* (*)();
  void* const found = find(handle, "PyInit_", "PyInitU_", suffix, is_ascii);
  if (found == nullptr) {
    return {refuse(name, origin, ("dynamic module does not define module export function (PyInit_" + suffix + ")").c_str())};
  }
  PyObject* const returned = reinterpret_cast<Initialize>(found)();
  if (returned == nullptr) {
    if (PyErr_Occurred() != nullptr) return {};
    return {refuse(name, origin, "its initialization failed without an exception")};
  }
  const bool is_definition = PyObject_TypeCheck(returned, &PyModuleDef_Type) != 0;
  py::Ref made = is_definition ? py::Ref() : py::Ref::steal(returned);  // a definition is static, so nobody owns it
  if (PyErr_Occurred() != nullptr) {
    py::raise_from_current(PyExc_SystemError,
                           "the module's initialization raised an exception but did not report a failure");
    return {};
  }
  if (is_definition) return {py::Ref::steal(PyModule_FromDefAndSpec(reinterpret_cast<PyModuleDef*>(returned), spec.get()))};
  if (!PyModule_Check(made.get())) return {refuse(name, origin, "its initialization returned no module")};
  if (!register_module(made.get(), name, origin)) return {};
  return {std::move(made), true};
}

bool execute_module(PyObject* module) {
  if (!PyModule_Check(module)) return true;
  PyModuleDef* const definition = PyModule_GetDef(module);
  if (definition == nullptr) {
    if (PyErr_Occurred() != nullptr) return false;
    return py::execute_module_of_slots(module);
  }
  // CPython's own test for a module that has already been executed.
  if (PyModule_GetState(module) != nullptr) return true;
  return PyModule_ExecDef(module, definition) == 0;
}

}  // namespace aiointerpreters::extensions
