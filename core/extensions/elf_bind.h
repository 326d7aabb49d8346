// Functions of Python that a private copy shall not find in Python but here, made for the interpreter that it belongs to:
// those that mean the main interpreter without saying so (py/foreign_threads.h).
//
// How: the copy gets a piece of code for each of them, and a table in which it finds whom it shall call, and for whom. The
// symbol, which it had undefined, becomes one that it defines itself, at that code, and hidden: so the dynamic linker looks
// nowhere else for it, whatever kind of relocation asks, at once or lazily, in read-only places or others. There is nothing
// to be patched when it is loaded. No other object can find the symbol: hash tables do not know it. The table is filled when
// the object has been loaded, before its constructors run (elf_constructors.h);
// until then the functions only return a value.
// Thread: any.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "extensions/edit.h"
#include "extensions/elf_additions.h"
#include "extensions/elf_image.h"

namespace aiointerpreters::extensions {

// A function that takes the place of Python's of the same name. It has two arguments, of which Python's may have fewer, and
// a third one for what it shall know: who binds the copy gives it that.
struct BoundFunction {
  const char* name;
  void (*function)();
  std::int32_t unbound;  // what it returns as long as the table is empty
};

// The table, to be filled: what all of them get as their third argument, then the functions.
struct BindingTable {
  std::uint64_t address = 0;  // in the object; 0: it uses none of them, there is no table
  std::vector<void (*)()> functions;
};

// Whether this machine's code is known here. Elsewhere nothing is bound.
[[nodiscard]] bool can_bind() noexcept;

// What has to be written into a copy of the object, besides what is put into `additions`. Requires: can_bind(). Errors:
// ElfError, std::bad_alloc.
[[nodiscard]] Edits edits_to_bind(const ElfImage& image, std::span<const BoundFunction> functions, ElfAdditions& additions,
                                  BindingTable& table);

}  // namespace aiointerpreters::extensions
