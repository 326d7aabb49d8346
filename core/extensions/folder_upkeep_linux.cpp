// See folder_upkeep.h.
#include "extensions/folder_upkeep.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "extensions/copy_names.h"
#include "extensions/file_descriptor.h"
#include "extensions/file_io.h"

namespace aiointerpreters::extensions {

namespace {

struct Entry {
  std::string name;
  std::uint64_t bytes;
  std::int64_t used;
  bool begun;
};

struct CloseFolder {
  void operator()(DIR* folder) const noexcept { ::closedir(folder); }
};

using Listing = std::unique_ptr<DIR, CloseFolder>;

// Errors: none, see errno.
Listing open_listing(int folder) {
  FileDescriptor again = open_at(folder, ".", O_RDONLY | O_DIRECTORY);  // a descriptor with its own position
  Listing listing(again ? ::fdopendir(again.number()) : nullptr);
  if (listing != nullptr) static_cast<void>(again.release());  // the listing owns it
  return listing;
}

// The files that are ours, oldest use first.
std::vector<Entry> entries_of(int folder) {
  std::vector<Entry> entries;
  const Listing listing = open_listing(folder);
  while (const dirent* const found = listing == nullptr ? nullptr : ::readdir(listing.get())) {
    const bool begun = is_begun_name(found->d_name);
    if (!begun && !is_copy_name(found->d_name)) continue;
    struct stat facts{};
    if (::fstatat(folder, found->d_name, &facts, AT_SYMLINK_NOFOLLOW) != 0 || S_ISDIR(facts.st_mode)) continue;
    entries.push_back({found->d_name, static_cast<std::uint64_t>(facts.st_size), facts.st_mtim.tv_sec, begun});
  }
  std::sort(entries.begin(), entries.end(), [](const Entry& one, const Entry& other) { return one.used < other.used; });
  return entries;
}

void remove(int folder, const Entry& entry, Removed& removed) noexcept {
  if (::unlinkat(folder, entry.name.c_str(), 0) == 0) {
    ++removed.files;
    removed.bytes += entry.bytes;
  } else if (errno != ENOENT) {  // another process was faster
    removed.error = errno;
  }
}

}  // namespace

bool holds_only_others(int folder, std::string& why) {
  constexpr std::size_t kShown = 3;
  std::string shown;
  std::size_t others = 0;
  const Listing listing = open_listing(folder);
  while (const dirent* const found = listing == nullptr ? nullptr : ::readdir(listing.get())) {
    const std::string_view name = found->d_name;
    if (name == "." || name == "..") continue;
    if (name == kLockName || is_begun_name(name) || is_copy_name(name)) return false;
    if (++others <= kShown) shown += (others == 1 ? "" : ", ") + std::string(name);
  }
  if (others == 0) return false;
  why = "it contains other things (" + shown + (others > kShown ? ", ...)" : ")") +
        ": a folder for copies must be new or empty";
  return true;
}

Contents look_through(int folder) {
  Contents contents;
  for (const Entry& entry : entries_of(folder)) {
    if (entry.begun) continue;
    if (!contents.oldest_use) contents.oldest_use = entry.used;
    ++contents.files;
    contents.bytes += entry.bytes;
  }
  return contents;
}

Removed prune(int folder, const Limits& limits) {
  Removed removed;
  // Opened for each call, because a lock belongs to an open file description.
  const FileDescriptor lock = open_at(folder, kLockName, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
  if (!lock || ::flock(lock.number(), LOCK_EX | LOCK_NB) != 0) return removed;
  const std::vector<Entry> entries = entries_of(folder);
  std::uint64_t bytes = 0;
  for (const Entry& entry : entries) bytes += entry.begun ? 0 : entry.bytes;
  const std::int64_t now = std::time(nullptr);
  for (const Entry& entry : entries) {
    const std::int64_t age = now - entry.used;
    if (entry.begun ? age > limits.begun : age > limits.unused || (bytes > limits.bytes && age > limits.in_use)) {
      remove(folder, entry, removed);
      if (!entry.begun) bytes -= entry.bytes;
    }
  }
  return removed;
}

Removed clear(int folder) {
  Removed removed;
  const std::int64_t now = std::time(nullptr);
  for (const Entry& entry : entries_of(folder)) {
    if (!entry.begun || now - entry.used > Limits().begun) remove(folder, entry, removed);
  }
  return removed;
}

}  // namespace aiointerpreters::extensions
