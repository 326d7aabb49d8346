// What a folder has to be, so that copies may lie in it: code is loaded from there.
// Thread: any. Linux only.
#pragma once

#include <cstdint>
#include <string>

#include "extensions/file_descriptor.h"

namespace aiointerpreters::extensions {

// Opens the folder, after making it and those above it where they are missing (mode 0700) if `make` says so. It has to be a
// folder itself, no symbolic link, that belongs to the effective user and that nobody else may write to; its file system has
// to be suitable. What is opened is what was checked: go on by openat.
// Errors: none, and `why` has the reason, `absent` whether it is only not there: with `make`,
// since somebody has just removed it.
[[nodiscard]] FileDescriptor open_own_folder(const std::string& path, bool make, std::string& why, bool& absent);

// Whether code can be mapped from the file system and no other machine has a hand in it.
[[nodiscard]] bool has_suitable_file_system(int folder, std::string& why);
// Whether a file system of this kind (statfs(2), f_type) is used by several machines. A file that one of them removes is
// gone for the others too, mapped or not, and its pages with it: that ends the process (SIGBUS).
[[nodiscard]] bool is_of_several_machines(std::uint64_t kind) noexcept;

// Whether files can be made in the folder, as far as modes and mounts tell.
[[nodiscard]] bool may_write_to(int folder) noexcept;

// Whether it is a regular file of the effective user's that nobody else may write to.
[[nodiscard]] bool is_own_file(int file) noexcept;

// The path of the folder that is open as `folder`, if it leads there for certain: without symbolic links, or what the
// dynamic linker replaces, and nobody but the effective user and root may put something else in the place of any part of it.
// Else empty.
[[nodiscard]] std::string safe_path(const std::string& path, int folder);

}  // namespace aiointerpreters::extensions
