// ElfImage: a shared object in a file, as the dynamic linker will see it, and nothing of it believed: whatever lies behind
// the end of the file or of a segment is an error. It goes by the program headers and the dynamic section alone, because a
// file may have been stripped of its section headers. Borrows the file's bytes, which must not change meanwhile.
// Thread: any; one that is made is never changed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "extensions/elf_format.h"

namespace aiointerpreters::extensions {

// Why a file is not a shared object that this process could load. The text goes behind the file's name: "is not an ELF
// file", "is for another architecture (AArch64)", "is truncated: ...", "is corrupt: ...".
class ElfError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class ElfImage {
 public:
  using Bytes = std::span<const std::byte>;

  // Errors: ElfError if this is no shared object for the running process, or its segments are not all in the file.
  explicit ElfImage(Bytes file);

  [[nodiscard]] Bytes file() const noexcept { return file_; }
  [[nodiscard]] const elf::FileHeader& header() const noexcept { return header_; }
  [[nodiscard]] const std::vector<elf::ProgramHeader>& segments() const noexcept { return segments_; }

  // The dynamic section without the entry that ends it, and where it begins in the file.
  [[nodiscard]] const std::vector<elf::DynamicEntry>& dynamic() const noexcept { return dynamic_; }
  [[nodiscard]] std::size_t dynamic_offset() const noexcept { return dynamic_offset_; }
  // The value of a tag of the dynamic section: of the last one if there are several, as the dynamic linker has it.
  [[nodiscard]] std::optional<std::uint64_t> dynamic_value(std::uint64_t tag) const noexcept;
  // Where in the file an entry of the dynamic section is.
  [[nodiscard]] std::size_t offset_of_dynamic(std::size_t index) const noexcept {
    return dynamic_offset_ + (index * sizeof(elf::DynamicEntry));
  }

  // Where in the file an address of the object is. Errors: ElfError if it is in none of what is loaded from the file.
  [[nodiscard]] std::size_t offset_of(std::uint64_t address) const { return to_segment_end(address).offset; }
  // `size` bytes at an address; all that follow it in its segment. Errors: ElfError, as above.
  [[nodiscard]] Bytes at(std::uint64_t address, std::uint64_t size) const;
  [[nodiscard]] Bytes from(std::uint64_t address) const;

  // The string table, and the string in it that begins at `offset`. Errors: ElfError if it is not in there, or has no end.
  [[nodiscard]] std::string_view strings() const noexcept { return strings_; }
  [[nodiscard]] std::string_view string(std::uint64_t offset) const;
  // The table from there on, for who wants to see how a string begins.
  [[nodiscard]] std::string_view from_string(std::uint64_t offset) const;

 private:
  struct Range {
    std::size_t offset;
    std::size_t size;
  };
  [[nodiscard]] Range to_segment_end(std::uint64_t address) const;
  void read_segments();
  [[nodiscard]] bool is_in_writable_segment(const elf::ProgramHeader& part) const noexcept;
  void read_dynamic();

  Bytes file_;
  elf::FileHeader header_{};
  std::vector<elf::ProgramHeader> segments_;
  std::vector<elf::DynamicEntry> dynamic_;
  std::size_t dynamic_offset_ = 0;
  std::string_view strings_;
};

// The `index`th of the `Plain`s that `bytes` are. Errors: ElfError if it is not within them.
template <typename Plain>
[[nodiscard]] Plain element(ElfImage::Bytes bytes, std::size_t index) {
  if (index >= bytes.size() / sizeof(Plain))
    throw ElfError("is corrupt: one of its tables extends beyond the end of its segment");
  Plain value;
  std::memcpy(&value, bytes.data() + (index * sizeof(Plain)), sizeof value);
  return value;
}

}  // namespace aiointerpreters::extensions
