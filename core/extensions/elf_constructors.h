// The constructors of a private copy (C++'s, Rust's, DT_INIT). Our loader runs them, not the dynamic linker.
//
// Constructors may call functions of Python, and some of these are bound to the copy's interpreter (elf_bind.h). Their
// table can be filled only when the copy is in memory, and must be filled before the first constructor runs. So the copy
// tells the dynamic linker that it has no constructors.
// Thread: any.
#pragma once

#include <cstdint>

#include "extensions/edit.h"
#include "extensions/elf_image.h"

namespace aiointerpreters::extensions {

// The addresses of the constructors in the object. 0: it has none of that kind.
struct Constructors {
  std::uint64_t first = 0;  // a function, which runs first
  std::uint64_t array = 0;  // of pointers to functions, which run after it
  std::uint64_t count = 0;
};

// The edits to a copy of the object after which loading it runs no constructors; none if it has no constructors.
// Errors: std::bad_alloc.
[[nodiscard]] Edits edits_to_defer_constructors(const ElfImage& image, Constructors& constructors);

}  // namespace aiointerpreters::extensions
