// See stack.h; pthread_getattr_np(3), madvise(2).
#include "base/stack.h"

#if defined(__linux__)
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#endif

namespace aiointerpreters::base {

#if defined(__linux__)

void trim_stack() noexcept {
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return;
  void* lowest = nullptr;
  std::size_t size = 0;
  const bool is_known = pthread_attr_getstack(&attributes, &lowest, &size) == 0;
  pthread_attr_destroy(&attributes);
  if (!is_known) return;
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<std::uintptr_t>(lowest);
  const auto first = (begin + page - 1) & ~(page - 1);
  // Two pages stay: this call's own, and the next ones'.
  const auto end = (reinterpret_cast<std::uintptr_t>(&attributes) & ~(page - 1)) - 2 * page;
  if (first < end && end - first < size)
    static_cast<void>(madvise(static_cast<std::byte*>(lowest) + (first - begin), end - first, MADV_DONTNEED));
}

#else

void trim_stack() noexcept {}

#endif

}  // namespace aiointerpreters::base
