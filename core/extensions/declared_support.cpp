// See declared_support.h.
#include "extensions/declared_support.h"

#include "extensions/python_symbols.h"

namespace aiointerpreters::extensions {

const char* declared_support(PyObject* module, const std::string& path) {
  const PyModuleDef* const definition = PyModule_GetDef(module);
  if (definition == nullptr) return PyErr_Clear(), nullptr;
  if (definition->m_slots == nullptr) {  // single-phase, or multi-phase with nothing to execute
    return definition->m_size < 0 || is_single_phase(path) ? "single-phase" : "undeclared";
  }
  for (const PyModuleDef_Slot* slot = definition->m_slots; slot->slot != 0; ++slot) {
    if (slot->slot != Py_mod_multiple_interpreters) continue;
    if (slot->value == Py_MOD_PER_INTERPRETER_GIL_SUPPORTED) return "own GIL";
    return slot->value == Py_MOD_MULTIPLE_INTERPRETERS_SUPPORTED ? "shared GIL" : "not supported";
  }
  return "undeclared";
}

}  // namespace aiointerpreters::extensions
