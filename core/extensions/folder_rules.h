// The rules for a folder of copies. They are strict, because code is loaded from there.
// Thread: any. Linux only.
#pragma once

#include <cstdint>
#include <string>

#include "extensions/file_descriptor.h"

namespace aiointerpreters::extensions {

// Opens the folder. With `make`, first creates it and its missing parents (mode 0700). It must be a folder, not a symbolic
// link. It must belong to the effective user, and nobody else may write to it. Its file system must be suitable. The
// descriptor belongs to the folder that was checked, so use it with openat.
// Errors: none, and `why` has the reason. `absent`: the folder does not exist. With `make`, this means that it has just
// been removed.
[[nodiscard]] FileDescriptor open_own_folder(const std::string& path, bool make, std::string& why, bool& absent);

// Whether code can be mapped from the file system and no other machine uses it.
[[nodiscard]] bool has_suitable_file_system(int folder, std::string& why);
// Whether several machines use a file system of this kind (statfs(2), f_type). If one of them removes a file, the others
// lose it too, with its mapped pages, and that ends the process (SIGBUS).
[[nodiscard]] bool is_of_several_machines(std::uint64_t kind) noexcept;

// Whether files can be created in the folder, judged by modes and mounts.
[[nodiscard]] bool may_write_to(int folder) noexcept;

// Whether it is a regular file of the effective user, and nobody else may write to it.
[[nodiscard]] bool is_own_file(int file) noexcept;

// The path of the folder that is open as `folder`, if it is safe; otherwise empty. A safe path has no symbolic links and
// nothing that the dynamic linker would replace. Only the effective user and root can replace any part of it.
[[nodiscard]] std::string safe_path(const std::string& path, int folder);

}  // namespace aiointerpreters::extensions
