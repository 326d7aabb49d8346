// Seat: a worker as its pool sees it.
// Owner: the worker. Locks: the pool's guards every member but `parker`, which any thread may wake.
#pragma once

#include <cstdint>
#include <memory>

#include "base/parker.h"
#include "pool/interrupter.h"
#include "pool/loop_port.h"

namespace aiointerpreters::pool {

struct Seat {
  enum class Standing : std::uint8_t {
    kBusy,       // has a task, or is not there yet
    kSearching,  // awake, and will look at the queues before it parks
    kParked,     // asleep
  };
  Standing standing = Standing::kBusy;
  bool is_host = false;          // it takes tasks of the worker side
  bool has_interpreter = false;  // or is about to make one, or to end it
  bool must_rest = false;        // it has to end its interpreter before it waits again
  Seat* next_parked = nullptr;
  Seat* next_seat = nullptr;                 // in the pool
  const Task* current = nullptr;             // what it was given last, unless that was given back
  std::shared_ptr<Interrupter> interrupter;  // of its interpreter, once that can be interrupted
  LoopPortPtr loop;                          // of the event loop there, once it has to have one
  bool must_open_loop = false;               // before it takes or waits for a task

  base::Parker parker;
};

}  // namespace aiointerpreters::pool
