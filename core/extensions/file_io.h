// What reading and writing files takes everywhere: all bytes or an error, no call that a signal has cut short,
// errors as text.
// Thread: any. Linux only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "extensions/file_descriptor.h"

namespace aiointerpreters::extensions {

// What an errno says.
[[nodiscard]] std::string error_text(int error);

// openat(2); the descriptor does not survive an exec. None: see errno.
[[nodiscard]] FileDescriptor open_at(int folder, const char* path, int flags, unsigned mode = 0) noexcept;

// Whether the path leads to the file or folder that is open, and not to nothing or to another one.
[[nodiscard]] bool leads_to(const std::string& path, int file) noexcept;

// How many bytes were read from `offset` on: fewer than `size` only at the end of the file. -1: see errno.
[[nodiscard]] std::int64_t read_at(int file, std::uint64_t offset, char* bytes, std::size_t size) noexcept;
// False: see errno.
[[nodiscard]] bool write_at(int file, std::uint64_t offset, const char* bytes, std::size_t size) noexcept;

}  // namespace aiointerpreters::extensions
