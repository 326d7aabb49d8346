// FileDescriptor: an open file, closed by the destructor. Movable.
// Thread: any, one at a time.
#pragma once

#include <utility>

namespace aiointerpreters::extensions {

class FileDescriptor {
 public:
  FileDescriptor() noexcept = default;
  // Owns `number`. A negative number means none.
  explicit FileDescriptor(int number) noexcept : number_(number) {}
  FileDescriptor(FileDescriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~FileDescriptor() { static_cast<void>(close()); }

  explicit operator bool() const noexcept { return number_ >= 0; }
  [[nodiscard]] int number() const noexcept { return number_; }

  // The caller owns it now.
  [[nodiscard]] int release() noexcept { return std::exchange(number_, -1); }
  // Returns 0 or errno. File systems that write late (quotas, FUSE) report failed writes here.
  [[nodiscard]] int close() noexcept;

 private:
  int number_ = -1;
};

}  // namespace aiointerpreters::extensions
