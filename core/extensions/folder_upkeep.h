// What is done with a folder of copies as a whole: looked at, pruned, emptied.
// Files whose names are not ours stay as they are.
// To remove a copy that somebody uses is safe: what is open or mapped stays until the last one lets go of it.
// Thread: any; any number of them, of any number of processes, on the same folder. Linux only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace aiointerpreters::extensions {

// What pruning leaves.
struct Limits {
  // Unused for so many seconds, a copy goes: 30 days, longer than a holiday. Packages that were updated or removed leave
  // copies behind that nobody asks for again.
  std::int64_t unused = std::int64_t{30} * 24 * 60 * 60;
  // Of all copies; the longest unused ones go. 2 GB: ten interpreters with numpy, pandas, scipy, scikit-learn and pyarrow.
  std::uint64_t bytes = 2'000'000'000;
  // But those that were used within a day stay, however many they are: a program that needs more would otherwise write them
  // again at each start. (More precisely than to a day, nobody keeps account of use.)
  std::int64_t in_use = std::int64_t{2} * 24 * 60 * 60;
  // What was begun and not touched for so long belongs to a process that has ended: an hour,
  // as a file is written in seconds.
  std::int64_t begun = std::int64_t{60} * 60;
};

struct Contents {
  std::size_t files = 0;
  std::uint64_t bytes = 0;
  std::optional<std::int64_t> oldest_use;  // seconds since 1970; none without files
};

struct Removed {
  std::size_t files = 0;
  std::uint64_t bytes = 0;
  int error = 0;  // the errno of the last one that could not be removed
};

// Whether there is something in the folder, and nothing of ours. `why` says so, with some names. An error counts as no.
[[nodiscard]] bool holds_only_others(int folder, std::string& why);

// The copies in the folder. Errors: what cannot be read is not counted.
[[nodiscard]] Contents look_through(int folder);
// Removes what is beyond the limits. Does nothing while another one prunes the folder, in this process or another.
Removed prune(int folder, const Limits& limits);
// Removes all copies, and what was begun by processes that have ended (Limits::begun):
// nobody who just makes one is disturbed.
Removed clear(int folder);

}  // namespace aiointerpreters::extensions
