// CopyStore: where private copies of object files come from. An extension module keeps one set of static variables for each
// file that it is loaded from, so each interpreter loads a file of its own.
//
// Copies are files in a folder of the user's. Their names tell content and interpreter: the k-th copy of an object is shared
// by the k-th interpreters of all processes, and so are its pages, as far as nobody writes to them. The places, in order:
//   1. the folder in AIOINTERPRETERS_CACHE; where that is set, there is no other;
//   2. $XDG_CACHE_HOME/aiointerpreters/extensions;
//   3. $HOME/.cache/aiointerpreters/extensions;
//   4. a file without a name in $TMPDIR or /tmp, which is this process's alone;
//   5. memory (memfd_create).
// A folder serves if it belongs to the effective user and nobody else may write to it, and if code can be mapped from it
// (folder_rules.h). One that the user has named must not be somebody else's: empty, or with something of ours in it.
// Whatever else goes wrong, a full disk, a quota, a file system that is read-only, makes the next place serve. Copies that
// are already in a folder are used though nothing can be written there. Every copy is compared with its original, byte by
// byte, before it is handed out (copy_folder.h).
//
// Owner: a pool whose interpreters load private copies, and those interpreters. It is made at home, where the environment is
// read, and keeps no folder open. Several of one process need not know each other:
// no two of their interpreters have the same number.
// Thread: any, in parallel; nothing is locked while files are read and written.
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

// The variables that name the places, and who is trusted; empty is unset.
struct Environment {
  std::string cache;  // AIOINTERPRETERS_CACHE
  std::string xdg_cache_home;
  std::string home;
  std::string temporary;     // TMPDIR
  std::string trusted = {};  // AIOINTERPRETERS_EXTENSIONS_TRUSTED (unsound.h) NOLINT(readability-redundant-member-init): who
                             // leaves it out would be warned of

  // Thread: one that nobody changes the environment beside.
  [[nodiscard]] static Environment of_process();
};

// A folder as `python -m aiointerpreters cache` shows it.
struct FolderReport {
  std::string path;
  std::string refused;     // why it does not serve; empty if it does
  bool absent = false;     // it is not there, and will be made
  bool read_only = false;  // what is in it serves; new copies go elsewhere
  Contents contents;
};

// What emptying has done, in all folders.
struct Cleared {
  std::size_t files = 0;
  std::uint64_t bytes = 0;
  std::vector<std::string> errors;  // a sentence for each folder in which something was left
};

class CopyStore {
 public:
  // Copies for more interpreters than this have no name in the folder, and are gone with the process: whoever makes and ends
  // interpreters all day needs new ones all the time, as one that was loaded is never given to another.
  static constexpr unsigned kShared = 64;

  // `report` gets a sentence when, for the first time, a copy lies in another place than the first one. It is called on the
  // thread that gets the copy.
  using Report = std::function<void(std::string sentence)>;
  explicit CopyStore(const Environment& environment, Report report = nullptr);

  // The copy of the object for the k-th interpreter of this process, with `edits` in it. Two originals that are alike get
  // different ones. The same call again returns the same file as long as it is there: k is used once for each interpreter
  // that a process has ever had, and the child of a fork, which has inherited what was loaded, goes on with it. The path may
  // be gone before it is loaded, as others empty and prune the folder: the open file is loaded then (path_of_descriptor).
  // Blocks: reads the original and the copy, writes the copy if there is none; prunes now and then.
  // Errors: none, and `why` says so with paths and reasons; std::bad_alloc.
  [[nodiscard]] std::optional<Copy> get(const std::string& original, unsigned k, const Edits& edits, std::string& why);

  // Of what it is asked to make copies although it is known as unsound.
  [[nodiscard]] const Trust& trust() const noexcept { return trust_; }

  // The folders, in the order in which they are tried. Makes none.
  [[nodiscard]] std::vector<FolderReport> describe() const;
  // Removes all copies from the folders. Programs that use them are not disturbed.
  [[nodiscard]] Cleared clear() const;

 private:
  // After so many new bytes it is time to prune again: often enough for the limits, and not once for each file of a large
  // package.
  static constexpr std::uint64_t kPruneAfter = 256'000'000;

  [[nodiscard]] std::optional<Copy> from_folder(const std::string& path, const Original& original, const std::string& name,
                                                std::string& why);
  [[nodiscard]] std::optional<std::string> name_for(const Original& original, unsigned k, std::string& why)
      AIOI_EXCLUDES(mutex_);
  [[nodiscard]] std::optional<std::uint64_t> hash_of(const Original& original, std::string& why) AIOI_EXCLUDES(mutex_);
  [[nodiscard]] bool is_time_to_prune(std::uint64_t made) noexcept;

  std::vector<std::string> folders_;  // in order
  bool only_folders_ = false;         // the user has named it, and nothing else is tried
  std::string temporary_;
  const Trust trust_;
  const Report report_;
  std::atomic<bool> reported_{false};

  std::atomic<std::uint64_t> made_{0};  // bytes
  base::Mutex mutex_;
  // What the hash of an original was. A wrong one could only make a file under a name that does not fit:
  // names prove nothing.
  std::map<Original::Identity, std::uint64_t> hashes_ AIOI_GUARDED_BY(mutex_);
  // Originals, by path, that have the same content, edits and name: their places here tell them apart
  // (wheels have duplicates).
  std::map<std::string, std::vector<std::string>> twins_ AIOI_GUARDED_BY(mutex_);
};

}  // namespace aiointerpreters::extensions
