// Edit: bytes that a copy of a file has instead of the original's, at most reaching beyond its end: that is how something is
// added. Of several, a later one sees what earlier ones have added, and wins where both write. Plain data and not a
// function, so that a copy can be told by what it is: two copies with equal edits are the same file.
// Thread: any; plain data.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace aiointerpreters::extensions {

struct Edit {
  std::uint64_t offset;
  std::string bytes;
};
using Edits = std::vector<Edit>;

template <typename Plain>
[[nodiscard]] Edit edit_to(std::uint64_t offset, const Plain& value) {
  return {offset, std::string(reinterpret_cast<const char*>(&value), sizeof value)};
}

// Makes edits in a file that is held in memory. Errors: std::bad_alloc.
inline void apply_edits(const Edits& edits, std::vector<std::byte>& file) {
  for (const Edit& edit : edits) {
    file.resize(std::max<std::size_t>(file.size(), edit.offset + edit.bytes.size()));
    std::memcpy(file.data() + edit.offset, edit.bytes.data(), edit.bytes.size());
  }
}

}  // namespace aiointerpreters::extensions
