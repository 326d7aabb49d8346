// Bounded spinning: what comes before parking. Another core's answer takes a fraction of a microsecond, waking a parked
// thread 5 to 50 microseconds; so whoever waits looks for a while before it sleeps. After the first microseconds it lets
// other threads have the processor between its looks: the one that it waits for may have no other.
// Thread: any. Blocks: for the budget at most, so the caller should be detached.
#pragma once

#include <chrono>
#include <thread>

#include "base/futex.h"

#if defined(__x86_64__) || defined(_M_X64) || defined(__i386__)
#include <immintrin.h>
#endif

namespace aiointerpreters::base {

inline void cpu_relax() noexcept {
#if defined(__x86_64__) || defined(_M_X64) || defined(__i386__)
  _mm_pause();
#elif defined(__aarch64__) && !defined(_MSC_VER)
  asm volatile("yield" ::: "memory");
#endif
}

// Calls `ready` until it is true or the budget is used up; returns its last answer.
template <typename Ready>
[[nodiscard]] bool spin_until(Ready&& ready, std::chrono::nanoseconds budget) {
  constexpr int kLooksPerClock = 16;  // the clock costs as much as several looks
  if (ready()) return true;
  if (budget.count() <= 0) return false;
  constexpr int kEagerRounds = 4;
  const Clock::time_point end = Clock::now() + budget;
  int round = 0;
  do {
    for (int look = 0; look < kLooksPerClock; ++look) {
      cpu_relax();
      if (ready()) return true;
    }
    if (++round > kEagerRounds) std::this_thread::yield();
  } while (Clock::now() < end);
  return false;
}

}  // namespace aiointerpreters::base
