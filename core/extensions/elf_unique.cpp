// See elf_unique.h.
#include "extensions/elf_unique.h"

#include <cstdint>

#include "extensions/elf_image.h"
#include "extensions/elf_symbols.h"

namespace aiointerpreters::extensions {

Edits edits_to_own_unique_symbols(std::span<const std::byte> file, const SymbolNames& shared) {
  const ElfImage image(file);
  const ElfSymbols symbols(image);
  Edits edits;
  for (std::size_t index = 0; index < symbols.count(); ++index) {
    elf::Symbol symbol = symbols.at(index);
    if (!is_unique(symbol) || shared.contains(image.string(symbol.name))) continue;
    symbol.info = static_cast<std::uint8_t>((elf::kGlobalBinding << elf::kBindingShift) | (symbol.info & elf::kTypeMask));
    edits.push_back(edit_to(symbols.offset_of(index) + offsetof(elf::Symbol, info), symbol.info));
  }
  return edits;
}

}  // namespace aiointerpreters::extensions
