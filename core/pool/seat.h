// Seat: a worker as its pool sees it.
// Owner: the worker. Locks: the pool's guards every member but `parker`, which any thread may wake.
#pragma once

#include <cstdint>

#include "base/parker.h"

namespace aiointerpreters::pool {

struct Seat {
  enum class Standing : std::uint8_t {
    kBusy,       // has a task, or is not there yet
    kSearching,  // awake, and will look at the queues before it parks
    kParked,     // asleep
  };
  Standing standing = Standing::kBusy;
  bool is_host = false;  // it has an interpreter, or is about to make one
  Seat* next_parked = nullptr;

  base::Parker parker;
};

}  // namespace aiointerpreters::pool
