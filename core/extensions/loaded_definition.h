// The definition of an extension module that has been loaded but refuses the interpreter, so that no module object leads
// to it. CPython marks definitions with their type when a module's init function returns them (PyModuleDef_Init).
#pragma once

#include <string>

#include "py/python.h"

namespace aiointerpreters::extensions {

// The definition of `module` in the data of the loaded file `path`. Null: it is not there, or it cannot be told from others.
// Its name and its slots are in that file too. Only memory of the file is read. Requires: attached.
[[nodiscard]] const PyModuleDef* find_loaded_definition(const std::string& module, const std::string& path) noexcept;

}  // namespace aiointerpreters::extensions
