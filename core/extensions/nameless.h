// Copies without a name: files that are gone from their folder as soon as they are open,
// or that never had one (memfd_create).
// They belong to this process alone and are gone with its last mapping of them, whatever happens to it.
// Thread: any. Linux only.
#pragma once

#include <optional>
#include <string>

#include "extensions/copy.h"
#include "extensions/original.h"

namespace aiointerpreters::extensions {

// Makes one in the folder that is open as `folder`. Errors: none, and `why` has the reason, without a path but for the
// original's.
[[nodiscard]] std::optional<Copy> copy_without_name(const Original& original, int folder, std::string& why);
// Makes one in the folder for temporary files. As it is open to all, it has to let code be mapped, and be this machine's.
[[nodiscard]] std::optional<Copy> temporary_copy(const Original& original, const std::string& folder, std::string& why);
// Makes one in memory. The last resort: no other process shares it, and it cannot be paged out to a file.
[[nodiscard]] std::optional<Copy> copy_in_memory(const Original& original, std::string& why);

// A path for dlopen of the file that is open as `file`: "/proc/self/fd/7", with further "/" and "/." in front of the number.
// They lead to the same place and make each path a new one (see Copy::path): numbers of descriptors are soon used again.
[[nodiscard]] std::string path_of_descriptor(int file);

// Whether code may be mapped from the file. Errors: false, with the reason.
[[nodiscard]] bool lets_code_be_mapped(int file, std::string& why);

}  // namespace aiointerpreters::extensions
