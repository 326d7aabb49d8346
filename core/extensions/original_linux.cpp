// See original.h. The clones: ioctl_ficlone(2), copy_file_range(2).
#include "extensions/original.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "extensions/content_hash.h"
#include "extensions/file_io.h"

namespace aiointerpreters::extensions {

namespace {

// The block size for reading. Two blocks fit into a processor's own cache, and system calls are rare enough.
constexpr std::size_t kChunk = std::size_t{128} << 10;

std::int64_t nanoseconds(const timespec& time) noexcept {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + std::int64_t{time.tv_nsec};
}

// Copies as much as possible in the kernel. Returns the number of bytes. The caller writes the rest, and finds any errors
// then.
std::uint64_t copy_in_kernel(int from, int to, std::uint64_t size) noexcept {
  if (::ioctl(to, FICLONE, from) == 0) return size;
  off_t read = 0;
  off_t written = 0;
  while (static_cast<std::uint64_t>(written) < size) {
    const ssize_t copied = ::copy_file_range(from, &read, to, &written, size - static_cast<std::uint64_t>(written), 0);
    if (copied == 0 || (copied < 0 && errno != EINTR)) break;
  }
  return static_cast<std::uint64_t>(written);
}

}  // namespace

std::optional<Original> Original::open(const std::string& path, const Edits& edits, std::string& why) {
  Original original(path, edits);
  struct stat facts{};
  // O_NONBLOCK: do not wait for a FIFO.
  original.file_ = open_at(AT_FDCWD, path.c_str(), O_RDONLY | O_NONBLOCK);
  if (!original.file_ || ::fstat(original.file_.number(), &facts) != 0) {
    why = original.unreadable(errno);
    return std::nullopt;
  }
  if (!S_ISREG(facts.st_mode)) {
    why = path + " is not a regular file";
    return std::nullopt;
  }
  original.identity_ = {static_cast<std::uint64_t>(facts.st_dev), static_cast<std::uint64_t>(facts.st_ino),
                        static_cast<std::uint64_t>(facts.st_size), nanoseconds(facts.st_mtim), nanoseconds(facts.st_ctim)};
  original.copy_size_ = original.identity_.size;
  for (const Edit& edit : edits) {
    if (edit.offset > original.copy_size_) {
      why = "a byte to be changed in the copy of " + path + " lies beyond the end of the file";
      return std::nullopt;
    }
    original.copy_size_ = std::max(original.copy_size_, edit.offset + edit.bytes.size());
  }
  return original;
}

std::string Original::name() const { return path_.substr(path_.rfind('/') + 1); }

std::string Original::unreadable(int error) const { return path_ + " cannot be read: " + error_text(error); }

std::optional<std::uint64_t> Original::hash(std::string& why) const {
  ContentHash hash;
  std::vector<char> bytes(kChunk);
  for (std::uint64_t offset = 0;;) {
    const std::int64_t got = read_at(file_.number(), offset, bytes.data(), bytes.size());
    if (got < 0) {
      why = unreadable(errno);
      return std::nullopt;
    }
    if (got == 0) return hash.value();
    hash.add(bytes.data(), static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
}

std::uint64_t Original::hash_of_edits() const noexcept {
  if (edits_->empty()) return 0;
  ContentHash hash;
  for (const Edit& edit : *edits_) {
    const std::uint64_t place[] = {edit.offset, edit.bytes.size()};
    hash.add(place, sizeof(place));
    hash.add(edit.bytes.data(), edit.bytes.size());
  }
  return hash.value();
}

bool Original::read_copy(std::uint64_t offset, char* bytes, std::size_t size) const {
  if (offset < identity_.size) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(size, identity_.size - offset));
    const std::int64_t got = read_at(file_.number(), offset, bytes, wanted);
    if (got != static_cast<std::int64_t>(wanted)) {
      if (got >= 0) errno = ESTALE;  // the file has become shorter
      return false;
    }
  }
  for (const Edit& edit : *edits_) {
    const std::uint64_t begin = std::max(offset, edit.offset);
    const std::uint64_t end = std::min(offset + size, edit.offset + edit.bytes.size());
    if (begin < end) std::memcpy(bytes + (begin - offset), edit.bytes.data() + (begin - edit.offset), end - begin);
  }
  return true;
}

bool Original::write_copy(int copy, std::string& why) const {
  std::uint64_t offset = copy_in_kernel(file_.number(), copy, identity_.size);
  std::vector<char> bytes(offset < identity_.size ? kChunk : 0);
  while (offset < identity_.size) {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(kChunk, identity_.size - offset));
    if (!read_copy(offset, bytes.data(), size)) {
      why = unreadable(errno);
      return false;
    }
    if (!write_at(copy, offset, bytes.data(), size)) {
      why = error_text(errno);
      return false;
    }
    offset += size;
  }
  for (const Edit& edit : *edits_) {
    if (!write_at(copy, edit.offset, edit.bytes.data(), edit.bytes.size())) {
      why = error_text(errno);
      return false;
    }
  }
  return true;
}

bool Original::is_copied_in(int copy) const {
  struct stat facts{};
  if (::fstat(copy, &facts) != 0 || static_cast<std::uint64_t>(facts.st_size) != copy_size_) return false;
  std::vector<char> wanted(kChunk);
  std::vector<char> found(kChunk);
  for (std::uint64_t offset = 0; offset < copy_size_; offset += kChunk) {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(kChunk, copy_size_ - offset));
    if (!read_copy(offset, wanted.data(), size)) return false;
    if (read_at(copy, offset, found.data(), size) != static_cast<std::int64_t>(size)) return false;
    if (std::memcmp(wanted.data(), found.data(), size) != 0) return false;
  }
  return true;
}

}  // namespace aiointerpreters::extensions
