// CopyStore: the source of private copies of object files. An extension module has one set of static variables for each
// file that it is loaded from, so each interpreter loads a file of its own.
//
// Copies are files in a folder of the user. Their names contain the hash of the content and the interpreter's number. The
// k-th interpreters of all processes share the k-th copy of an object, and share its memory pages that nobody writes to.
// These places are tried in this order:
//   1. the folder in AIOINTERPRETERS_CACHE; if this variable is set, no other place is tried;
//   2. $XDG_CACHE_HOME/aiointerpreters/extensions;
//   3. $HOME/.cache/aiointerpreters/extensions;
//   4. a file without a name in $TMPDIR or /tmp, for this process alone;
//   5. memory (memfd_create).
// A folder can be used if it belongs to the effective user, nobody else may write to it, and code can be mapped from it
// (folder_rules.h). A folder that the user has named must be empty or already contain files of ours. After any other error
// (a full disk, a quota, a read-only file system), the next place is tried. Copies that are already in a folder are used
// even if nothing can be written there. Every copy is compared with its original, byte by byte, before it is handed out
// (copy_folder.h).
//
// Owner: a pool whose interpreters load private copies, and those interpreters. It is created at home, where the
// environment is read. It keeps no folder open. Several stores in one process need not know each other, because no two
// interpreters of a process have the same number.
// Thread: any, in parallel. No lock is held while files are read or written.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/annotations.h"
#include "base/mutex.h"
#include "extensions/copy.h"
#include "extensions/folder_upkeep.h"
#include "extensions/original.h"
#include "extensions/unsound.h"

namespace aiointerpreters::extensions {

// The environment variables that name the places and the trusted extensions. An empty variable counts as unset.
struct Environment {
  std::string cache;  // AIOINTERPRETERS_CACHE
  std::string xdg_cache_home;
  std::string home;
  std::string temporary;     // TMPDIR
  std::string trusted = {};  // AIOINTERPRETERS_EXTENSIONS_TRUSTED (unsound.h) NOLINT(readability-redundant-member-init):
                             // without it, compilers warn of initializers that omit this member

  // Thread: any, while no thread changes the environment.
  [[nodiscard]] static Environment of_process();
};

// A folder as `python -m aiointerpreters cache` shows it.
struct FolderReport {
  std::string path;
  std::string refused;     // the reason why it cannot be used; empty if it can
  bool absent = false;     // it does not exist yet, and is created when it is needed
  bool read_only = false;  // existing copies are used; new ones go elsewhere
  Contents contents;
};

// The result of emptying all folders.
struct Cleared {
  std::size_t files = 0;
  std::uint64_t bytes = 0;
  std::vector<std::string> errors;  // one sentence for each folder in which files remain
};

class CopyStore {
 public:
  // Interpreters with higher numbers get copies without a name, which disappear with the process. A program that creates
  // and ends interpreters all day needs such copies all the time, because a loaded copy is never given to another
  // interpreter.
  static constexpr unsigned kShared = 64;

  // `report` gets one sentence, the first time that a copy is in another place than the first one. It is called on the
  // thread that gets the copy.
  using Report = std::function<void(std::string sentence)>;
  explicit CopyStore(const Environment& environment, Report report = nullptr);

  // The copy of the object for the k-th interpreter of this process, with `edits` applied. Two originals with the same
  // content get different copies. The same call returns the same file again while it exists. A process uses each k once;
  // the child of a fork inherits the loaded copies and continues the count. Other processes empty and prune the folder, so
  // the path may be gone before it is loaded. Then load the open file (path_of_descriptor).
  // Blocks: reads the original and the copy, and writes the copy if there is none. Sometimes prunes the folder.
  // Errors: none, and `why` has paths and reasons; std::bad_alloc.
  [[nodiscard]] std::optional<Copy> get(const std::string& original, unsigned k, const Edits& edits, std::string& why);

  // The extensions that may be copied although they are known as unsound.
  [[nodiscard]] const Trust& trust() const noexcept { return trust_; }

  // The folders, in the order in which they are tried. Creates none.
  [[nodiscard]] std::vector<FolderReport> describe() const;
  // Removes all copies from the folders. Programs that use them are not disturbed.
  [[nodiscard]] Cleared clear() const;

 private:
  // The folder is pruned after this many new bytes. This is often enough to keep the limits, and does not happen for each
  // file of a large package.
  static constexpr std::uint64_t kPruneAfter = 256'000'000;

  [[nodiscard]] std::optional<Copy> from_folder(const std::string& path, const Original& original, const std::string& name,
                                                std::string& why);
  [[nodiscard]] std::optional<std::string> name_for(const Original& original, unsigned k, std::string& why)
      AIOI_EXCLUDES(mutex_);
  [[nodiscard]] std::optional<std::uint64_t> hash_of(const Original& original, std::string& why) AIOI_EXCLUDES(mutex_);
  [[nodiscard]] bool is_time_to_prune(std::uint64_t made) noexcept;

  std::vector<std::string> folders_;  // in the order in which they are tried
  bool only_folders_ = false;         // the user has named the folder, so nothing else is tried
  std::string temporary_;
  const Trust trust_;
  const Report report_;
  std::atomic<bool> reported_{false};

  std::atomic<std::uint64_t> made_{0};  // bytes
  base::Mutex mutex_;
  // Known hashes of originals. A wrong hash does no harm: it leads only to another file name, and names are not trusted.
  std::map<Original::Identity, std::uint64_t> hashes_ AIOI_GUARDED_BY(mutex_);
  // Originals, by path, with the same content, edits and name (wheels contain duplicates). Their positions in this list
  // tell them apart.
  std::map<std::string, std::vector<std::string>> twins_ AIOI_GUARDED_BY(mutex_);
};

}  // namespace aiointerpreters::extensions
