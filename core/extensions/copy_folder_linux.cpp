// See copy_folder.h.
#include "extensions/copy_folder.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

#include "extensions/file_io.h"
#include "extensions/folder_rules.h"
#include "extensions/nameless.h"

namespace aiointerpreters::extensions {

namespace {

constexpr std::time_t kDay = std::time_t{24} * 60 * 60;

// The modification time of the file shows when it was last used, exact to a day. Setting it at each use would write to the
// disk each time.
void mark_as_used(int file) noexcept {
  struct stat facts{};
  if (::fstat(file, &facts) != 0) return;
  const std::time_t age = std::time(nullptr) - facts.st_mtim.tv_sec;
  // A time in the future comes from a wrong clock. If the time cannot be set (a read-only file system), pruning is
  // impossible too.
  if (age >= kDay || age < -kDay) static_cast<void>(::futimens(file, nullptr));
}

}  // namespace

std::optional<Copy> CopyFolder::get(const Original& original, const std::string& name, std::string& why) const {
  for (bool replace = false;;) {
    if (std::optional<Copy> copy = find(original, name, replace)) {
      if (!lets_code_be_mapped(copy->file.number(), why)) return std::nullopt;
      return copy;
    }
    Copy copy;
    switch (make(original, name, replace, copy, why)) {
      case Made::kYes:
      case Made::kWithoutName:
        return copy;
      case Made::kNo:
        return std::nullopt;
      case Made::kAnotherIsThere:
        break;  // look again: the other file is now used or replaced
    }
  }
}

std::optional<Copy> CopyFolder::find(const Original& original, const std::string& name, bool& replace) const {
  Copy copy;
  copy.file = open_at(number(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!copy.file && errno == ENOENT) return std::nullopt;
  if (!copy.file || !is_own_file(copy.file.number()) || !original.is_copied_in(copy.file.number())) {
    replace = true;
    return std::nullopt;
  }
  mark_as_used(copy.file.number());
  copy.path = path_of(name, copy.file.number());
  copy.size = original.copy_size();
  return copy;
}

CopyFolder::Made CopyFolder::make(const Original& original, const std::string& name, bool replace, Copy& copy,
                                  std::string& why) const {
  BegunFile begun(number(), original.name());
  copy.file = write(original, begun, why);
  if (!copy.file || !lets_code_be_mapped(copy.file.number(), why)) return Made::kNo;
  const Made made = publish(begun, name, replace, why);
  if (made == Made::kYes || made == Made::kWithoutName) {
    const int file = copy.file.number();
    copy.path = made == Made::kYes ? path_of(name, file) : path_of_descriptor(file);
    copy.size = original.copy_size();
    copy.made = true;
  }
  return made;
}

FileDescriptor CopyFolder::write(const Original& original, BegunFile& begun, std::string& why) const {
  if (!begun.file()) {
    why = error_text(errno);
    return {};
  }
  const int file = begun.file().number();
  if (!original.write_copy(file, why)) return {};
  // Prevents other processes from writing to it by mistake. Some file systems do not support modes.
  static_cast<void>(::fchmod(file, 0400));
  FileDescriptor written = open_at(number(), begun.name().c_str(), O_RDONLY | O_NOFOLLOW);
  if (!written && errno == ENOENT) written = open_at(AT_FDCWD, path_of_descriptor(file).c_str(), O_RDONLY);  // removed
  if (!written) {
    why = error_text(errno);
    return {};
  }
  if (const int error = begun.file().close()) {
    why = error_text(error);
    return {};
  }
  if (!original.is_copied_in(written.number())) {
    why = "the copy was written, but it differs from " + original.path();
    return {};
  }
  return written;
}

CopyFolder::Made CopyFolder::publish(BegunFile& begun, const std::string& name, bool replace, std::string& why) const {
  const char* const from = begun.name().c_str();
  // Do not replace an existing file: others may already use it, and all should share one. Some C libraries lack the
  // function, so this is the system call. Some file systems do not support it. Then the file is replaced, and there is one
  // copy too many for a while.
  if (!replace && ::syscall(SYS_renameat2, number(), from, number(), name.c_str(), RENAME_NOREPLACE) != 0) {
    if (errno == EEXIST) return Made::kAnotherIsThere;
    replace = true;
  }
  if (replace && ::renameat(number(), from, number(), name.c_str()) != 0) {
    if (errno == ENOENT) return Made::kWithoutName;  // another process has emptied the folder
    why = error_text(errno);
    return Made::kNo;
  }
  begun.renamed();
  return Made::kYes;
}

std::string CopyFolder::path_of(const std::string& name, int file) const {
  const std::string folder = safe_path(path_, number());
  return folder.empty() ? path_of_descriptor(file) : folder + "/" + name;
}

}  // namespace aiointerpreters::extensions
