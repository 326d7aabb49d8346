// Signals: values that other threads read, or sleep on, without the pool's lock. They are written under that lock.
// Owner: the pool. Thread: any may read.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/cache_line.h"

namespace aiointerpreters::pool {

struct Signals {
  using Word = base::OwnLine<std::atomic<std::uint32_t>>;

  Word threads;       // existing or starting; release / acquire; the thread that waits for the pool's end sleeps on it
  Word interpreters;  // existing, or being created or ended; release / acquire
  Word rest_news;     // changes when a thread that waits for a rest should look again; release / acquire
  // For spinning threads: there is a task, or the pool is closed. relaxed: the task itself is looked up under the lock.
  base::OwnLine<std::atomic<bool>> is_stirring;
};

static_assert(alignof(Signals) == base::kCacheLine, "who spins on one of them must not be disturbed by changes of another");

}  // namespace aiointerpreters::pool
