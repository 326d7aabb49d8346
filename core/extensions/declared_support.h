// How extension modules stand to interpreters with their own GIL: the one list of possibilities, and its words. What a
// module's definition declares is read as data; no code of the module runs.
#pragma once

#include <string>

#include "py/python.h"

namespace aiointerpreters::extensions {

enum class Support : unsigned char {
  kUnknown,       // it has no definition that can be read (PEP 793)
  kSinglePhase,   // it cannot declare anything, because it uses single-phase initialization
  kUndeclared,    // it declares nothing
  kNotSupported,  // it declares that it supports only the main interpreter
  kSharedGil,     // it supports only interpreters that share the main interpreter's GIL
  kOwnGil,        // it supports interpreters with their own GIL
  kOwnCheck,      // whatever it declares: it refuses by itself
};

// Why such a module refuses interpreters with their own GIL, as a clause: "it does not declare ...". Thread: any.
[[nodiscard]] const char* reason_text(Support support) noexcept;

// What the definition declares. `path` is the module's file. Errors: std::bad_alloc.
[[nodiscard]] Support declared_support(const PyModuleDef& definition, const std::string& path);

// The same for an imported module. Requires: attached to the interpreter that has imported it. Errors: std::bad_alloc.
[[nodiscard]] Support declared_support(PyObject* module, const std::string& path);

// The same for a module that has refused, so that there is no module object. Its file has been loaded. Requires: attached.
// Errors: std::bad_alloc.
[[nodiscard]] Support declared_support_of_refused(const std::string& module, const std::string& path);

}  // namespace aiointerpreters::extensions
