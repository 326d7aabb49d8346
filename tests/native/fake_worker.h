// What a worker of a pool does, for the tests of core/pool.
#pragma once

#include <gtest/gtest.h>

#include "pool/pool.h"

namespace aiointerpreters::pool {

// The worker looks for a task and finds none. Returns its errand.
inline Seat::Errand take_errand(Pool& pool, Seat& seat) {
  EXPECT_FALSE(pool.take(seat));
  return seat.errand;
}

// The same, after it has found nothing before.
inline Seat::Errand wait_for_errand(Pool& pool, Seat& seat) {
  EXPECT_FALSE(pool.wait(seat));
  return seat.errand;
}

}  // namespace aiointerpreters::pool
