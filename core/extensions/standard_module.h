// Modules of the standard library that refuse interpreters with a GIL of their own,
// and how a worker's interpreter comes by them.
//
// What they share with other interpreters decides how: some have nothing to share and do not say so, some have static memory
// that a private copy has for itself, some belong to the process from top to bottom. Functions that act on the whole process
// are replaced by others in Python, which say so when they are called (src/aiointerpreters/_standard). Modules for CPython's
// own tests stay refused.
// Thread: any; Requires: attached to a worker's interpreter, where Python's objects are taken or returned.
#pragma once

#include <string_view>

#include "py/ref.h"

namespace aiointerpreters::extensions {

struct StandardModule {
  enum class Way : unsigned char {
    kUnchecked,    // its own code serves, once nobody checks
    kPrivateCopy,  // a copy of its own code serves; if it is built into Python, there is none, and it is imported as ever
    kReplaced,     // its own code does not serve
  };
  std::string_view name;
  Way way;
  const char* replacements;      // the module with the functions that it has instead of its own; null: it keeps all
  bool opens_libraries = false;  // of which some have to be private (ctypes_libraries.h)
};

// Null: it is imported as ever, which refuses it if it is refused.
[[nodiscard]] const StandardModule* find_standard_module(std::string_view name) noexcept;

// An empty module, for one whose own code does not serve. Errors: null with an exception set.
[[nodiscard]] py::Ref make_replaced_module(const py::Ref& name);

// Gives a module that has just been made its replacements. Runs Python. Errors: false with an exception set.
[[nodiscard]] bool replace_functions(const StandardModule& standard, const py::Ref& module);

}  // namespace aiointerpreters::extensions
