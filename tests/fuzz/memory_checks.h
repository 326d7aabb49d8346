// What AddressSanitizer tells and is told; without it there is nothing to tell. Thread: any.
#pragma once

#include <cstddef>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define AIOI_FUZZ_HAS_ASAN 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define AIOI_FUZZ_HAS_ASAN 1
#endif

#ifdef AIOI_FUZZ_HAS_ASAN
#include <sanitizer/asan_interface.h>

// gcc comes without the header that has it.
extern "C" std::size_t __sanitizer_get_current_allocated_bytes();
#endif

namespace aiointerpreters::fuzz {

// Memory that may not be touched while this lives.
class OutOfBounds {
 public:
  OutOfBounds(const void* start, std::size_t size) noexcept : start_(start), size_(size) {
#ifdef AIOI_FUZZ_HAS_ASAN
    __asan_poison_memory_region(start_, size_);
#endif
  }
  OutOfBounds(const OutOfBounds&) = delete;
  OutOfBounds& operator=(const OutOfBounds&) = delete;
  ~OutOfBounds() {
#ifdef AIOI_FUZZ_HAS_ASAN
    __asan_unpoison_memory_region(start_, size_);
#endif
  }

 private:
  [[maybe_unused]] const void* start_;
  [[maybe_unused]] std::size_t size_;
};

// What the process has from malloc; Python's objects count where PYTHONMALLOC=malloc.
[[nodiscard]] inline std::size_t allocated_bytes() noexcept {
#ifdef AIOI_FUZZ_HAS_ASAN
  return __sanitizer_get_current_allocated_bytes();
#else
  return 0;
#endif
}

}  // namespace aiointerpreters::fuzz
