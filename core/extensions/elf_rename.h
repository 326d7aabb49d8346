// Renames libraries in a shared object: its own name (DT_SONAME), the libraries that it needs (DT_NEEDED), and the
// libraries whose versions it needs (vn_file of DT_VERNEED; the dynamic linker compares it with the other two). So a
// private copy of a library and the private copies of its users find each other, and nothing else.
//
// Existing strings are not changed in place: the end of one string may also be another string (linkers merge them), and a
// new name may be longer. Instead, a copy of the string table with the new names at its end is added (elf_additions.h).
// Names may have any length. Every object that can be loaded can be renamed, up to 2^32 bytes of strings. No symbol's name
// changes, so hash tables stay valid. The dynamic linker ignores section headers, but readelf and debuggers read them, so
// they are changed to the new table. An object's version definitions also contain its own name. It stays as it is, because
// nothing compares it. An object without a SONAME does not get one.
// Thread: any.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "extensions/edit.h"
#include "extensions/elf_additions.h"
#include "extensions/elf_image.h"

namespace aiointerpreters::extensions {

// Old name -> new name. A new name may be a path. The dynamic linker opens a needed name that contains a slash without a
// search.
using LibraryNames = std::map<std::string, std::string, std::less<>>;

// The edits to a copy of the object that give it the new names; none if it has none of the old ones. More content goes into
// `additions`. The object is not trusted. Errors: ElfError (elf_image.h), std::bad_alloc.
[[nodiscard]] Edits edits_to_rename(const ElfImage& image, const LibraryNames& names, ElfAdditions& additions);

}  // namespace aiointerpreters::extensions
