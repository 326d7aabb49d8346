// Mutex: a lock of four bytes for critical sections of a few dozen instructions. A thread that finds it taken first spins
// for a moment, because the owner leaves sooner than the kernel could put the thread to sleep. Then it sleeps on the word.
// (U. Drepper, "Futexes are tricky", 2011, mutex 2, with spinning added.)
// Thread: any. Blocks: without detaching, so code that can wait for an interpreter must not run under it
// (docs/design/data_path.md, 4).
#pragma once

#include <atomic>
#include <cstdint>

#include "base/annotations.h"

namespace aiointerpreters::base {

class AIOI_CAPABILITY("mutex") Mutex {
 public:
  constexpr Mutex() noexcept = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void lock() noexcept AIOI_ACQUIRE() {
    std::uint32_t expected = kFree;
    // acquire: pairs with the release of unlock, here and in lock_slow.
    if (!word_.compare_exchange_strong(expected, kTaken, std::memory_order_acquire, std::memory_order_relaxed)) lock_slow();
  }
  void unlock() noexcept AIOI_RELEASE() {
    if (word_.exchange(kFree, std::memory_order_release) == kContended) wake();
  }

 private:
  static constexpr std::uint32_t kFree = 0;
  static constexpr std::uint32_t kTaken = 1;
  static constexpr std::uint32_t kContended = 2;  // taken, and another thread may sleep

  void lock_slow() noexcept;
  void wake() noexcept;

  std::atomic<std::uint32_t> word_{kFree};
};

// Holds a Mutex for a scope.
class AIOI_SCOPED_CAPABILITY Lock {
 public:
  explicit Lock(Mutex& mutex) noexcept AIOI_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~Lock() AIOI_RELEASE() { mutex_.unlock(); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  Mutex& mutex_;
};

}  // namespace aiointerpreters::base
