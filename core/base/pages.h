// Whole pages of memory from the operating system, past malloc: what is given back there is gone from the process.
// Thread: any.
#pragma once

#include <cstddef>

namespace aiointerpreters::base {

// Zeroed memory, aligned to a page; null if a limit forbids it (RLIMIT_AS, the kernel's rules of overcommitting). It takes
// room in the address space at once, and memory where it is written. On large pages where there are such, if it is large.
[[nodiscard]] void* map_pages(std::size_t size) noexcept;
// Gives back all that `map_pages(size)` has returned.
void unmap_pages(void* pages, std::size_t size) noexcept;

// Whether the process may have `size` more bytes. Takes none: malloc would keep what it got for this question, and would
// from then on put blocks of that size into its arenas (glibc).
[[nodiscard]] bool has_headroom(std::size_t size) noexcept;

// As long as it lives, memory that is written for the first time comes in large pages, where there are such:
// one page fault for
// 2 MiB instead of 512, which is most of what copying into fresh memory costs. For large blocks of malloc: what it does with
// the pages later is as it was. Does nothing for small blocks.
class LargePages {
 public:
  LargePages(void* memory, std::size_t size) noexcept;
  ~LargePages();
  LargePages(const LargePages&) = delete;
  LargePages& operator=(const LargePages&) = delete;

 private:
  // Linux alone uses them.
  [[maybe_unused]] void* first_ = nullptr;
  [[maybe_unused]] std::size_t size_ = 0;  // 0: nothing was asked for
};

// From this size on large pages are worth it.
inline constexpr std::size_t kLargeBlock = std::size_t{4} << 20;

}  // namespace aiointerpreters::base
