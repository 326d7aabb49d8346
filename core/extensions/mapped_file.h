// MappedFile: the bytes of a file, read-only, without reading them all.
// Whoever makes the file shorter meanwhile ends the process (SIGBUS), as with any object that is loaded;
// installers replace files.
// Owner: whoever looks at them. Thread: any.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <utility>

namespace aiointerpreters::extensions {

class MappedFile {
 public:
  // Errors: std::system_error, if it is no regular file that can be read.
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
