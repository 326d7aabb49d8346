// See elf_file.h. The formats: System V ABI, "Dynamic Linking"; for DT_GNU_HASH, which has no document, what GNU's linker writes and
// glibc reads.
#include "extensions/elf_file.h"

#include <algorithm>
#include <cstring>
#include <initializer_list>
#include <string_view>

#include "extensions/elf_image.h"

namespace aiointerpreters::extensions {

namespace {

using Bytes = ElfImage::Bytes;

// How many symbols those are that DT_GNU_HASH knows, and those before them; 0 if it knows none. They are sorted by bucket, and the last
// one of each bucket is marked: so the last of all is found from the highest bucket.
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
  if (last < header.first_symbol) throw ElfError("is corrupt: its hash table makes no sense");
  while ((element<std::uint32_t>(chain, last - header.first_symbol) & 1) == 0) ++last;
  return std::size_t{last} + 1;
}

// How many symbols there are up to the last one that a table of relocations names.
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

// How many symbols there are: the format does not say it. DT_HASH has a link for each. DT_GNU_HASH ends with the last one that is
// defined, and the undefined ones come before the first that is. If none is defined, it says nothing of the others, as if there were no
// hash table: then what relocations name is all that the dynamic linker will ever look at.
std::size_t count_of_symbols(const ElfImage& image) {
  if (const auto hash = image.dynamic_value(elf::kHash)) return element<elf::HashHeader>(image.from(*hash), 0).symbol_count;
  if (const auto hash = image.dynamic_value(elf::kGnuHash)) {
    if (const std::size_t count = symbols_in_gnu_hash(image.from(*hash)); count != 0) return count;
  }
  return std::max(symbols_in_relocations(image, elf::kRelocations, elf::kRelocationsSize),
                  symbols_in_relocations(image, elf::kPltRelocations, elf::kPltRelocationsSize));
}

bool begins_with_one_of(std::string_view name, std::initializer_list<std::string_view> beginnings) {
  return std::any_of(beginnings.begin(), beginnings.end(),
                     [name](std::string_view beginning) { return name.starts_with(beginning); });
}

void sort_and_unite(std::vector<std::string>& names) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
}

void read_symbols(const ElfImage& image, ElfFile& to) {
  const auto address = image.dynamic_value(elf::kSymbols);
  if (!address) throw ElfError("is corrupt: it has no symbol table");
  const std::size_t count = count_of_symbols(image);
  const Bytes table = image.at(*address, count * std::uint64_t{sizeof(elf::Symbol)});
  for (std::size_t index = 1; index < count; ++index) {  // the first one is a placeholder
    const auto symbol = element<elf::Symbol>(table, index);
    if (symbol.name >= image.strings().size()) throw ElfError("is corrupt: the name of a symbol is not in its string table");
    const std::string_view begin = image.strings().substr(symbol.name);
    if (symbol.section == elf::kUndefined) {
      if (begins_with_one_of(begin, {"Py", "_Py"})) to.python_symbols.emplace_back(image.string(symbol.name));
      continue;
    }
    if (begins_with_one_of(begin, {"PyInit_", "PyInitU_", "PyModExport_", "PyModExportU_"})) {
      to.initializers.emplace_back(image.string(symbol.name));
    }
    if (symbol.info >> 4 == elf::kUniqueBinding) to.unique_symbols.emplace_back(image.string(symbol.name));
  }
  sort_and_unite(to.python_symbols);
  sort_and_unite(to.initializers);
  sort_and_unite(to.unique_symbols);
}

// The folders in a search path, of which one may be empty.
std::vector<std::string> folders_in(std::string_view path) {
  std::vector<std::string> folders;
  for (;;) {
    const std::size_t end = path.find(':');
    folders.emplace_back(path.substr(0, end));
    if (end == std::string_view::npos) return folders;
    path.remove_prefix(end + 1);
  }
}

}  // namespace

ElfFile read_elf_file(std::span<const std::byte> file) {
  const ElfImage image(file);
  ElfFile result;
  if (const auto soname = image.dynamic_value(elf::kSoname)) result.soname = image.string(*soname);
  for (const elf::DynamicEntry& entry : image.dynamic()) {
    if (entry.tag == elf::kNeeded) result.needed.emplace_back(image.string(entry.value));
  }
  const auto runpath = image.dynamic_value(elf::kRunpath);
  const auto path = runpath ? runpath : image.dynamic_value(elf::kRpath);
  if (path) result.search_path = folders_in(image.string(*path));
  result.has_static_tls = (image.dynamic_value(elf::kFlags).value_or(0) & elf::kStaticTls) != 0;
  read_symbols(image, result);
  return result;
}

}  // namespace aiointerpreters::extensions
