// Call: what is to be run, without a word of who waits for it: the callable, its arguments, the context variables that it carries,
// and which lane of the pool runs it. Limits of a call (a deadline, a priority, attempts) belong here.
// Owner: the task. It belongs to home until the task is queued, and to the worker from a successful start to the end.
#pragma once

#include <cstdint>
#include <memory>

#include "codec/callable_ref.h"
#include "codec/message.h"

namespace aiointerpreters::pool {

class LoopPort;

struct Call {
  // The lane: threads attached to home, or workers' interpreters. A coroutine function takes the latter, to the event loop of
  // `port`.
  enum class Side : std::uint8_t { kHome, kWorker };

  explicit Call(Side which) noexcept : side_(which) {}

  [[nodiscard]] Side side() const noexcept { return side_; }

  codec::CallablePtr callable;                                // Side::kWorker
  std::uint64_t callable_id = codec::CallableRef::kUncached;  // the same as callable->id, without touching its cache line
  codec::Message message;                                     // the arguments; afterwards the outcome
  std::unique_ptr<codec::Message> context;                    // context variables by name, to be set for the call; or null
  std::shared_ptr<LoopPort> port;  // of the worker's event loop that a coroutine function was sent to; else null
  bool in_rows = false;            // the one argument is a list of argument tuples, the result the list of their results

 private:
  const Side side_;
};

}  // namespace aiointerpreters::pool
