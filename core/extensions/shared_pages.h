// Maps pages of a private copy from the original's file: code and constants that are never written to and are equal in both
// files. So they are in memory once for the main interpreter, all workers and other processes.
// Thread: any. Linux only.
#pragma once

#include "extensions/edit.h"
#include "extensions/elf_image.h"

namespace aiointerpreters::extensions {

// Maps these pages again. `image` is the original's, `original` is its open file, and `edits` are those of the copy. If a
// page cannot be mapped, it stays as it is. Requires: the copy of `handle` has just been loaded. Errors: as address_in.
void share_pages(void* handle, const ElfImage& image, int original, const Edits& edits);

}  // namespace aiointerpreters::extensions
