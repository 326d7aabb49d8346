// ElfSymbols: the dynamic symbols of a shared object, defined and undefined ones. Borrows its image.
// Thread: any; it is never changed.
#pragma once

#include <cstddef>

#include "extensions/elf_format.h"
#include "extensions/elf_image.h"

namespace aiointerpreters::extensions {

class ElfSymbols {
 public:
  // Errors: ElfError if there is no symbol table, or if it is not completely in the file.
  explicit ElfSymbols(const ElfImage& image);

  // The first one is a placeholder: undefined, without a name.
  [[nodiscard]] std::size_t count() const noexcept { return table_.size() / sizeof(elf::Symbol); }
  [[nodiscard]] elf::Symbol at(std::size_t index) const { return element<elf::Symbol>(table_, index); }
  // The position of a symbol in the file.
  [[nodiscard]] std::size_t offset_of(std::size_t index) const noexcept { return offset_ + (index * sizeof(elf::Symbol)); }

 private:
  std::size_t offset_;
  ElfImage::Bytes table_;
};

// Whether the object defines it as a unique symbol (elf_unique.h).
[[nodiscard]] constexpr bool is_unique(const elf::Symbol& symbol) noexcept {
  return symbol.section != elf::kUndefined && symbol.info >> elf::kBindingShift == elf::kUniqueBinding;
}

}  // namespace aiointerpreters::extensions
