// Edit: bytes to be written into a file, so that a copy differs from what it is a copy of.
// Thread: any; plain data.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <vector>

namespace aiointerpreters::extensions {

struct Edit {
  std::size_t offset;  // may be behind the end of the file: what is between is zero
  std::vector<std::byte> bytes;
};

template <typename Plain>
[[nodiscard]] Edit edit_to(std::size_t offset, const Plain& value) {
  Edit edit{offset, std::vector<std::byte>(sizeof value)};
  std::memcpy(edit.bytes.data(), &value, sizeof value);
  return edit;
}

// Makes edits in a file that is held in memory. Errors: std::bad_alloc.
inline void apply_edits(const std::vector<Edit>& edits, std::vector<std::byte>& file) {
  for (const Edit& edit : edits) {
    file.resize(std::max(file.size(), edit.offset + edit.bytes.size()));
    std::copy(edit.bytes.begin(), edit.bytes.end(), file.begin() + static_cast<std::ptrdiff_t>(edit.offset));
  }
}

}  // namespace aiointerpreters::extensions
