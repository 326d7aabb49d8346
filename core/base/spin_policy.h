// SpinPolicy: whether a waiting thread should spin for a while before it sleeps. On a quiet machine, spinning saves the 5
// to 50 microseconds of a wake-up. If other processes compute, it does harm: a spinning thread uses up this process's share
// of the processor, and then has to wait, runnable, for several milliseconds. So the policy judges by the results of the
// last waits.
//
// After a spin that finds nothing, the next waits sleep immediately: none after the first such spin, then 1, 3, 7, up to
// kMaxPause of them. Then one wait spins again, to find out whether spinning pays now. Some answers in a row reset this.
//
// If a spin was taken off its processor, other threads want that processor. The spins of the next waits are then short.
// They still find the answer of a partner that is awake, and cost little otherwise.
//
// It counts waits, not time: if waits are rare, there is little to gain or lose.
// Owner: the waiting code, one policy for each kind of wait. Not thread-safe: its owner guards it.
#pragma once

#include <algorithm>
#include <chrono>

namespace aiointerpreters::base {

// The result of a spin.
struct Spun {
  bool found = false;
  bool robbed = false;  // other threads had the processor for a part of it
};

class SpinPolicy {
 public:
  using Duration = std::chrono::nanoseconds;

  // Waits that sleep immediately between two spins that find nothing.
  static constexpr unsigned kMaxPause = 32;
  // This many answers in a row end the pauses.
  static constexpr unsigned kSettled = 4;
  // The length of a spin while others want the processor: less than the cost of sleeping and waking.
  static constexpr Duration kShort = std::chrono::microseconds(5);
  // The number of waits with short spins: kMinWary at first. While others still want the processor, it is multiplied by
  // kGrowth, up to kMaxWary.
  static constexpr unsigned kMinWary = 32;
  static constexpr unsigned kGrowth = 2;
  static constexpr unsigned kMaxWary = 256;

  explicit constexpr SpinPolicy(Duration budget) noexcept : budget_(budget) {}

  // A wait begins. Returns how long it may spin; zero: it should sleep immediately.
  [[nodiscard]] Duration begin() noexcept {
    if (wary_ > 0) {
      --wary_;
    } else if (calm_ < kMaxWary) {
      ++calm_;
    }
    if (pause_ > 0) {
      --pause_;
      return Duration(0);
    }
    return wary_ > 0 ? std::min(kShort, budget_) : budget_;
  }

  // The result of a spin that `begin` allowed.
  void learn(Spun spun) noexcept {
    if (spun.robbed) be_wary();
    if (spun.found) {
      if (answers_ < kSettled) ++answers_;
      if (answers_ == kSettled) next_pause_ = 0;
      return;
    }
    answers_ = 0;
    pause_ = next_pause_;
    next_pause_ = std::min(2 * next_pause_ + 1, kMaxPause);
  }

  // Others want the processor, as far as is known.
  [[nodiscard]] bool is_wary() const noexcept { return wary_ > 0; }

 private:
  void be_wary() noexcept {
    wary_length_ = calm_ == kMaxWary ? kMinWary : std::min(kGrowth * wary_length_, kMaxWary);
    wary_ = wary_length_;
    calm_ = 0;
  }

  Duration budget_;
  unsigned pause_ = 0;       // waits that will sleep immediately
  unsigned next_pause_ = 0;  // their number after the next spin that finds nothing
  unsigned answers_ = 0;     // in a row, up to kSettled
  unsigned wary_ = 0;        // waits whose spins will be short
  unsigned wary_length_ = kMinWary;
  unsigned calm_ = kMaxWary;  // waits since the last wary one, up to kMaxWary
};

}  // namespace aiointerpreters::base
