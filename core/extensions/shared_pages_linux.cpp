// See shared_pages.h.
#include "extensions/shared_pages.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "extensions/shared_object.h"

namespace aiointerpreters::extensions {

namespace {

// Whether the segment is read-only, comes completely from the file, and contains no edits.
bool is_the_originals(const elf::ProgramHeader& segment, const Edits& edits) {
  if (segment.type != elf::kLoad || (segment.flags & elf::kWritable) != 0) return false;
  if (segment.in_file == 0 || segment.in_file != segment.in_memory) return false;
  return std::ranges::none_of(edits, [&segment](const Edit& edit) {
    return edit.offset < segment.offset + segment.in_file && segment.offset < edit.offset + edit.bytes.size();
  });
}

// Whether the object has relocations in read-only segments. The dynamic linker has then written to them.
bool is_relocated_in_place(const ElfImage& image) {
  return image.dynamic_value(elf::kTextRelocations).has_value() ||
         (image.dynamic_value(elf::kFlags).value_or(0) & elf::kHasTextRelocations) != 0;
}

int protection_of(const elf::ProgramHeader& segment) {
  return ((segment.flags & elf::kReadable) != 0 ? PROT_READ : 0) | ((segment.flags & elf::kRunnable) != 0 ? PROT_EXEC : 0);
}

}  // namespace

void share_pages(void* handle, const ElfImage& image, int original, const Edits& edits) {
  if (is_relocated_in_place(image)) return;
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  for (const elf::ProgramHeader& segment : image.segments()) {
    if (!is_the_originals(segment, edits)) continue;
    const std::uint64_t in_front = segment.address % page;
    if (segment.offset % page != in_front) continue;
    std::byte* const begin = address_in(handle, segment.address - in_front);
    // Replaces one mapping by another with the same content, in one step. So code may run there meanwhile.
    static_cast<void>(::mmap(begin, in_front + segment.in_file, protection_of(segment), MAP_PRIVATE | MAP_FIXED, original,
                             static_cast<off_t>(segment.offset - in_front)));
  }
}

}  // namespace aiointerpreters::extensions
