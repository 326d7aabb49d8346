// Binds a private copy: replaces functions of Python's C API that silently mean the main interpreter
// (py/foreign_threads.h). The copy calls functions of ours instead, and these know the interpreter that the copy belongs
// to.
//
// The copy gets a short piece of code for each such function, and a table with the address of our function and its
// argument. The symbol was undefined in the original. In the copy it is defined as that piece of code, and hidden. So the
// dynamic linker looks for it nowhere else, for every kind of relocation, for lazy and immediate binding, and in read-only
// data. Nothing is patched when the copy is loaded. No other object can find the symbol, because it is not in the hash
// tables. The table is filled after the object has been loaded and before its constructors run (elf_constructors.h). Until
// then the functions only return a value.
// Thread: any.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "extensions/edit.h"
#include "extensions/elf_additions.h"
#include "extensions/elf_image.h"

namespace aiointerpreters::extensions {

// A function that replaces Python's function of the same name. Its third argument is the pointer that was put into the
// copy's table. Python's function has at most two arguments.
struct BoundFunction {
  const char* name;
  void (*function)();
  std::int32_t unbound;  // returned while the table is empty
};

// The table to be filled: first the third argument of all functions, then the functions.
struct BindingTable {
  std::uint64_t address = 0;  // in the object; 0: it uses none of these functions and has no table
  std::vector<void (*)()> functions;
};

// Whether there is code for this kind of machine. Otherwise nothing is bound.
[[nodiscard]] bool can_bind() noexcept;

// The edits to a copy of the object. More content goes into `additions`. Requires: can_bind(). Errors: ElfError,
// std::bad_alloc.
[[nodiscard]] Edits edits_to_bind(const ElfImage& image, std::span<const BoundFunction> functions, ElfAdditions& additions,
                                  BindingTable& table);

}  // namespace aiointerpreters::extensions
