// Other names for the libraries in a shared object: its own (DT_SONAME), those that it needs (DT_NEEDED), and those whose
// versions it needs (the vn_file of DT_VERNEED, which the dynamic linker compares with the other two). So a private copy of
// a library and the private copies of its users find each other, and nobody else.
//
// How: the strings that are there are never written to. The end of one may be the whole of another (linkers merge them), and
// a new name may be longer. Instead a copy of the string table with the new names behind it is added (elf_additions.h). It
// takes names of any length: there is no object that loads and cannot be renamed, short of 2^32 bytes of strings. Hash
// tables know symbols only, and no symbol's name changes. The section headers, of which the dynamic linker knows nothing,
// are told of the new table for those who read them (readelf, debuggers). The name that an object's version definitions have
// for the object itself is left; nothing is compared with it. An object without a SONAME is given none.
// Thread: any.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "extensions/edit.h"
#include "extensions/elf_additions.h"
#include "extensions/elf_image.h"

namespace aiointerpreters::extensions {

// Old name -> new name. A new name may be a path: what is needed by a name with a slash is loaded from there,
// without a search.
using LibraryNames = std::map<std::string, std::string, std::less<>>;

// What has to be written into a copy of the object, so that it has the new names, besides what is put into `additions`;
// nothing if it has none of the old ones. The object is not trusted. Errors: ElfError (elf_image.h), std::bad_alloc.
[[nodiscard]] Edits edits_to_rename(const ElfImage& image, const LibraryNames& names, ElfAdditions& additions);

}  // namespace aiointerpreters::extensions
