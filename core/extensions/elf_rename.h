// Other names for the libraries in a shared object: its own (DT_SONAME), those that it needs (DT_NEEDED), and those whose
// versions it needs (the vn_file of DT_VERNEED, which the dynamic linker compares with the other two). So a private copy of
// a library and the private copies of its users find each other, and nobody else.
//
// How: the strings that are there are never written to. The end of one may be the whole of another (linkers merge them), and
// a new name may be longer. Instead a segment is added at the end of the file, with all that has to be in one piece and
// needs more room: a copy of the string table with the new names behind it, and the table of segments with one more line,
// that of this segment. It takes nothing away (patchers that reuse a PT_NOTE lose the build id), needs no spare room in the
// file, and takes names of any length: there is no object that loads and cannot be renamed, short of 2^32 bytes of strings
// or 2^16 segments. Nothing moves in the memory of what was there. Hash tables know symbols only, and no symbol's name
// changes. The section headers, of which the dynamic linker knows nothing, are told of the new table for those who read them
// (readelf, debuggers). The name that an object's version definitions have for the object itself is left; nothing is compared
// with it. An object without a SONAME is given none.
// Thread: any.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "extensions/edit.h"

namespace aiointerpreters::extensions {

// Old name -> new name. A new name may be a path: what is needed by a name with a slash is loaded from there, without a search.
using LibraryNames = std::map<std::string, std::string, std::less<>>;

// What has to be written into a copy of `file`, a shared object, so that it has the new names; nothing if it has none of the
// old ones. `file` is not trusted.
// Errors: ElfError (elf_image.h), std::bad_alloc.
[[nodiscard]] Edits edits_to_rename(std::span<const std::byte> file, const LibraryNames& names);

}  // namespace aiointerpreters::extensions
