// Modules of the standard library that refuse interpreters with a GIL of their own, and how workers get them.
//
// It depends on what such a module shares with other interpreters. Some share nothing but do not declare it. Some have
// static memory, so a private copy is enough. Some act on the whole process. Functions that act on the whole process are
// replaced by Python functions that raise an error when they are called (src/aiointerpreters/_standard). Modules for
// CPython's own tests stay refused.
// Thread: any. Requires: attached to a worker's interpreter, for functions that take or return Python objects.
#pragma once

#include <string_view>

#include "py/ref.h"

namespace aiointerpreters::extensions {

struct StandardModule {
  enum class Way : unsigned char {
    kUnchecked,    // its own code is used, and CPython's check is off
    kPrivateCopy,  // a private copy is used; if it is built into Python, it is imported as usual
    kReplaced,     // its own code is not used
  };
  std::string_view name;
  Way way;
  const char* replacements;      // the module with functions that replace its own; null: none
  bool opens_libraries = false;  // it opens libraries, and some of them have to be private (ctypes_libraries.h)
};

// Null: the module is imported as usual, and refused if CPython refuses it.
[[nodiscard]] const StandardModule* find_standard_module(std::string_view name) noexcept;

// An empty module, in place of one whose own code is not used. Errors: null with an exception set.
[[nodiscard]] py::Ref make_replaced_module(const py::Ref& name);

// Adds the replacements to a module that has just been created. Runs Python. Errors: false with an exception set.
[[nodiscard]] bool replace_functions(const StandardModule& standard, const py::Ref& module);

}  // namespace aiointerpreters::extensions
