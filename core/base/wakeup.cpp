// See wakeup.h.
#include "base/wakeup.h"

#if defined(__linux__)
#include <sys/eventfd.h>
#endif
#if !defined(_WIN32)
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#endif

namespace aiointerpreters::base {

#if defined(_WIN32)

Wakeup Wakeup::open() noexcept { return {}; }  // its event loops look at sockets only
void Wakeup::signal() const noexcept {}
void Wakeup::clear() const noexcept {}
void Wakeup::close() noexcept {}

#else

Wakeup Wakeup::open() noexcept {
  Wakeup made;
#if defined(__linux__)
  made.read_end_ = made.write_end_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
#else
  int ends[2];
  if (::pipe(ends) != 0) return made;
  for (const int end : ends) {
    ::fcntl(end, F_SETFD, FD_CLOEXEC);
    ::fcntl(end, F_SETFL, O_NONBLOCK);
  }
  made.read_end_ = ends[0];
  made.write_end_ = ends[1];
#endif
  return made;
}

void Wakeup::signal() const noexcept {
  const std::uint64_t one = 1;  // the value that an eventfd wants; for a pipe it is eight bytes
  // If it is full (EAGAIN), it is already readable.
  while (::write(write_end_, &one, sizeof one) < 0 && errno == EINTR) {
  }
}

void Wakeup::clear() const noexcept {
  std::uint64_t bytes[64];
  while (::read(read_end_, bytes, sizeof bytes) == static_cast<ssize_t>(sizeof bytes)) {
  }
}

void Wakeup::close() noexcept {
  if (read_end_ != kNone) ::close(read_end_);
  if (write_end_ != read_end_) ::close(write_end_);
  read_end_ = write_end_ = kNone;
}

#endif

}  // namespace aiointerpreters::base
