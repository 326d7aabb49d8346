// See declared_support.h.
#include "extensions/declared_support.h"

#include "extensions/loaded_definition.h"
#include "extensions/python_symbols.h"

namespace aiointerpreters::extensions {

const char* reason_text(Support support) noexcept {
  switch (support) {
    case Support::kSinglePhase:
      return "it uses single-phase initialization, so it cannot declare support for interpreters with their own GIL";
    case Support::kNotSupported:
      return "it declares that it does not support interpreters";
    case Support::kSharedGil:
      return "it supports only interpreters that share one GIL";
    case Support::kOwnCheck:
      return "it refuses by itself";
    case Support::kUnknown:
    case Support::kUndeclared:
    case Support::kOwnGil:
      break;
  }
  return "it does not declare support for interpreters with their own GIL";
}

Support declared_support(const PyModuleDef& definition, const std::string& path) {
  if (definition.m_slots == nullptr) {  // single-phase, or multi-phase with nothing to execute
    return definition.m_size < 0 || is_single_phase(path) ? Support::kSinglePhase : Support::kUndeclared;
  }
  for (const PyModuleDef_Slot* slot = definition.m_slots; slot->slot != 0; ++slot) {
    if (slot->slot != Py_mod_multiple_interpreters) continue;
    if (slot->value == Py_MOD_PER_INTERPRETER_GIL_SUPPORTED) return Support::kOwnGil;
    return slot->value == Py_MOD_MULTIPLE_INTERPRETERS_SUPPORTED ? Support::kSharedGil : Support::kNotSupported;
  }
  return Support::kUndeclared;
}

Support declared_support(PyObject* module, const std::string& path) {
  const PyModuleDef* const definition = PyModule_GetDef(module);
  if (definition != nullptr) return declared_support(*definition, path);
  PyErr_Clear();
  return Support::kUnknown;
}

Support declared_support_of_refused(const std::string& module, const std::string& path) {
  if (is_single_phase(path)) return Support::kSinglePhase;
  const PyModuleDef* const definition = find_loaded_definition(module, path);
  const Support support = definition != nullptr ? declared_support(*definition, path) : Support::kUnknown;
  return support != Support::kOwnGil ? support : Support::kUnknown;  // then it is the definition of another module
}

}  // namespace aiointerpreters::extensions
