// Bounded spinning, the step before parking. An answer from another core takes a fraction of a microsecond; waking a parked
// thread takes 5 to 50 microseconds. So a waiting thread spins for a while before it sleeps, if that pays (spin_policy.h).
// It never yields the processor: if other processes compute, that gives away a whole slice of 1 to 4 milliseconds.
// Thread: any. Blocks: for the budget at most, so the caller should be detached.
#pragma once

#include <chrono>

#include "base/futex.h"
#include "base/spin_policy.h"

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

// If a thread is away for longer, it has been taken off its processor: interrupts take less, and another thread's slice
// takes more.
inline constexpr std::chrono::microseconds kRobbed{100};

// Calls `ready` until it returns true or the budget is used up. Returns its last answer, and whether the thread was off its
// processor in between.
template <typename Ready>
[[nodiscard]] Spun spin_until(Ready&& ready, std::chrono::nanoseconds budget) {
  constexpr int kLooksPerClock = 16;  // the clock costs as much as several looks
  if (ready()) return {.found = true};
  if (budget.count() <= 0) return {};
  Clock::time_point last = Clock::now();
  const Clock::time_point end = last + budget;
  for (Spun spun;;) {
    for (int look = 0; look < kLooksPerClock && !spun.found; ++look) {
      cpu_relax();
      spun.found = ready();
    }
    const Clock::time_point now = Clock::now();
    if (now - last > kRobbed) spun.robbed = true;
    last = now;
    if (spun.found || now >= end) return spun;
  }
}

}  // namespace aiointerpreters::base
