// The names of the files in a folder of copies. A file with any other name is not ours, and is never touched.
// Thread: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace aiointerpreters::extensions {

// The lock file: only the process that holds its lock prunes the folder.
inline constexpr const char* kLockName = ".aiointerpreters-lock";

// The name of a copy, for example "44bc2cf5ad770999-0000000000000000-2-0-_speedups.abi3.so". Its fields are the hash of the
// content, the hash of the edits, the number of the interpreter (k), and `twin`, which tells apart originals for which all
// of these are equal. The original's name is last, shortened if necessary. It shows in a process's memory maps.
[[nodiscard]] std::string copy_name(std::uint64_t content, std::uint64_t edits, unsigned k, std::size_t twin,
                                    std::string_view original);
[[nodiscard]] bool is_copy_name(std::string_view name) noexcept;

// A name for a file that is being written. Each call in this process returns another one. Processes that do not see each
// other (containers) may choose the same name.
[[nodiscard]] std::string begun_name(std::string_view original);
[[nodiscard]] bool is_begun_name(std::string_view name) noexcept;

}  // namespace aiointerpreters::extensions
