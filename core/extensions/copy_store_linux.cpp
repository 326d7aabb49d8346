// See copy_store.h.
#include "extensions/copy_store.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "extensions/copy_folder.h"
#include "extensions/copy_names.h"
#include "extensions/file_io.h"
#include "extensions/folder_rules.h"
#include "extensions/nameless.h"

namespace aiointerpreters::extensions {

namespace {

constexpr const char* kBelowCache = "/aiointerpreters/extensions";

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

void append(std::string& sentences, const std::string& sentence) { sentences += (sentences.empty() ? "" : "; ") + sentence; }

}  // namespace

Environment Environment::of_process() {
  return {variable("AIOINTERPRETERS_CACHE"), variable("XDG_CACHE_HOME"), variable("HOME"), variable("TMPDIR"),
          variable(Trust::kVariable)};
}

CopyStore::CopyStore(const Environment& environment, Report report)
    : only_folders_(!environment.cache.empty()),
      temporary_(environment.temporary.empty() ? "/tmp" : environment.temporary),
      trust_(environment.trusted),
      report_(std::move(report)) {
  if (only_folders_) {
    std::error_code unknown;  // set if the working directory has been removed
    const std::filesystem::path path = std::filesystem::absolute(environment.cache, unknown);
    // A folder called ~ is a mistake. It is refused later.
    folders_.push_back(unknown || environment.cache.starts_with('~') ? environment.cache : path.string());
    return;
  }
  // A path that is not absolute is ignored (XDG Base Directory Specification).
  if (environment.xdg_cache_home.starts_with('/')) folders_.push_back(environment.xdg_cache_home + kBelowCache);
  if (environment.home.starts_with('/')) {
    std::string folder = environment.home + "/.cache" + kBelowCache;
    if (std::find(folders_.begin(), folders_.end(), folder) == folders_.end()) folders_.push_back(std::move(folder));
  }
}

std::optional<Copy> CopyStore::get(const std::string& path, unsigned k, const Edits& edits, std::string& why) {
  std::optional<Original> original = Original::open(path, edits, why);
  if (!original) return std::nullopt;
  const std::optional<std::string> name = name_for(*original, k, why);
  if (!name) return std::nullopt;
  std::optional<Copy> copy;
  std::string passed_over;
  const auto serves = [this, &original, &copy, &passed_over](const std::string& place, std::optional<Copy> found,
                                                             const std::string& reason) {
    if (found) {
      copy = std::move(found);
      copy->original = original->take_file();
      if (report_ && !passed_over.empty() && !reported_.exchange(true)) {
        report_("private copies of extension modules are kept in " + place + ", because " + passed_over);
      }
    } else {
      append(passed_over, place + " cannot be used: " + reason);
    }
    return copy.has_value();
  };
  std::string reason;
  for (const std::string& folder : folders_) {
    if (serves(folder, from_folder(folder, *original, *name, reason), reason)) return copy;
  }
  if (!only_folders_) {
    if (serves(temporary_, temporary_copy(*original, temporary_, reason), reason)) return copy;
    if (serves("memory", copy_in_memory(*original, reason), reason)) return copy;
  }
  why = "no folder can hold a private copy of " + path + ": " + passed_over;
  return std::nullopt;
}

std::optional<Copy> CopyStore::from_folder(const std::string& path, const Original& original, const std::string& name,
                                           std::string& why) {
  // A user may remove the folder by hand at any time. Another round is needed only if this happens between creating the
  // folder and creating a file in it.
  constexpr int kRounds = 100;
  for (int round = 0; round < kRounds; ++round) {
    bool absent = false;
    FileDescriptor opened = open_own_folder(path, true, why, absent);
    if (absent) continue;
    if (!opened || (only_folders_ && holds_only_others(opened.number(), why))) return std::nullopt;
    const CopyFolder folder(path, std::move(opened));
    std::optional<Copy> copy =
        name.empty() ? copy_without_name(original, folder.number(), why) : folder.get(original, name, why);
    if (!copy && !leads_to(path, folder.number())) continue;
    if (copy && copy->made && is_time_to_prune(copy->size)) prune(folder.number(), Limits());
    return copy;
  }
  return std::nullopt;
}

std::optional<std::string> CopyStore::name_for(const Original& original, unsigned k, std::string& why) {
  if (k >= kShared) return "";
  const std::optional<std::uint64_t> hash = hash_of(original, why);
  if (!hash) return std::nullopt;
  const std::uint64_t edits = original.hash_of_edits();
  const std::string kind = copy_name(*hash, edits, 0, 0, original.name());
  std::size_t twin = 0;
  {
    const base::Lock lock(mutex_);
    std::vector<std::string>& paths = twins_[kind];
    const auto known = std::find(paths.begin(), paths.end(), original.path());
    twin = static_cast<std::size_t>(known - paths.begin());
    if (known == paths.end()) paths.push_back(original.path());
  }
  return copy_name(*hash, edits, k, twin, original.name());
}

std::optional<std::uint64_t> CopyStore::hash_of(const Original& original, std::string& why) {
  {
    const base::Lock lock(mutex_);
    const auto known = hashes_.find(original.identity());
    if (known != hashes_.end()) return known->second;
  }
  const std::optional<std::uint64_t> hash = original.hash(why);
  if (hash) {
    const base::Lock lock(mutex_);
    hashes_.emplace(original.identity(), *hash);
  }
  return hash;
}

bool CopyStore::is_time_to_prune(std::uint64_t made) noexcept {
  // relaxed: it only decides when to prune. True the first time, and whenever a multiple is passed.
  const std::uint64_t before = made_.fetch_add(made, std::memory_order_relaxed);
  return before == 0 || before / kPruneAfter != (before + made) / kPruneAfter;
}

std::vector<FolderReport> CopyStore::describe() const {
  std::vector<FolderReport> reports;
  for (const std::string& path : folders_) {
    FolderReport& report = reports.emplace_back();
    report.path = path;
    const FileDescriptor folder = open_own_folder(path, false, report.refused, report.absent);
    if (report.absent) report.refused.clear();
    if (!folder || (only_folders_ && holds_only_others(folder.number(), report.refused))) continue;
    report.read_only = !may_write_to(folder.number());
    report.contents = look_through(folder.number());
  }
  return reports;
}

Cleared CopyStore::clear() const {
  Cleared cleared;
  for (const std::string& path : folders_) {
    std::string why;
    bool absent = false;
    const FileDescriptor folder = open_own_folder(path, false, why, absent);
    if (absent) continue;
    if (!folder) {
      cleared.errors.push_back((path + " was not emptied: ").append(why));
      continue;
    }
    const Removed removed = extensions::clear(folder.number());
    cleared.files += removed.files;
    cleared.bytes += removed.bytes;
    if (removed.error != 0) cleared.errors.push_back(path + " could not be emptied: " + error_text(removed.error));
  }
  return cleared;
}

}  // namespace aiointerpreters::extensions
