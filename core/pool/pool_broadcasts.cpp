// How a call reaches every interpreter of a pool, once (broadcasts.h).
#include <cstddef>
#include <utility>

#include "pool/pool.h"

namespace aiointerpreters::pool {

Pool::Sent Pool::broadcast(Broadcasts::Node& call, TaskList& tasks, std::size_t& count) noexcept {
  const auto is_ready = [](const Seat& seat) { return seat.hosting == Seat::Hosting::kReady; };
  base::Lock lock(mutex_);
  if (dispatch_.lifecycle.closed() || dispatch_.lifecycle.broken(Lane::kInterpreters)) return Sent::kRefused;
  const std::size_t ready = dispatch_.roster.count(is_ready);
  const bool suffices = ready <= count;
  count = ready;
  if (!suffices) return Sent::kTooFewTasks;
  Dispatch* const dispatch = &dispatch_;  // the analysis does not see that the lambda runs under the lock
  static_cast<void>(dispatch_.roster.find([&](Seat& seat) {
    if (!is_ready(seat)) return false;
    TaskPtr task = tasks.pop();
    record(*task, Recorder::Event::kQueued);
    task->pool = this;
    dispatch->address(seat, std::move(task));
    return false;
  }));
  dispatch_.broadcasts.add(call);
  dispatch_.wake_parked_hosts();
  return Sent::kSent;
}

void Pool::withdraw_broadcast(std::uint64_t id) noexcept {
  Broadcasts::Node withdrawn;  // freed without the lock
  base::Lock lock(mutex_);
  withdrawn = dispatch_.broadcasts.withdraw(id);
}

TaskList Pool::take_addressed(Seat& seat) noexcept {
  base::Lock lock(mutex_);
  seat.errand = Seat::Errand::kNone;
  return std::move(seat.addressed);
}

BroadcastPtr Pool::interpreter_made(Seat& seat) noexcept {
  base::Lock lock(mutex_);
  if (BroadcastPtr next = dispatch_.broadcasts.next(seat.heard)) return next;
  seat.errand = Seat::Errand::kNone;
  dispatch_.roster.made(seat);
  dispatch_.lifecycle.interpreter_made();
  dispatch_.note_hosts();
  return nullptr;
}

}  // namespace aiointerpreters::pool
