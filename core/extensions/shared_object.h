// Loading shared objects: the part that differs between systems.
// Thread: any. Requires: attached, if constructors may use Python.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "extensions/elf_constructors.h"

namespace aiointerpreters::extensions {

// Loads the object and the libraries that it needs, with immediate binding and local symbols. It is never unloaded. A
// second call finds the loaded object. Errors: null, and `why` has the dynamic linker's reason.
[[nodiscard]] void* load_shared_object(const std::string& path, std::string& why);

// The address of a symbol that the object defines; null if there is none.
[[nodiscard]] void* find_symbol(void* handle, const std::string& name);

// The place in memory of an address of the object. Errors: std::runtime_error if the dynamic linker does not know it.
[[nodiscard]] std::byte* address_in(void* handle, std::uint64_t address);

// Runs the constructors that the dynamic linker was told to omit. They get the process's arguments and environment, as from
// the dynamic linker. Call it once. Runs any code. Errors: std::runtime_error, as above.
void run_constructors(void* handle, const Constructors& constructors);

}  // namespace aiointerpreters::extensions
