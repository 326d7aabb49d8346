// Listing, pruning and emptying a folder of copies. Files whose names are not ours are never touched.
// It is safe to remove a copy that is in use: open and mapped files stay until the last user closes them.
// Thread: any. Any number of threads and processes may use the same folder. Linux only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace aiointerpreters::extensions {

// The limits that pruning keeps.
struct Limits {
  // A copy is removed when it has not been used for this many seconds: 30 days. Copies of updated or removed packages are
  // not used any more.
  std::int64_t unused = std::int64_t{30} * 24 * 60 * 60;
  // The size of all copies. The ones that have been unused for longest are removed first. 2 GB is enough for ten
  // interpreters with numpy, pandas, scipy, scikit-learn and pyarrow.
  std::uint64_t bytes = 2'000'000'000;
  // Copies that were used within a day are kept, even above that size. Otherwise a program that needs more would write them
  // again at each start. The limit is two days, because the recorded time of use is exact only to a day.
  std::int64_t in_use = std::int64_t{2} * 24 * 60 * 60;
  // If an unfinished file has not been touched for an hour, its process has ended: writing a file takes seconds.
  std::int64_t begun = std::int64_t{60} * 60;
};

struct Contents {
  std::size_t files = 0;
  std::uint64_t bytes = 0;
  std::optional<std::int64_t> oldest_use;  // seconds since 1970; none if there are no files
};

struct Removed {
  std::size_t files = 0;
  std::uint64_t bytes = 0;
  int error = 0;  // errno of the last file that could not be removed
};

// Whether the folder contains files, but none of ours. `why` then names some of them. An error counts as no.
[[nodiscard]] bool holds_only_others(int folder, std::string& why);

// The copies in the folder. Files that cannot be read are not counted.
[[nodiscard]] Contents look_through(int folder);
// Removes copies beyond the limits. Does nothing while another thread or process prunes the folder.
Removed prune(int folder, const Limits& limits);
// Removes all copies, and unfinished files of processes that have ended (Limits::begun). Files that are still being written
// are kept.
Removed clear(int folder);

}  // namespace aiointerpreters::extensions
