// The contended half of mutex.h.
#include "base/mutex.h"

#include "base/futex.h"
#include "base/spin.h"

namespace aiointerpreters::base {

void Mutex::lock_slow() noexcept {
  constexpr int kLooks = 200;  // a few microseconds: many times the length of our critical sections
  for (int look = 0; look < kLooks; ++look) {
    cpu_relax();
    std::uint32_t expected = kFree;
    if (word_.load(std::memory_order_relaxed) == kFree &&
        word_.compare_exchange_weak(expected, kTaken, std::memory_order_acquire, std::memory_order_relaxed)) {
      return;
    }
  }
  while (word_.exchange(kContended, std::memory_order_acquire) != kFree) {
    static_cast<void>(wait_on(word_, kContended, Deadline()));
  }
}

void Mutex::wake() noexcept { wake_one(&word_); }

}  // namespace aiointerpreters::base
