// Edit: bytes that replace bytes of the original in a copy. An edit may begin inside the file and reach beyond its end, or
// begin where an earlier edit ended: this adds to the file. If two edits overlap, the later one wins. Edits are data and
// not functions, so that copies can be compared: two copies of one original with equal edits are the same file.
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
