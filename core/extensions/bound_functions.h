// The functions of the C API that a private copy has from here (elf_bind.h), because CPython's mean the main interpreter, or
// the one that is no more. They do what CPython's do, for the interpreter that the copy belongs to.
// Thread: any.
#pragma once

#include <span>

#include "extensions/elf_bind.h"
#include "py/foreign_threads.h"

namespace aiointerpreters::extensions {

// Their third argument is that interpreter's py::ForeignThreads.
[[nodiscard]] std::span<const BoundFunction> functions_for_copies() noexcept;

}  // namespace aiointerpreters::extensions
