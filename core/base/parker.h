// Parker: one thread sleeps here until another one wakes it. A wake-up that comes first is kept, so none is lost.
// Thread: park by its owner only; unpark by any. Blocks: park does, so the owner must be detached.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/futex.h"

namespace aiointerpreters::base {

class Parker {
 public:
  Parker() noexcept = default;
  Parker(const Parker&) = delete;
  Parker& operator=(const Parker&) = delete;

  // Returns at the next unpark, or immediately if one came since the last park; then true. False when the deadline has
  // passed.
  bool park(const Deadline& deadline = Deadline()) noexcept {
    // acquire: pairs with the release of unpark.
    while (word_.exchange(kEmpty, std::memory_order_acquire) != kToken) {
      const Wake wake = wait_on(word_, kEmpty, deadline);
      if (wake == Wake::kTimedOut) return word_.exchange(kEmpty, std::memory_order_acquire) == kToken;
    }
    return true;
  }
  void unpark() noexcept {
    word_.store(kToken, std::memory_order_release);
    wake_one(&word_);
  }

 private:
  static constexpr std::uint32_t kEmpty = 0;
  static constexpr std::uint32_t kToken = 1;
  std::atomic<std::uint32_t> word_{kEmpty};
};

}  // namespace aiointerpreters::base
