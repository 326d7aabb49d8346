// Pages of a private copy that are the original's, byte for byte, and are never written to: its code and its constants. In
// memory they come from the original's file, so all interpreters have one of each,
// and so have the main one and other processes.
// Thread: any. Linux only.
#pragma once

#include "extensions/edit.h"
#include "extensions/elf_image.h"

namespace aiointerpreters::extensions {

// Maps them anew. `image` is the original's, whose file is open as `original`; `edits` are what the copy has instead. What
// cannot be mapped stays as it is. Requires: `handle` is of a copy that has just been loaded. Errors: as address_in.
void share_pages(void* handle, const ElfImage& image, int original, const Edits& edits);

}  // namespace aiointerpreters::extensions
