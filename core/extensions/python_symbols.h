// What the file of an extension module tells about its use of Python, without loading it.
// Thread: any. No function here needs an interpreter.
#pragma once

#include <string>
#include <vector>

namespace aiointerpreters::extensions {

// The symbols that the extension module in this file imports from Python. Empty: unknown. Reads the file; loads and runs
// nothing. Errors: std::bad_alloc.
[[nodiscard]] std::vector<std::string> python_symbols_of(const std::string& path);

// Whether the extension module in this file uses single-phase initialization, as far as the functions tell that it imports
// from Python. False if that is unknown. Errors: std::bad_alloc.
[[nodiscard]] bool is_single_phase(const std::string& path);

}  // namespace aiointerpreters::extensions
