// ElfAdditions: what a copy of a shared object has on top of the original: further segments at the end of the file, loaded
// behind all others, and a table of segments that knows them.
//
// It takes nothing away (patchers that reuse a PT_NOTE lose the build id), needs no spare room in the file, and holds any
// amount: there is no object that loads and cannot be added to, short of 2^16 segments.
// Nothing moves in the memory of what was there.
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

  // Adds a segment with these bytes and flags (elf::kReadable, ...). One that is only read comes first if there is one: it
  // holds the table too. Errors: ElfError if there is no room; std::logic_error if it would be one more than kMost.
  Place add(std::uint32_t flags, const std::string& bytes);
  // Where `add` would put a segment that is not the first.
  [[nodiscard]] Place next() const;
  // What has to be written into the file; nothing if nothing was added.
  [[nodiscard]] Edits edits() const;

  static constexpr std::size_t kMost = 3;  // one for the table, and names; one for data; one for code

 private:
  // Of the table with room for all.
  [[nodiscard]] std::uint64_t table_size() const noexcept {
    return (image_.segments().size() + kMost) * sizeof(elf::ProgramHeader);
  }
  [[nodiscard]] std::uint64_t end_in_memory() const;

  const ElfImage& image_;
  std::string content_;  // what comes behind the end of the file
  std::vector<elf::ProgramHeader> added_;
};

}  // namespace aiointerpreters::extensions
