// See folder_rules.h.
#include "extensions/folder_rules.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <iterator>
#include <system_error>

#include "extensions/file_io.h"

namespace aiointerpreters::extensions {

namespace {

constexpr mode_t kOthersWrite = S_IWGRP | S_IWOTH;

std::string in_octal(mode_t mode) {
  char digits[8];
  const auto written = std::to_chars(digits, std::end(digits), mode & 07777U, 8);
  return "0" + std::string(digits, written.ptr);
}

// Creates the folder and its missing parents. `removed`: one of them has been removed meanwhile.
bool make_folders(const std::filesystem::path& path, std::string& why, bool& removed) {
  struct stat above{};
  const std::filesystem::path parent = path.parent_path();
  if (::stat(parent.c_str(), &above) != 0) {
    if (errno != ENOENT || parent == path || !make_folders(parent, why, removed)) {
      if (why.empty()) why = error_text(errno);
      return false;
    }
  } else if (::geteuid() == 0 && above.st_uid != 0) {
    // On many systems sudo keeps HOME. The user would then get folders that only root can use.
    why = "it does not exist, and root does not create it in a folder of user " + std::to_string(above.st_uid);
    return false;
  }
  if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return true;
  removed = errno == ENOENT;
  why = error_text(errno);
  return false;
}

}  // namespace

FileDescriptor open_own_folder(const std::string& path, bool make, std::string& why, bool& absent) {
  absent = false;
  if (!path.starts_with('/')) {
    why = path.starts_with('~') ? "only a shell replaces ~ by the home folder: give an absolute path"
                                : "it is a relative path, and the working directory is gone";
    return {};
  }
  // With a slash after the name, O_NOFOLLOW would follow a link.
  std::string plain = path;
  while (plain.size() > 1 && plain.back() == '/') plain.pop_back();
  const auto open = [&plain] { return open_at(AT_FDCWD, plain.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW); };
  FileDescriptor folder = open();
  absent = !folder && errno == ENOENT;
  if (absent && make) {
    why.clear();
    absent = false;
    if (!make_folders(plain, why, absent)) return {};
    folder = open();
    absent = !folder && errno == ENOENT;
  }
  if (!folder) {
    why = errno == ENOTDIR || errno == ELOOP ? "it is a symbolic link or not a folder" : error_text(errno);
    return {};
  }
  struct stat facts{};
  if (::fstat(folder.number(), &facts) != 0) {
    why = error_text(errno);
  } else if (facts.st_uid != ::geteuid()) {
    why = "it belongs to user " + std::to_string(facts.st_uid) + ", and this process is user " + std::to_string(::geteuid());
  } else if ((facts.st_mode & kOthersWrite) != 0) {
    why = "other users may write to it (mode " + in_octal(facts.st_mode) + ")";
  } else if (has_suitable_file_system(folder.number(), why)) {
    return folder;
  }
  return {};
}

bool has_suitable_file_system(int folder, std::string& why) {
  struct statvfs options{};
  struct statfs kind{};
  if (::fstatvfs(folder, &options) != 0 || ::fstatfs(folder, &kind) != 0) {
    why = error_text(errno);
    return false;
  }
  if ((options.f_flag & ST_NOEXEC) != 0) {
    why = "its file system is mounted with noexec";
    return false;
  }
  if (is_of_several_machines(static_cast<std::uint64_t>(kind.f_type))) {
    why = "it is on a network file system, and another machine may remove a file that is mapped here";
    return false;
  }
  return true;
}

bool is_of_several_machines(std::uint64_t kind) noexcept {
  constexpr std::uint64_t kCeph = 0x00C36400;
  constexpr std::uint64_t kCifs = 0xFF534D42;
  constexpr std::uint64_t kSmb2 = 0xFE534D42;
  constexpr std::uint64_t kLustre = 0x0BD00BD0;
  constexpr std::uint64_t kGpfs = 0x47504653;
  constexpr std::uint64_t kBeegfs = 0x19830326;
  constexpr std::uint64_t kKinds[] = {NFS_SUPER_MAGIC, SMB_SUPER_MAGIC, AFS_SUPER_MAGIC, CODA_SUPER_MAGIC, kCeph, kCifs,
                                      kSmb2,           kLustre,         kGpfs,           kBeegfs};
  // If f_type is a signed 32-bit number, its sign is extended.
  return std::find(std::begin(kKinds), std::end(kKinds), kind & 0xFFFFFFFF) != std::end(kKinds);
}

bool may_write_to(int folder) noexcept { return ::faccessat(folder, ".", W_OK | X_OK, AT_EACCESS) == 0; }

bool is_own_file(int file) noexcept {
  struct stat facts{};
  return ::fstat(file, &facts) == 0 && S_ISREG(facts.st_mode) && facts.st_uid == ::geteuid() &&
         (facts.st_mode & kOthersWrite) == 0;
}

std::string safe_path(const std::string& path, int folder) {
  std::error_code error;
  const std::filesystem::path real = std::filesystem::canonical(path, error);
  if (error || !leads_to(real.native(), folder)) return "";
  if (real.native().find('$') != std::string::npos) return "";  // the dynamic linker would replace ${ORIGIN} and the like
  for (std::filesystem::path part = real; part != part.parent_path();) {
    part = part.parent_path();
    struct stat facts{};
    if (::stat(part.c_str(), &facts) != 0) return "";
    // In a folder with the sticky bit, like /tmp, only the owner of an entry can move it away.
    if ((facts.st_mode & kOthersWrite) != 0 && (facts.st_mode & S_ISVTX) == 0) return "";
    if (facts.st_uid != 0 && facts.st_uid != ::geteuid()) return "";
  }
  return real.string();
}

}  // namespace aiointerpreters::extensions
