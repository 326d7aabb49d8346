// Libraries that are opened through ctypes. If an extension module would get a private copy of a library, so does ctypes
// (private_library.h). All other libraries are opened as usual.
// Requires: attached to a worker's interpreter. Runs Python.
#pragma once

#include "extensions/private_library.h"
#include "py/ref.h"

namespace aiointerpreters::extensions {

// Makes `_ctypes`, a module that has just been created, open libraries in this way. `owner` lives as long as the
// interpreter's modules. Errors: false with an exception set.
[[nodiscard]] bool open_libraries_privately(const py::Ref& ctypes, CopyOwner& owner);

}  // namespace aiointerpreters::extensions
