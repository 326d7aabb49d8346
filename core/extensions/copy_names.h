// The names of the files in a folder of copies. What has no such name is somebody else's, and never touched.
// Thread: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace aiointerpreters::extensions {

// The file that makes one process at a time prune a folder.
inline constexpr const char* kLockName = ".aiointerpreters-lock";

// "44bc2cf5ad770999-0000000000000000-2-0-_speedups.abi3.so": a copy of what has this content, with these edits, for the
// interpreters with the number 2; `twin` tells apart originals that are alike in all of that. The original's name is at the
// end, where whoever looks at a process's maps finds it, shortened to what fits.
[[nodiscard]] std::string copy_name(std::uint64_t content, std::uint64_t edits, unsigned k, std::size_t twin,
                                    std::string_view original);
[[nodiscard]] bool is_copy_name(std::string_view name) noexcept;

// A new name at each call in this process: of a file that is being written. Processes that do not see each other
// (containers) may come to the same one.
[[nodiscard]] std::string begun_name(std::string_view original);
[[nodiscard]] bool is_begun_name(std::string_view name) noexcept;

}  // namespace aiointerpreters::extensions
