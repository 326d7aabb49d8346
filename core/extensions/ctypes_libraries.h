// Libraries that are opened through ctypes: those of which each interpreter has its own are private there too, as where an
// extension module needs them (private_library.h). All others are opened as ever.
// Requires: attached to a worker's interpreter. Runs Python.
#pragma once

#include "extensions/private_library.h"
#include "py/ref.h"

namespace aiointerpreters::extensions {

// Has `_ctypes`, a module that has just been made, open them so. `owner` lives as long as the interpreter's modules. Errors:
// false with an exception set.
[[nodiscard]] bool open_libraries_privately(const py::Ref& ctypes, CopyOwner& owner);

}  // namespace aiointerpreters::extensions
