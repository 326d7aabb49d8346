// See mapped_file.h.
#include "extensions/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace aiointerpreters::extensions {

namespace {

[[noreturn]] void throw_error(int error, const std::string& path) {
  throw std::system_error(error, std::generic_category(), path);
}

class Descriptor {
 public:
  explicit Descriptor(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (fd_ < 0) throw_error(errno, path);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { close(fd_); }
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  const int fd_;
};

}  // namespace

MappedFile::MappedFile(const std::string& path) {
  const Descriptor fd(path);
  struct stat status{};
  if (fstat(fd.get(), &status) != 0) throw_error(errno, path);
  if (!S_ISREG(status.st_mode)) throw_error(S_ISDIR(status.st_mode) ? EISDIR : EINVAL, path);
  if (status.st_size == 0) return;
  const auto size = static_cast<std::size_t>(status.st_size);
  void* const at = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (at == MAP_FAILED) throw_error(errno, path);
  bytes_ = {static_cast<const std::byte*>(at), size};
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

}  // namespace aiointerpreters::extensions
