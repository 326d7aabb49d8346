// Loading shared objects, as far as systems differ in it.
// Thread: any. Requires: attached, where what an object runs when it is loaded may use Python.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "extensions/elf_constructors.h"

namespace aiointerpreters::extensions {

// Loads the object and all that it needs, at once, with its symbols for itself; for good. A second time it finds the first.
// Errors: null, and `why` has the dynamic linker's reason.
[[nodiscard]] void* load_shared_object(const std::string& path, std::string& why);

// The address of a symbol that the object offers; null: it offers none of that name.
[[nodiscard]] void* find_symbol(void* handle, const std::string& name);

// Where an address of the object is in memory. Errors: std::runtime_error if the dynamic linker does not tell.
[[nodiscard]] std::byte* address_in(void* handle, std::uint64_t address);

// Runs what the dynamic linker was not to run when it loaded the object, as it would have: with the arguments and the
// environment of the process. To be called once. Runs whatever it is. Errors: std::runtime_error, as above.
void run_constructors(void* handle, const Constructors& constructors);

}  // namespace aiointerpreters::extensions
