// IdleSpins: decides which of the threads that wait for work should spin, where, and for how long.
//
// Spinning threads take processors from threads that compute. So at most half as many threads spin as there are usable
// processors. None spins if there is only one processor, or if spinning does not pay (spin_policy.h). A thread never spins
// on the processor of the thread that hands out work, because it would keep the work from coming. It sleeps, and the two
// threads take turns, which costs 5 to 7 microseconds for each call. On two processors it costs half a microsecond.
// The scheduler prefers to wake a thread on the processor of its waker. So after some such turns the thread moves to
// another processor. If that one turns out to be busy, the number of turns until the next attempt grows.
// Owner: the pool of these threads. Thread: any. Locks: not thread-safe; the owner's lock guards everything but Plan::spin,
// which is called without it.
#pragma once

#include <algorithm>
#include <chrono>

#include "base/cpu.h"
#include "base/spin.h"
#include "base/spin_policy.h"

namespace aiointerpreters::base {

class IdleSpins {
 public:
  using Duration = SpinPolicy::Duration;

  // Turns on the giver's processor before a move: the first value, and the highest.
  static constexpr unsigned kMinTurns = 4;
  static constexpr unsigned kMaxTurns = 8192;

  struct Plan {
    Duration budget{0};
    int leave = -1;  // the processor to move away from first

    // False: sleep immediately; there is nothing to learn.
    [[nodiscard]] bool spins() const noexcept { return budget.count() > 0; }
    // Blocks: for the budget and, if it moves, until a processor is free.
    template <typename Ready>
    [[nodiscard]] Spun spin(Ready&& ready) const {
      if (leave < 0) return spin_until(ready, budget);
      const Clock::time_point start = Clock::now();
      leave_cpu(leave);
      const bool had_to_wait = Clock::now() - start > kRobbed;
      Spun spun = spin_until(ready, budget);
      spun.robbed = spun.robbed || had_to_wait;
      return spun;
    }
  };

  IdleSpins(unsigned cpus, Duration budget) noexcept : most_(cpus / 2), policy_(budget) {}

  // A thread begins to wait on the processor `cpu`; the latest work came from `giver_cpu`. -1: not known.
  [[nodiscard]] Plan begin(int cpu, int giver_cpu) noexcept {
    if (spinning_ >= most_) return {};
    Plan plan{.budget = policy_.begin()};
    if (cpu < 0 || cpu != giver_cpu) {
      turns_ = 0;
    } else if (++turns_ < turns_before_move_ || policy_.is_wary() || !plan.spins()) {
      return {};
    } else {
      plan.leave = cpu;
      turns_ = 0;
    }
    if (plan.spins()) ++spinning_;
    return plan;
  }

  // The result of a plan that spins.
  void learn(const Plan& plan, Spun spun) noexcept {
    --spinning_;
    policy_.learn(spun);
    if (plan.leave < 0) return;
    if (spun.robbed) {
      turns_before_move_ = std::min(2 * turns_before_move_, kMaxTurns);
    } else if (spun.found) {
      turns_before_move_ = kMinTurns;
    }
  }

 private:
  const unsigned most_;
  SpinPolicy policy_;
  unsigned spinning_ = 0;
  unsigned turns_ = 0;  // turns on the giver's processor, in a row
  unsigned turns_before_move_ = kMinTurns;
};

}  // namespace aiointerpreters::base
