// See refused_imports.h. Every extension module that uses multi-phase initialization imports PyModuleDef_Init.
#include <algorithm>
#include <string>
#include <system_error>

#include "extensions/elf_file.h"
#include "extensions/elf_image.h"
#include "extensions/mapped_file.h"
#include "extensions/refused_imports.h"

namespace aiointerpreters::extensions {

bool is_single_phase(const std::string& path) {
  if (path.empty()) return false;
  try {
    const MappedFile file(path);
    const ElfFile elf = read_elf_file(file.bytes());
    const auto imports = [&](const char* name) {
      return std::ranges::find(elf.python_symbols, name) != elf.python_symbols.end();
    };
    return imports("PyModule_Create2") && !imports("PyModuleDef_Init");
  } catch (const std::system_error&) {  // the file has gone
    return false;
  } catch (const ElfError&) {
    return false;
  }
}

}  // namespace aiointerpreters::extensions
