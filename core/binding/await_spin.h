// AwaitSpin: how long an event loop looks, awake, for the end of a call that is about to be awaited, before it goes on to
// whatever else it has to do and sleeps. It learns from what the last looks have found.
// Owner: the bridge of the loop. Thread: the loop's. Plain data; asks nobody.
#pragma once

#include <algorithm>
#include <chrono>

namespace aiointerpreters::binding {

class AwaitSpin {
 public:
  using Duration = std::chrono::nanoseconds;

  static constexpr Duration kBudget = std::chrono::microseconds(20);
  // So many calls are not looked for at most, after looks that have found nothing.
  static constexpr unsigned kMostSkipped = 63;

  // Zero: it never looks.
  explicit AwaitSpin(Duration budget) noexcept : budget_(budget) {}

  // A call is about to be awaited. Returns how long to look for its end; zero: not at all. Else `learn` follows.
  [[nodiscard]] Duration begin() noexcept {
    if (skipped_ == 0) return budget_;
    --skipped_;
    return Duration(0);
  }
  // Whether the call has ended in that time. After each look in a row that finds nothing twice as many calls are not looked for.
  void learn(bool found) noexcept {
    next_skipped_ = found ? 0 : std::min(2 * next_skipped_ + 1, kMostSkipped);
    skipped_ = next_skipped_;
  }

 private:
  Duration budget_;
  unsigned skipped_ = 0;       // so many calls are still not to be looked for
  unsigned next_skipped_ = 0;  // so many were not, after the last look
};

}  // namespace aiointerpreters::binding
