// WorkerView: what a pool knows about one of its workers, at one moment.
// Owner: the code that asked for it. It holds no Python object.
#pragma once

#include <cstdint>
#include <memory>

#include "pool/interrupter.h"
#include "pool/seat.h"

namespace aiointerpreters::pool {

struct WorkerView {
  explicit WorkerView(const Seat& seat) noexcept
      : thread(seat.thread),
        is_idle(seat.duty != Seat::Duty::kBusy),
        is_making(seat.hosting == Seat::Hosting::kMaking),
        is_ending(seat.is_ending),
        interpreter(seat.has_interpreter ? seat.interpreter : Seat::kNoInterpreter),
        task(seat.current),
        interrupter(seat.interrupter) {}

  unsigned long thread;  // ident
  bool is_idle;
  bool is_making;  // it creates its interpreter
  bool is_ending;  // it ends it
  std::int64_t interpreter;
  TaskPtr task;                              // the last one that it got; it may have ended. Or null
  std::shared_ptr<Interrupter> interrupter;  // of its interpreter; null if that cannot be entered
};

}  // namespace aiointerpreters::pool
