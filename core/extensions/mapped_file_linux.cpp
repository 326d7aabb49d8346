// See mapped_file.h.
#include "extensions/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <system_error>

#include "extensions/file_io.h"

namespace aiointerpreters::extensions {

namespace {

[[noreturn]] void throw_error(int error, const std::string& path) {
  throw std::system_error(error, std::generic_category(), path);
}

}  // namespace

MappedFile::MappedFile(const std::string& path) {
  const FileDescriptor file = open_at(AT_FDCWD, path.c_str(), O_RDONLY | O_NONBLOCK);  // O_NONBLOCK: do not wait for a FIFO
  struct stat status{};
  if (!file || fstat(file.number(), &status) != 0) throw_error(errno, path);
  if (!S_ISREG(status.st_mode)) throw_error(S_ISDIR(status.st_mode) ? EISDIR : EINVAL, path);
  if (status.st_size == 0) return;
  const auto size = static_cast<std::size_t>(status.st_size);
  void* const at = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.number(), 0);
  if (at == MAP_FAILED) throw_error(errno, path);
  bytes_ = {static_cast<const std::byte*>(at), size};
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

}  // namespace aiointerpreters::extensions
