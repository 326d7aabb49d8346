// See nameless.h.
#include "extensions/nameless.h"

#include <fcntl.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <utility>

#include "extensions/begun_file.h"
#include "extensions/file_io.h"
#include "extensions/folder_rules.h"

#ifndef MFD_NOEXEC_SEAL  // Linux 6.3
#define MFD_NOEXEC_SEAL 0x0008U
#endif

namespace aiointerpreters::extensions {

namespace {

// Fills the empty file and compares it with the expected content.
std::optional<Copy> filled(const Original& original, FileDescriptor file, std::string& why) {
  if (!lets_code_be_mapped(file.number(), why) || !original.write_copy(file.number(), why)) return std::nullopt;
  if (!original.is_copied_in(file.number())) {
    why = "the copy was written, but it differs from " + original.path();
    return std::nullopt;
  }
  Copy copy;
  copy.path = path_of_descriptor(file.number());
  copy.file = std::move(file);
  copy.size = original.copy_size();
  copy.made = true;
  return copy;
}

}  // namespace

std::optional<Copy> copy_without_name(const Original& original, int folder, std::string& why) {
  // The file has a name for an instant. O_TMPFILE is not used: some file systems lack it, and the memory maps of the
  // process would not show a name.
  FileDescriptor file = std::move(BegunFile(folder, original.name()).file());
  if (!file) {
    why = error_text(errno);
    return std::nullopt;
  }
  return filled(original, std::move(file), why);
}

std::optional<Copy> temporary_copy(const Original& original, const std::string& path, std::string& why) {
  const FileDescriptor folder = open_at(AT_FDCWD, path.c_str(), O_RDONLY | O_DIRECTORY);
  if (!folder) {
    why = error_text(errno);
    return std::nullopt;
  }
  if (!has_suitable_file_system(folder.number(), why)) return std::nullopt;
  return copy_without_name(original, folder.number(), why);
}

std::optional<Copy> copy_in_memory(const Original& original, std::string& why) {
  const std::string name = original.name().substr(0, 200);  // memfd_create(2): at most 249 bytes
  // The file can never be executed as a program, which some systems require. Older kernels do not know that flag.
  FileDescriptor file(::memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL));
  if (!file && errno == EINVAL) file = FileDescriptor(::memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file) {
    why = error_text(errno);
    return std::nullopt;
  }
  std::optional<Copy> copy = filled(original, std::move(file), why);
  // No process can change it any more. If this fails, the file works as well.
  if (copy) static_cast<void>(::fcntl(copy->file.number(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW));
  return copy;
}

std::string path_of_descriptor(int file) {
  static constinit std::atomic<std::uint64_t> paths{0};
  std::string path = "/proc/self/fd";
  // relaxed: only the numbers have to differ. The binary digits of the number, the lowest first, make each text different.
  for (std::uint64_t number = paths.fetch_add(1, std::memory_order_relaxed); number != 0; number /= 2) {
    path += number % 2 != 0 ? "/." : "/";
  }
  return path + "/" + std::to_string(file);
}

bool lets_code_be_mapped(int file, std::string& why) {
  // Nothing is read: the kernel decides by the file system and its rules for this file. The length may go beyond the end.
  void* const page = ::mmap(nullptr, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0);
  if (page == MAP_FAILED) {
    why = "code cannot be mapped from there: " + error_text(errno);
    return false;
  }
  ::munmap(page, 1);
  return true;
}

}  // namespace aiointerpreters::extensions
