// See interpreter_lane.h.
#include "pool/interpreter_lane.h"

#include <algorithm>

namespace aiointerpreters::pool {

std::size_t InterpreterLane::wanted_workers() const noexcept {
  const std::size_t ready = has_.roster.hosts().available + has_.roster.making();
  const std::size_t for_calls = waiting() > ready ? waiting() - ready : 0;
  const std::size_t wanted = std::max(for_calls, has_.missing_hosts());
  return wanted > 0 ? std::min(wanted, has_.free_hosts()) : 0;
}

bool InterpreterLane::has_work_for(const Seat& seat) const noexcept {
  if (seat.hosting == Seat::Hosting::kReady) return waiting() > 0;
  return wanted_workers() > 0 && !has_.lifecycle.rests();
}

TaskPtr InterpreterLane::assign(Seat& seat) noexcept {
  if (!seat.addressed.empty()) return seat.addressed.pop();
  if (seat.hosting == Seat::Hosting::kReady) return has_.backlog.pop(kName);
  seat.errand = Seat::Errand::kMakeInterpreter;
  has_.begin_making(seat);
  return TaskPtr();
}

Seat* InterpreterLane::sleeper() const noexcept {
  const Roster::Idle& plain = has_.roster.plain();
  const Roster::Idle& hosts = has_.roster.hosts();
  if (waiting() > 0) {
    if (hosts.searching > 0) return nullptr;
    if (hosts.parked != nullptr) return hosts.parked;
  }
  const bool can_make_one =
      plain.searching == 0 && plain.parked != nullptr && wanted_workers() > 0 && !has_.lifecycle.rests();
  return can_make_one ? plain.parked : nullptr;
}

std::shared_ptr<Interrupter> InterpreterLane::interrupter_of(const Task& task) const noexcept {
  // Seats stay as long as the pool. `current` tells whether the worker still runs this task.
  return task.seat != nullptr && task.seat->current == &task ? task.seat->interrupter : nullptr;
}

}  // namespace aiointerpreters::pool
