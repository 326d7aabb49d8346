// See python_symbols.h.
#include <string>
#include <system_error>
#include <vector>

#include "extensions/elf_file.h"
#include "extensions/elf_image.h"
#include "extensions/mapped_file.h"
#include "extensions/python_symbols.h"

namespace aiointerpreters::extensions {

std::vector<std::string> python_symbols_of(const std::string& path) {
  if (path.empty()) return {};
  try {
    const MappedFile file(path);
    return read_elf_file(file.bytes()).python_symbols;
  } catch (const std::system_error&) {  // the file has gone, or is none
    return {};
  } catch (const ElfError&) {
    return {};
  }
}

}  // namespace aiointerpreters::extensions
