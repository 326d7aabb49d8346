// ElfImage: a shared object in a file, as the dynamic linker will see it. Nothing in the file is trusted: an address beyond
// the end of the file or of its segment is an error. Only the program headers and the dynamic section are used, because
// section headers may have been stripped. Borrows the file's bytes, which must not change meanwhile.
// Thread: any; it is never changed.
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

// The reason why this process cannot load a file as a shared object. The text is to be put after the file's name: "is not
// an ELF file", "is for another architecture (AArch64)", "is truncated: ...", "is corrupt: ...".
class ElfError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class ElfImage {
 public:
  using Bytes = std::span<const std::byte>;

  // Errors: ElfError if this is not a shared object for the running process, or if a segment is not completely in the file.
  explicit ElfImage(Bytes file);

  [[nodiscard]] Bytes file() const noexcept { return file_; }
  [[nodiscard]] const elf::FileHeader& header() const noexcept { return header_; }
  [[nodiscard]] const std::vector<elf::ProgramHeader>& segments() const noexcept { return segments_; }

  // The dynamic section without its last entry (DT_NULL), and its position in the file.
  [[nodiscard]] const std::vector<elf::DynamicEntry>& dynamic() const noexcept { return dynamic_; }
  [[nodiscard]] std::size_t dynamic_offset() const noexcept { return dynamic_offset_; }
  // The value of a tag of the dynamic section. If there are several, the last one, as for the dynamic linker.
  [[nodiscard]] std::optional<std::uint64_t> dynamic_value(std::uint64_t tag) const noexcept;
  // The position of an entry of the dynamic section in the file.
  [[nodiscard]] std::size_t offset_of_dynamic(std::size_t index) const noexcept {
    return dynamic_offset_ + (index * sizeof(elf::DynamicEntry));
  }

  // The position in the file of an address of the object. Errors: ElfError if no segment loads it from the file.
  [[nodiscard]] std::size_t offset_of(std::uint64_t address) const { return to_segment_end(address).offset; }
  // `size` bytes at an address; all bytes from an address to the end of its segment. Errors: ElfError, as above.
  [[nodiscard]] Bytes at(std::uint64_t address, std::uint64_t size) const;
  [[nodiscard]] Bytes from(std::uint64_t address) const;

  // The string table, and the string at `offset` in it. Errors: ElfError if it is outside of the table or not terminated.
  [[nodiscard]] std::string_view strings() const noexcept { return strings_; }
  [[nodiscard]] std::string_view string(std::uint64_t offset) const;
  // The table from `offset` on, to look at the beginning of a string.
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

// Element number `index` of an array of `Plain` in `bytes`. Errors: ElfError if it is not inside.
template <typename Plain>
[[nodiscard]] Plain element(ElfImage::Bytes bytes, std::size_t index) {
  if (index >= bytes.size() / sizeof(Plain))
    throw ElfError("is corrupt: one of its tables extends beyond the end of its segment");
  Plain value;
  std::memcpy(&value, bytes.data() + (index * sizeof(Plain)), sizeof value);
  return value;
}

}  // namespace aiointerpreters::extensions
