// How a call reaches every interpreter of a pool, once (broadcasts.h).
#include <cstddef>
#include <utility>

#include "pool/pool.h"

namespace aiointerpreters::pool {

Pool::Sent Pool::broadcast(Broadcasts::Node& call, TaskList& tasks, std::size_t& count) noexcept {
  base::Lock lock(mutex_);
  if (dispatch_.lifecycle.closed() || dispatch_.lifecycle.broken(Lane::kInterpreters)) return Sent::kRefused;
  const std::size_t ready = dispatch_.roster.ready();
  const bool suffices = ready <= count;
  count = ready;
  if (!suffices) return Sent::kTooFewTasks;
  dispatch_.broadcast(call, tasks, [this](Task& task) {
    record(task, Recorder::Event::kQueued);
    task.pool = this;
  });
  return Sent::kSent;
}

void Pool::withdraw_broadcast(std::uint64_t id) noexcept {
  Broadcasts::Node withdrawn;  // freed without the lock
  base::Lock lock(mutex_);
  withdrawn = dispatch_.broadcasts.withdraw(id);
}

Lender* Pool::addressed_lender(unsigned long thread) const noexcept {
  base::Lock lock(mutex_);
  const Seat* const found =
      dispatch_.roster.find([thread](const Seat& seat) { return seat.is_lent && seat.thread == thread; });
  return found == nullptr || found->addressed.empty() ? nullptr : found->lender;
}

TaskPtr Pool::take_next_addressed(Seat& seat, Task* outer) noexcept {
  base::Lock lock(mutex_);
  seat.current = outer;
  if (seat.hosting != Seat::Hosting::kReady || dispatch_.must_rest(seat)) return {};
  TaskPtr task = seat.addressed.pop();
  if (!task) return task;
  seat.current = task.get();
  task->seat = &seat;
  return task;
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
