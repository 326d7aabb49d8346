// Whole pages of memory from the operating system, without malloc. Memory that is given back leaves the process.
// Thread: any.
#pragma once

#include <cstddef>

namespace aiointerpreters::base {

// Zeroed memory, aligned to a page. Null if a limit forbids it (RLIMIT_AS, the kernel's overcommit rules). Address space is
// used at once, memory only when it is written. Large blocks use large pages if the system has them.
[[nodiscard]] void* map_pages(std::size_t size) noexcept;
// Gives back everything that `map_pages(size)` has returned.
void unmap_pages(void* pages, std::size_t size) noexcept;

// Whether the process could get `size` more bytes. Allocates nothing with malloc: glibc would keep the memory, and would
// put blocks of that size into its arenas from then on.
[[nodiscard]] bool has_headroom(std::size_t size) noexcept;

// While it lives, memory that is written for the first time comes in large pages, if the system has them: one page fault
// for 2 MiB instead of 512. Page faults are most of the cost of copying into fresh memory. It is meant for large blocks of
// malloc, and does not change how malloc uses the pages later. Does nothing for small blocks.
class LargePages {
 public:
  LargePages(void* memory, std::size_t size) noexcept;
  ~LargePages();
  LargePages(const LargePages&) = delete;
  LargePages& operator=(const LargePages&) = delete;

 private:
  // Linux alone uses them.
  [[maybe_unused]] void* first_ = nullptr;
  [[maybe_unused]] std::size_t size_ = 0;  // 0: nothing was requested
};

// The size from which on large pages pay.
inline constexpr std::size_t kLargeBlock = std::size_t{4} << 20;

}  // namespace aiointerpreters::base
