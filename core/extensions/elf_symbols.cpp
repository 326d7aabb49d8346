// See elf_symbols.h. The formats: System V ABI, "Dynamic Linking". DT_GNU_HASH has no specification; this follows GNU's
// linker and glibc.
#include "extensions/elf_symbols.h"

#include <algorithm>
#include <cstdint>

namespace aiointerpreters::extensions {

namespace {

using Bytes = ElfImage::Bytes;

// The number of symbols up to the last one in DT_GNU_HASH; 0 if it contains none. The symbols are sorted by bucket, and the
// last one of each bucket is marked. So the highest bucket leads to the last symbol.
std::size_t symbols_in_gnu_hash(Bytes table) {
  const auto header = element<elf::GnuHashHeader>(table, 0);
  const std::uint64_t bloom_size = header.bloom_words * std::uint64_t{8};
  const std::uint64_t buckets_size = header.bucket_count * std::uint64_t{4};
  if (table.size() - sizeof header < bloom_size + buckets_size) throw ElfError("is corrupt: its hash table is incomplete");
  const Bytes buckets = table.subspan(sizeof header + bloom_size, buckets_size);
  const Bytes chain = table.subspan(sizeof header + bloom_size + buckets_size);

  std::uint32_t last = 0;
  for (std::size_t bucket = 0; bucket < header.bucket_count; ++bucket)
    last = std::max(last, element<std::uint32_t>(buckets, bucket));
  if (last == 0) return 0;
  if (last < header.first_symbol) throw ElfError("is corrupt: its hash table is invalid");
  while ((element<std::uint32_t>(chain, last - header.first_symbol) & 1) == 0) ++last;
  return std::size_t{last} + 1;
}

// The number of symbols up to the last one that a table of relocations names.
std::size_t symbols_in_relocations(const ElfImage& image, std::uint64_t table_tag, std::uint64_t size_tag) {
  const auto address = image.dynamic_value(table_tag);
  const std::uint64_t size = image.dynamic_value(size_tag).value_or(0);
  if (!address || size == 0) return 0;
  const Bytes table = image.at(*address, size);
  std::size_t count = 0;
  for (std::size_t index = 0; index < table.size() / sizeof(elf::Relocation); ++index) {
    count = std::max(count, std::size_t{element<elf::Relocation>(table, index).symbol} + 1);
  }
  return count;
}

// The number of symbols. The format does not state it. DT_HASH has one link for each symbol. DT_GNU_HASH ends with the last
// defined symbol, and undefined symbols come before the first defined one. If no symbol is defined, or there is no hash
// table, the relocations tell: the dynamic linker looks only at symbols that they name.
std::size_t count_of_symbols(const ElfImage& image) {
  if (const auto hash = image.dynamic_value(elf::kHash)) return element<elf::HashHeader>(image.from(*hash), 0).symbol_count;
  if (const auto hash = image.dynamic_value(elf::kGnuHash)) {
    if (const std::size_t count = symbols_in_gnu_hash(image.from(*hash)); count != 0) return count;
  }
  return std::max(symbols_in_relocations(image, elf::kRelocations, elf::kRelocationsSize),
                  symbols_in_relocations(image, elf::kPltRelocations, elf::kPltRelocationsSize));
}

std::uint64_t address_of_symbols(const ElfImage& image) {
  const auto address = image.dynamic_value(elf::kSymbols);
  if (!address) throw ElfError("is corrupt: it has no symbol table");
  return *address;
}

}  // namespace

ElfSymbols::ElfSymbols(const ElfImage& image)
    : offset_(image.offset_of(address_of_symbols(image))),
      table_(image.at(address_of_symbols(image), count_of_symbols(image) * std::uint64_t{sizeof(elf::Symbol)})) {}

}  // namespace aiointerpreters::extensions
