// Helpers to read and write files. They return all bytes or an error, continue calls that a signal has cut short, and give
// errors as text.
// Thread: any. Linux only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "extensions/file_descriptor.h"

namespace aiointerpreters::extensions {

// The text of an errno.
[[nodiscard]] std::string error_text(int error);

// openat(2). The descriptor is closed on exec. None: see errno.
[[nodiscard]] FileDescriptor open_at(int folder, const char* path, int flags, unsigned mode = 0) noexcept;

// Whether the path leads to the file or folder that is open as `file`.
[[nodiscard]] bool leads_to(const std::string& path, int file) noexcept;

// Returns the number of bytes read from `offset` on, fewer than `size` only at the end of the file. -1: see errno.
[[nodiscard]] std::int64_t read_at(int file, std::uint64_t offset, char* bytes, std::size_t size) noexcept;
// False: see errno.
[[nodiscard]] bool write_at(int file, std::uint64_t offset, const char* bytes, std::size_t size) noexcept;

}  // namespace aiointerpreters::extensions
