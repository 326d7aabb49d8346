// AwaitSpin: how long an event loop looks, awake, for the end of a call that is about to be awaited, before it goes on to
// whatever else it has to do and sleeps. It learns from what the last looks have found.
// Owner: the bridge of the loop. Thread: the loop's. Plain data; asks nobody.
#pragma once

#include <algorithm>
#include <chrono>

namespace aiointerpreters::binding {

class AwaitSpin {
 public:
  // Zero: not at all. Each answer that is not zero is followed by `learn`.
  [[nodiscard]] std::chrono::nanoseconds budget() noexcept {
    if (skipped_ == 0) return kBudget;
    --skipped_;
    return std::chrono::nanoseconds(0);
  }
  // Whether the call has ended within the budget. After each miss in a row twice as many calls are not looked for.
  void learn(bool found) noexcept {
    misses_ = found ? 0 : std::min(misses_ + 1, kMostMisses);
    skipped_ = (1U << misses_) - 1;
  }

 private:
  static constexpr std::chrono::microseconds kBudget{20};
  static constexpr unsigned kMostMisses = 6;

  unsigned misses_ = 0;   // in a row
  unsigned skipped_ = 0;  // so many calls are not looked for
};

}  // namespace aiointerpreters::binding
