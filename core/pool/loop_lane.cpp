// See loop_lane.h.
#include "pool/loop_lane.h"

#include <algorithm>
#include <utility>

namespace aiointerpreters::pool {

bool LoopLane::can_have_loop(const Seat& seat) const noexcept {
  return !seat.loop && (seat.is_host() || (has_.free_hosts() > 0 && !has_.lifecycle.rests()));
}

std::size_t LoopLane::wanted_workers() const noexcept {
  const std::size_t ready = has_.roster.idle_without_loop();
  return waiting() > ready ? std::min(waiting() - ready, has_.free_hosts()) : 0;
}

TaskPtr LoopLane::assign(Seat& seat) noexcept {
  has_.roster.set_loop(seat, has_.loops.bind(seat));
  seat.errand = Seat::Errand::kOpenLoop;
  if (!seat.is_host()) has_.begin_making(seat);
  return TaskPtr();
}

Seat* LoopLane::sleeper() const noexcept {
  if (waiting() == 0) return nullptr;
  return has_.roster.find([this](const Seat& seat) { return seat.duty == Seat::Duty::kParked && can_have_loop(seat); });
}

LoopPortPtr LoopLane::port_for_call(bool may_add) const noexcept {
  if (has_.lifecycle.rests()) return has_.loops.first_unbound();  // existing loops must end
  LoopPortPtr port = has_.loops.least_loaded();
  if (!port || port->live == 0 || !may_add) return port;
  const Roster& roster = has_.roster;
  const std::size_t new_threads = has_.limits.workers > roster.threads() ? has_.limits.workers - roster.threads() : 0;
  const std::size_t could_make_one =
      roster.idle_without_loop() + std::min(roster.plain().available + new_threads, has_.free_hosts());
  return could_make_one > waiting() ? nullptr : port;
}

void LoopLane::give_up(std::size_t most) noexcept {
  Loops& loops = has_.loops;
  while (loops.unbound() > 0 && loops.size() > most && loops.size() > loops.unbound()) {
    const LoopPortPtr given_up = loops.take_unbound();
    const LoopPortPtr other = loops.least_loaded_bound();
    TaskList mail = given_up->take_all();
    for (; given_up->live > 0; --given_up->live) loops.count_in(*other);
    while (TaskPtr task = mail.pop()) {
      task->port = other;
      static_cast<void>(other->mailbox->post(std::move(task)));
    }
  }
}

}  // namespace aiointerpreters::pool
