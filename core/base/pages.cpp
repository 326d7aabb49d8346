// See pages.h: mmap(2), on Linux with madvise(2); VirtualAlloc on Windows.
#include "base/pages.h"

#include <cstddef>
#include <cstdint>

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#else
#include <sys/mman.h>
#endif

namespace aiointerpreters::base {

#if defined(_WIN32)

void* map_pages(std::size_t size) noexcept { return VirtualAlloc(nullptr, size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE); }

void unmap_pages(void* pages, std::size_t) noexcept { VirtualFree(pages, 0, MEM_RELEASE); }

#else

void* map_pages(std::size_t size) noexcept {
  void* const pages = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) return nullptr;
#if defined(__linux__)
  if (size >= kLargeBlock) static_cast<void>(madvise(pages, size, MADV_HUGEPAGE));
#endif
  return pages;
}

void unmap_pages(void* pages, std::size_t size) noexcept { munmap(pages, size); }

#endif

bool has_headroom(std::size_t size) noexcept {
  void* const pages = map_pages(size);
  if (pages == nullptr) return false;
  unmap_pages(pages, size);
  return true;
}

#if defined(__linux__)

LargePages::LargePages(void* memory, std::size_t size) noexcept {
  constexpr std::uintptr_t kLargePage = std::uintptr_t{2} << 20;
  if (size < kLargeBlock) return;
  // Whole large pages only, because their neighbours belong to other owners.
  const auto begin = reinterpret_cast<std::uintptr_t>(memory);
  const std::uintptr_t first = (begin + kLargePage - 1) & ~(kLargePage - 1);
  const std::uintptr_t end = (begin + size) & ~(kLargePage - 1);
  if (first >= end) return;
  first_ = static_cast<std::byte*>(memory) + (first - begin);
  size_ = madvise(first_, end - first, MADV_HUGEPAGE) == 0 ? end - first : 0;
}

LargePages::~LargePages() {
  // Written pages stay as they are. Without this call, small blocks that malloc puts here later would cost a large page
  // each. There is no call that restores the former setting.
  if (size_ != 0) static_cast<void>(madvise(first_, size_, MADV_NOHUGEPAGE));
}

#else

LargePages::LargePages(void*, std::size_t) noexcept {}
LargePages::~LargePages() = default;

#endif

}  // namespace aiointerpreters::base
