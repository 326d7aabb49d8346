// Whole pages of memory from the operating system, without malloc: memory that is given back there leaves the process.
// Thread: any.
#pragma once

#include <cstddef>

namespace aiointerpreters::base {

// Zeroed memory, aligned to a page; null if a limit forbids it (RLIMIT_AS, the kernel's rules of overcommitting). It takes
// address space immediately, and memory when it is written. Large memory is on large pages if there are such pages.
[[nodiscard]] void* map_pages(std::size_t size) noexcept;
// Gives back everything that `map_pages(size)` has returned.
void unmap_pages(void* pages, std::size_t size) noexcept;

// Whether the process may have `size` more bytes. Takes none: glibc's malloc would keep memory that it got for this
// question, and would from then on put blocks of that size into its arenas.
[[nodiscard]] bool has_headroom(std::size_t size) noexcept;

// While it lives, memory that is written for the first time comes in large pages, if there are such pages: one page fault
// for 2 MiB instead of 512. Page faults are most of the cost of copying into fresh memory. For large blocks of malloc: its
// later use of the pages does not change. Does nothing for small blocks.
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

// Large pages are worth it from this size on.
inline constexpr std::size_t kLargeBlock = std::size_t{4} << 20;

}  // namespace aiointerpreters::base
