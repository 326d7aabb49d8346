// Idle: the workers of one kind that are looking for a task, awake or asleep.
// Owner: the pool. Locks: the pool's.
#pragma once

#include <cstddef>

#include "pool/seat.h"

namespace aiointerpreters::pool {

struct Idle {
  Seat* parked = nullptr;     // the one that parked last comes first
  std::size_t searching = 0;  // awake; they look at the queues before they park, so nobody has to wake them
  std::size_t available = 0;  // parked + searching
};

}  // namespace aiointerpreters::pool
