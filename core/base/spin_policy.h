// SpinPolicy: whether whoever waits should look for a while, awake, before it sleeps. On a quiet machine that saves the 5 to
// 50 microseconds of a wake-up. Where other processes compute it does harm: a spinner spends this process's share of the
// processor, and then has to wait, runnable, for several milliseconds. So the policy judges by what the last waits found:
//
// - A spin that ends without an answer makes the next waits sleep at once: after the first such spin none, then 1, 3, 7, up
//   to kMaxPause of them. Then one wait spins again, to learn whether that pays by now.
//   Some answers in a row, and all is forgotten.
// - A spin that was taken off its processor shows that others want it. For some waits spins are short then: what an awake
//   partner answers at once is still found, and little is spent on anything else.
//
// It counts waits, not time: the rarer the waits, the less there is to gain or lose.
// Owner: whoever waits, one for each kind of wait. Not thread-safe: its owner guards it.
#pragma once

#include <algorithm>
#include <chrono>

namespace aiointerpreters::base {

// What a spin has found out.
struct Spun {
  bool found = false;
  bool robbed = false;  // other threads had the processor for a good part of it
};

class SpinPolicy {
 public:
  using Duration = std::chrono::nanoseconds;

  // Waits that sleep at once between two spins that find nothing.
  static constexpr unsigned kMaxPause = 32;
  // As many answers in a row end the pauses.
  static constexpr unsigned kSettled = 4;
  // What a spin may take while others want the processor: less than it costs to sleep and to be woken.
  static constexpr Duration kShort = std::chrono::microseconds(5);
  // For so many waits spins are short at first; while it goes on, kGrowth times as many each time, up to the latter.
  static constexpr unsigned kMinWary = 32;
  static constexpr unsigned kGrowth = 2;
  static constexpr unsigned kMaxWary = 256;

  explicit constexpr SpinPolicy(Duration budget) noexcept : budget_(budget) {}

  // A wait begins. Returns how long it may spin; zero: it should sleep at once.
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

  // What came of a spin that `begin` allowed.
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
  unsigned pause_ = 0;       // waits that are to sleep at once
  unsigned next_pause_ = 0;  // so many after the next spin that finds nothing
  unsigned answers_ = 0;     // in a row, up to kSettled
  unsigned wary_ = 0;        // waits whose spins are to be short
  unsigned wary_length_ = kMinWary;
  unsigned calm_ = kMaxWary;  // waits since that was over, up to kMaxWary
};

}  // namespace aiointerpreters::base
