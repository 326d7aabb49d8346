// See elf_file.h. The format: System V ABI, "Dynamic Linking".
#include "extensions/elf_file.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "extensions/elf_image.h"
#include "extensions/elf_symbols.h"
#include "extensions/thread_key_limit.h"

namespace aiointerpreters::extensions {

namespace {

void sort_and_unite(std::vector<std::string>& names) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
}

void read_symbols(const ElfImage& image, ElfFile& to) {
  const ElfSymbols symbols(image);
  for (std::size_t index = 0; index < symbols.count(); ++index) {
    const elf::Symbol symbol = symbols.at(index);
    const std::string_view begin = image.from_string(symbol.name);  // names that do not matter are not read to their end
    if (symbol.section == elf::kUndefined && (begin.starts_with("Py") || begin.starts_with("_Py"))) {
      to.python_symbols.emplace_back(image.string(symbol.name));
    }
    if (symbol.section == elf::kUndefined && begin.starts_with(kMakesThreadKeys)) {
      to.makes_thread_keys |= image.string(symbol.name) == kMakesThreadKeys;
    }
    if (is_unique(symbol)) to.unique_symbols.emplace_back(image.string(symbol.name));
  }
  sort_and_unite(to.python_symbols);
  sort_and_unite(to.unique_symbols);
}

// The folders of a search path. A folder may be empty.
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
  read_symbols(image, result);
  return result;
}

}  // namespace aiointerpreters::extensions
