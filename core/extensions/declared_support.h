// What the definition of an extension module declares about interpreters. Only data is read; no code of the module runs.
// Requires: attached to the interpreter that has imported the module.
#pragma once

#include <string>

#include "py/python.h"

namespace aiointerpreters::extensions {

// One of these words. Null: the module has no definition that can be read (PEP 793).
//   "single-phase"   it uses single-phase initialization, so it cannot declare anything
//   "undeclared"     it declares nothing
//   "not supported"  it declares that it supports no other interpreters than the main one
//   "shared GIL"     it supports only interpreters that share the main interpreter's GIL
//   "own GIL"        it supports interpreters with their own GIL
// `path` is the module's file. Errors: std::bad_alloc.
[[nodiscard]] const char* declared_support(PyObject* module, const std::string& path);

}  // namespace aiointerpreters::extensions
