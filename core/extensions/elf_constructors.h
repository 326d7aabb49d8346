// The constructors of a private copy (C++'s, Rust's, DT_INIT): run by who loads it, not by the dynamic linker.
//
// They may already use Python's functions, and some of those a copy has from here (elf_bind.h): whose table can only be
// filled when the copy is in memory, and has to be before the first constructor runs.
// So the dynamic linker is told that there are none.
// Thread: any.
#pragma once

#include <cstdint>

#include "extensions/edit.h"
#include "extensions/elf_image.h"

namespace aiointerpreters::extensions {

// Where an object has them, as addresses in it; 0: it has none of that kind.
struct Constructors {
  std::uint64_t first = 0;  // a function
  std::uint64_t array = 0;  // of pointers to functions, which run after it
  std::uint64_t count = 0;
};

// What has to be written into a copy of the object, so that loading it runs none of them; nothing if it has none.
// Errors: std::bad_alloc.
[[nodiscard]] Edits edits_to_defer_constructors(const ElfImage& image, Constructors& constructors);

}  // namespace aiointerpreters::extensions
