// Replacements for functions of the C API that mean the main interpreter, or an interpreter that has ended. A private copy
// calls these instead (elf_bind.h). They do the same as CPython's functions, for the interpreter that the copy belongs to.
// Thread: any.
#pragma once

#include <span>

#include "extensions/elf_bind.h"
#include "py/foreign_threads.h"

namespace aiointerpreters::extensions {

// Each function gets that interpreter's py::ForeignThreads as its third argument.
[[nodiscard]] std::span<const BoundFunction> functions_for_copies() noexcept;

}  // namespace aiointerpreters::extensions
