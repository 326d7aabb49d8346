// Sleeper: a parked worker that is chosen under the pool's lock and woken without it. Declare it before the lock is taken:
// its destructor wakes the worker, and then runs after the lock's destructor.
// Owner: a scope. Thread: one.
#pragma once

#include "pool/seat.h"

namespace aiointerpreters::pool {

class Sleeper {
 public:
  Sleeper() noexcept = default;
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;
  ~Sleeper() {
    if (seat_ != nullptr) seat_->parker.unpark();
  }

  // Requires: `seat` is null, or counts as searching from now on (`Roster::unpark`).
  void choose(Seat* seat) noexcept { seat_ = seat; }

 private:
  Seat* seat_ = nullptr;
};

}  // namespace aiointerpreters::pool
