// Turns the unique symbols of a private copy into ordinary ones.
//
// C++ compilers give static variables in templates and inline functions the binding STB_GNU_UNIQUE. In the whole process,
// glibc uses the first loaded symbol of each such name, even with RTLD_LOCAL. So all copies of a file would share such a
// variable, whatever their names are. It may hold objects of one interpreter (SWIG keeps its types there). An ordinary
// global symbol is first looked up in the object itself, like all other symbols of a copy.
//
// A symbol has to stay unique if a library that the object needs defines it too, because both may rely on sharing it.
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

// Names of symbols: for example ElfFile::unique_symbols of all libraries that an object needs, directly or not.
using SymbolNames = std::set<std::string, std::less<>>;

// The edits to a copy of `file`, a shared object, that turn its unique symbols into ordinary ones, except for names in
// `shared`. None if there are no such symbols. Can be combined with other edits of the same file (elf_rename.h). `file` is
// not trusted.
// Errors: ElfError (elf_image.h), std::bad_alloc.
[[nodiscard]] Edits edits_to_own_unique_symbols(std::span<const std::byte> file, const SymbolNames& shared);

}  // namespace aiointerpreters::extensions
