// See file_io.h.
#include "extensions/file_io.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace aiointerpreters::extensions {

std::string error_text(int error) { return std::generic_category().message(error); }

FileDescriptor open_at(int folder, const char* path, int flags, unsigned mode) noexcept {
  for (;;) {
    const int file = ::openat(folder, path, flags | O_CLOEXEC, static_cast<mode_t>(mode));
    if (file >= 0 || errno != EINTR) return FileDescriptor(file);
  }
}

bool leads_to(const std::string& path, int file) noexcept {
  struct stat there{};
  struct stat open{};
  return ::stat(path.c_str(), &there) == 0 && ::fstat(file, &open) == 0 && there.st_dev == open.st_dev &&
         there.st_ino == open.st_ino;
}

int FileDescriptor::close() noexcept {
  const int number = release();
  return number < 0 || ::close(number) == 0 || errno == EINTR ? 0 : errno;
}

std::int64_t read_at(int file, std::uint64_t offset, char* bytes, std::size_t size) noexcept {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = ::pread(file, bytes + done, size - done, static_cast<off_t>(offset + done));
    if (got == 0) break;
    if (got > 0) {
      done += static_cast<std::size_t>(got);
    } else if (errno != EINTR) {
      return -1;
    }
  }
  return static_cast<std::int64_t>(done);
}

bool write_at(int file, std::uint64_t offset, const char* bytes, std::size_t size) noexcept {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t put = ::pwrite(file, bytes + done, size - done, static_cast<off_t>(offset + done));
    if (put > 0) {
      done += static_cast<std::size_t>(put);
    } else if (put == 0) {  // no file does this, but the loop would never end
      errno = EIO;
      return false;
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

}  // namespace aiointerpreters::extensions
