// MappedFile: the bytes of a file, read-only, mapped instead of read.
// If the file is truncated meanwhile, the process ends (SIGBUS), as with any loaded object. Installers replace files
// instead.
// Owner: the code that reads the bytes. Thread: any.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <utility>

namespace aiointerpreters::extensions {

class MappedFile {
 public:
  // Errors: std::system_error if it is not a regular file that can be read.
  explicit MappedFile(const std::string& path);
  MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  MappedFile& operator=(MappedFile&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }

 private:
  std::span<const std::byte> bytes_;
};

}  // namespace aiointerpreters::extensions
