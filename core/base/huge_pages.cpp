// See huge_pages.h; Linux only (madvise(2), MADV_HUGEPAGE).
#include "base/huge_pages.h"

#if defined(__linux__)
#include <sys/mman.h>

#include <cstdint>
#endif

namespace aiointerpreters::base {

#if defined(__linux__)

void advise_huge_pages(void* memory, std::size_t size) noexcept {
  constexpr std::uintptr_t kHugePage = std::uintptr_t{2} << 20;
  if (size < 2 * kHugePage) return;
  // Whole huge pages only: their neighbours belong to somebody else.
  const std::uintptr_t first = (reinterpret_cast<std::uintptr_t>(memory) + kHugePage - 1) & ~(kHugePage - 1);
  const std::uintptr_t end = (reinterpret_cast<std::uintptr_t>(memory) + size) & ~(kHugePage - 1);
  if (first < end) static_cast<void>(madvise(reinterpret_cast<void*>(first), end - first, MADV_HUGEPAGE));
}

#else

void advise_huge_pages(void*, std::size_t) noexcept {}

#endif

}  // namespace aiointerpreters::base
