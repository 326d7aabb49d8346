// Copies without a name. Their files are removed from the folder as soon as they are open, or never had a name
// (memfd_create). They belong to this process alone, and disappear with its last mapping of them, even after a crash.
// Thread: any. Linux only.
#pragma once

#include <optional>
#include <string>

#include "extensions/copy.h"
#include "extensions/original.h"

namespace aiointerpreters::extensions {

// Makes one in the folder that is open as `folder`. Errors: none, and `why` has the reason. The only path in it is the
// original's.
[[nodiscard]] std::optional<Copy> copy_without_name(const Original& original, int folder, std::string& why);
// Makes one in the folder for temporary files. Everybody may write there. It must allow code to be mapped, and no other
// machine may use it.
[[nodiscard]] std::optional<Copy> temporary_copy(const Original& original, const std::string& folder, std::string& why);
// Makes one in memory. The last resort: no other process shares it, and it cannot be paged out to a file.
[[nodiscard]] std::optional<Copy> copy_in_memory(const Original& original, std::string& why);

// A path for dlopen to the file that is open as `file`: "/proc/self/fd/7", with additional "/" and "/." before the number.
// These lead to the same file and make each path different (see Copy::path), because numbers of descriptors are soon used
// again.
[[nodiscard]] std::string path_of_descriptor(int file);

// Whether code may be mapped from the file. Errors: false, with the reason.
[[nodiscard]] bool lets_code_be_mapped(int file, std::string& why);

}  // namespace aiointerpreters::extensions
