// See dispatch.h.
#include "pool/dispatch.h"

#include <algorithm>
#include <utility>

namespace aiointerpreters::pool {

TaskPtr Dispatch::pick(Seat& seat) noexcept {
  seat.current = nullptr;
  seat.errand = Seat::Errand::kNone;
  roster.serve_home(seat, false);
  if (must_rest(seat)) {
    seat.errand = Seat::Errand::kRest;
    if (seat.loop) loops.erase(*seat.loop);
    return TaskPtr();
  }
  if (!seat.addressed.empty()) {
    if (seat.hosting == Seat::Hosting::kReady) return assign(interpreter_lane(), seat);
    seat.errand = Seat::Errand::kEndAddressed;
    return TaskPtr();
  }
  if (loop_lane().has_work_for(seat)) {
    TaskPtr task = assign(loop_lane(), seat);
    if (lifecycle.closed()) wake_all_parked();  // they may leave now
    return task;
  }
  const bool at_home = home_lane().has_work_for(seat);
  const bool in_interpreter = interpreter_lane().has_work_for(seat);
  if (in_interpreter && (!at_home || prefers_interpreters(seat))) return assign(interpreter_lane(), seat);
  return at_home ? assign(home_lane(), seat) : TaskPtr();
}

template <LaneContract L>
TaskPtr Dispatch::assign(L lane, Seat& seat) noexcept {
  TaskPtr task = lane.assign(seat);
  if (task) {
    seat.current = task.get();
    task->seat = &seat;
  }
  note_queued();
  return task;
}

bool Dispatch::prefers_interpreters(const Seat& seat) const noexcept {
  // First in, first out. However, each kind of worker leaves some calls to the other kind, if that kind is better suited.
  if (seat.is_host() && roster.host_count() < roster.threads()) return true;
  if (!seat.is_host() && roster.hosts().available > 0) return false;
  if (backlog.empty(Lane::kInterpreters)) return false;  // a host is only wanted, and a call of home waits
  return backlog.interpreters_are_older();
}

bool Dispatch::claim_thread() noexcept {
  if (!needs_thread()) return false;
  roster.expect_thread();
  note_threads();
  return true;
}

bool Dispatch::needs_thread() noexcept {
  if (roster.threads() >= limits.workers) return false;
  // One host serves both lanes.
  const std::size_t hosts = std::max(interpreter_lane().wanted_workers(), loop_lane().wanted_workers());
  return home_lane().wanted_workers() + hosts > roster.plain().available;
}

Seat* Dispatch::choose_sleeper() noexcept {
  Seat* const sleeper = over_lanes([](const auto&... lane) {
    Seat* first = nullptr;
    static_cast<void>((((first = lane.sleeper()) != nullptr) || ...));
    return first;
  });
  return sleeper == nullptr ? nullptr : roster.unpark(*sleeper);
}

void Dispatch::wake_all_parked() noexcept {
  wake_parked(roster.plain());
  wake_parked(roster.hosts());
}

void Dispatch::wake_parked(const Roster::Idle& idle) noexcept {
  while (idle.parked != nullptr) roster.unpark(*idle.parked)->parker.unpark();
}

bool Dispatch::may_leave() noexcept {
  return lifecycle.closed() && !over_lanes([](const auto&... lane) { return (lane.keeps_workers() || ...); });
}

void Dispatch::drop_interpreter(Seat& seat, std::shared_ptr<Interrupter>& interrupter) noexcept {
  interrupter.swap(seat.interrupter);
  if (seat.loop) loops.erase(*seat.loop);
  roster.set_loop(seat, nullptr);
  roster.stop_hosting(seat);
  if (!seat.has_interpreter) return;
  seat.has_interpreter = false;
  seat.is_ending = false;
  lifecycle.count_interpreter(-1);
}

void Dispatch::note_queued() noexcept {
  const bool waits = over_lanes([](const auto&... lane) { return ((lane.waiting() > 0) || ...); });
  signals_.is_stirring->store(waits || lifecycle.closed(), std::memory_order_relaxed);
}

void Dispatch::note_hosts() noexcept {
  TaskList ready;
  warm_up.release(roster.ready(), ready);
  queue_first(std::move(ready));
}

void Dispatch::queue_first(TaskList tasks) noexcept {
  while (TaskPtr task = tasks.pop()) backlog.put_back(std::move(task));
  note_queued();
}

void Dispatch::close() noexcept {
  lifecycle.close();
  warm_up.keep(0);
  TaskList waiting;
  warm_up.release_all(waiting);
  queue_first(std::move(waiting));
  wake_all_parked();
}

void Dispatch::note_threads() noexcept { lifecycle.set_threads(roster.threads()); }

void Dispatch::drain(Lifecycle::Scope scope, std::size_t kept, TaskList& into) noexcept {
  interpreter_lane().drain(kept, into);
  warm_up.release_all(into);
  roster.for_each([&](Seat& seat) { into.append(std::move(seat.addressed)); });
  if (scope == Lifecycle::Scope::kAll) home_lane().drain(0, into);
  loop_lane().drain(0, into);
  note_queued();
}

Census Dispatch::count(std::size_t interpreters) const noexcept {
  const std::size_t threads = roster.threads();
  const std::size_t available = roster.plain().available + roster.hosts().available;
  return {threads, threads - std::min(threads, available), interpreters, backlog.size()};
}

std::shared_ptr<Interrupter> Dispatch::interrupter_of(const Task& task) noexcept {
  return over_lanes([&](const auto&... lane) {
    std::shared_ptr<Interrupter> found;
    static_cast<void>(((lane.kName == task.lane && (found = lane.interrupter_of(task), true)) || ...));
    return found;
  });
}

bool Dispatch::must_rest(const Seat& seat) const noexcept {
  return lifecycle.rests() && seat.hosting == Seat::Hosting::kReady && (!seat.loop || seat.loop->live == 0);
}

Seat* Dispatch::lent_seat() const noexcept {
  return roster.find([this](const Seat& seat) { return seat.is_lent && !seat.is_taken && must_rest(seat); });
}

}  // namespace aiointerpreters::pool
