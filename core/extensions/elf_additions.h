// ElfAdditions: the segments that a copy of a shared object has in addition to the original's. They are at the end of the
// file and are loaded behind all others. A new table of segments lists them too.
//
// Nothing is removed (patchers that reuse a PT_NOTE lose the build id), no free space in the file is needed, and additions
// may have any size. Every object that can be loaded can get additions, up to 2^16 segments. The original segments stay at
// their addresses.
// Thread: one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "extensions/edit.h"
#include "extensions/elf_format.h"
#include "extensions/elf_image.h"

namespace aiointerpreters::extensions {

class ElfAdditions {
 public:
  struct Place {
    std::uint64_t address;
    std::uint64_t offset;  // in the file
  };

  // Borrows the image.
  explicit ElfAdditions(const ElfImage& image) noexcept : image_(image) {}

  // Adds a segment with these bytes and flags (elf::kReadable, ...). If there is a segment that is only read, add it first:
  // it also holds the table. Errors: ElfError if there is no room; std::logic_error if there are more than kMost segments.
  Place add(std::uint32_t flags, const std::string& bytes);
  // The place at which `add` would put the next segment, if that is not the first.
  [[nodiscard]] Place next() const;
  // The edits to the file; none if nothing was added.
  [[nodiscard]] Edits edits() const;

  static constexpr std::size_t kMost = 3;  // one for the table and names, one for data, one for code

 private:
  // The size of the table if all segments are added.
  [[nodiscard]] std::uint64_t table_size() const noexcept {
    return (image_.segments().size() + kMost) * sizeof(elf::ProgramHeader);
  }
  [[nodiscard]] std::uint64_t end_in_memory() const;

  const ElfImage& image_;
  std::string content_;  // the bytes to append to the file
  std::vector<elf::ProgramHeader> added_;
};

}  // namespace aiointerpreters::extensions
