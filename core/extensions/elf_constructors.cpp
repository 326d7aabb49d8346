// See elf_constructors.h. The format: System V ABI, "Initialization and Termination Functions".
#include "extensions/elf_constructors.h"

#include <cstddef>

namespace aiointerpreters::extensions {

Edits edits_to_defer_constructors(const ElfImage& image, Constructors& constructors) {
  Edits edits;
  for (std::size_t index = 0; index < image.dynamic().size(); ++index) {
    elf::DynamicEntry entry = image.dynamic()[index];
    if (entry.tag == elf::kConstructors) constructors.array = entry.value;
    if (entry.tag == elf::kConstructorsSize) {
      constructors.count = entry.value / sizeof(std::uint64_t);
    } else if (entry.tag == elf::kInitialize) {
      constructors.first = entry.value;
      entry.tag = elf::kDebug;
    } else {
      continue;
    }
    entry.value = 0;
    edits.push_back(edit_to(image.offset_of_dynamic(index), entry));
  }
  if (constructors.array == 0) constructors.count = 0;
  return edits;
}

}  // namespace aiointerpreters::extensions
