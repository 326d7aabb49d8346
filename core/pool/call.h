// Call: the work to run, without any data about its waiters: the callable, its arguments, the context variables that it
// carries, and the lane of the pool that runs it.
// Owner: the task. It belongs to home until the task is queued, and to the worker from a successful start to the end.
#pragma once

#include <cstdint>
#include <memory>

#include "codec/callable_ref.h"
#include "codec/message.h"
#include "pool/lane.h"

namespace aiointerpreters::pool {

class LoopPort;

struct Call {
  explicit Call(Lane where) noexcept : lane(where) {}

  codec::CallablePtr callable;                                // null only in Lane::kHome
  std::uint64_t callable_id = codec::CallableRef::kUncached;  // the same as callable->id, without touching its cache line
  codec::Message message;                                     // the arguments; afterwards the outcome
  std::unique_ptr<codec::Message> context;                    // context variables to set for the call, by name; or null
  std::shared_ptr<LoopPort> port;                             // Lane::kLoops: the port that it was sent to
  bool in_rows = false;       // the argument is a list of argument tuples, the result is the list of their results
  bool is_addressed = false;  // only one worker may run it (broadcasts.h)
  Lane lane;                  // fixed once the call is submitted
};

}  // namespace aiointerpreters::pool
