// The unique symbols of a private copy, made its own.
//
// C++ compilers give what is static in templates and inline functions the binding STB_GNU_UNIQUE: of all that have one name,
// glibc uses the one that was loaded first, in the whole process, RTLD_LOCAL or not. So copies of one file, however they are
// called, share such a variable, and with it what it holds of one interpreter's (SWIG keeps its types there). As an ordinary
// global symbol it is looked for first in the object itself, as everything else that a copy offers.
//
// It has to stay unique if a library that the object needs has it too: the two may count on having the same one.
// Thread: any.
#pragma once

#include <cstddef>
#include <functional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "extensions/edit.h"

namespace aiointerpreters::extensions {

// Names of symbols, such as ElfFile::unique_symbols of all libraries that an object needs, and of those that they need.
using SymbolNames = std::set<std::string, std::less<>>;

// What has to be written into a copy of `file`, a shared object, so that its unique symbols are ordinary ones, except for
// those with a name in `shared`; nothing if there are none. Goes together with other edits of the same file (elf_rename.h).
// `file` is not trusted.
// Errors: ElfError (elf_image.h), std::bad_alloc.
[[nodiscard]] Edits edits_to_own_unique_symbols(std::span<const std::byte> file, const SymbolNames& shared);

}  // namespace aiointerpreters::extensions
