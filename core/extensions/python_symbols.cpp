// See python_symbols.h.
#include "extensions/python_symbols.h"

#include <algorithm>
#include <string>
#include <vector>

namespace aiointerpreters::extensions {

// Every extension module that uses multi-phase initialization imports PyModuleDef_Init.
bool is_single_phase(const std::string& path) {
  const std::vector<std::string> symbols = python_symbols_of(path);
  const auto imports = [&](const char* name) { return std::ranges::find(symbols, name) != symbols.end(); };
  return imports("PyModule_Create2") && !imports("PyModuleDef_Init");
}

}  // namespace aiointerpreters::extensions
