// See dispatch.h.
#include "pool/dispatch.h"

#include <algorithm>
#include <utility>

namespace aiointerpreters::pool {

TaskPtr Dispatch::pick(Seat& seat) noexcept {
  seat.current = nullptr;
  seat.errand = Seat::Errand::kNone;
  roster.serve_home(seat, false);
  if (give_errand(seat)) return TaskPtr();
  const bool home_side = has_home_task_for(seat);
  const bool is_ready = seat.hosting == Seat::Hosting::kReady;
  const bool worker_side = is_ready ? !backlog.empty(Side::kWorker) : wanted_hosts() > 0 && !lifecycle.rests();
  if (!home_side && !worker_side) return TaskPtr();
  if (worker_side && (!home_side || prefers_worker_side(seat))) {
    if (!is_ready) {
      seat.errand = Seat::Errand::kMakeInterpreter;
      begin_making(seat);
      return TaskPtr();
    }
  } else {
    roster.serve_home(seat, true);
  }
  TaskPtr task = backlog.pop(seat.serves_home ? Side::kHome : Side::kWorker);
  seat.current = task.get();
  task->seat = &seat;
  note_queued();
  return task;
}

bool Dispatch::give_errand(Seat& seat) noexcept {
  if (must_rest(seat)) {
    seat.errand = Seat::Errand::kRest;
    if (seat.loop) loops.erase(*seat.loop);
    return true;
  }
  if (loops.unbound() == 0 || !can_have_loop(seat)) return false;
  roster.set_loop(seat, loops.bind(seat));
  seat.errand = Seat::Errand::kOpenLoop;
  if (!seat.is_host()) begin_making(seat);
  note_queued();
  if (lifecycle.closed()) wake_all_parked();  // they may leave now
  return true;
}

std::size_t Dispatch::home_room() const noexcept {
  const std::size_t reserved = limits.workers > limits.interpreters ? limits.interpreters : 0;
  const std::size_t limit = limits.workers - reserved;
  return limit > roster.serving_home() ? limit - roster.serving_home() : 0;
}

bool Dispatch::has_home_task_for(const Seat& seat) const noexcept {
  if (backlog.empty(Side::kHome) || home_room() == 0) return false;
  return !seat.is_host() || (hosts_serve_home() && backlog.size(Side::kHome) > roster.plain().available);
}

bool Dispatch::hosts_serve_home() const noexcept {
  return limits.workers <= limits.interpreters || roster.threads() == roster.host_count();
}

std::size_t Dispatch::wanted_hosts() const noexcept {
  const std::size_t waiting = backlog.size(Side::kWorker);
  const std::size_t ready = roster.hosts().available + roster.making();
  return waiting > ready ? std::min(waiting - ready, free_hosts()) : 0;
}

std::size_t Dispatch::free_hosts() const noexcept {
  if (limits.interpreters <= roster.host_count() || !lifecycle.may_make_interpreter()) return 0;
  return limits.interpreters - roster.host_count();
}

bool Dispatch::prefers_worker_side(const Seat& seat) const noexcept {
  // First in, first out; but each kind of worker leaves to the other kind what that is better for.
  if (seat.is_host() && roster.host_count() < roster.threads()) return true;
  if (!seat.is_host() && roster.hosts().available > 0) return false;
  return backlog.worker_side_is_older();
}

bool Dispatch::claim_thread() noexcept {
  if (!needs_thread()) return false;
  roster.expect_thread();
  note_threads();
  return true;
}

bool Dispatch::needs_thread() const noexcept {
  if (roster.threads() >= limits.workers) return false;
  if (loops.unbound() > 0 && loops.unbound() > available_for_loops(0) && free_hosts() > 0) return true;
  return std::min(backlog.size(Side::kHome), home_room()) + wanted_hosts() > roster.plain().available;
}

Seat* Dispatch::choose_sleeper() noexcept {
  if (loops.unbound() > 0) {
    const auto can_make_one = [this](const Seat& seat) { return seat.duty == Seat::Duty::kParked && can_have_loop(seat); };
    if (Seat* const sleeper = roster.find(can_make_one)) return roster.unpark(*sleeper);
  }
  const Roster::Idle& plain = roster.plain();
  const Roster::Idle& hosts = roster.hosts();
  if (!backlog.empty(Side::kWorker) && hosts.searching == 0) {
    if (hosts.parked != nullptr) return roster.unpark(*hosts.parked);
    if (plain.searching == 0 && plain.parked != nullptr && wanted_hosts() > 0 && !lifecycle.rests()) {
      return roster.unpark(*plain.parked);
    }
  }
  if (!backlog.empty(Side::kHome) && home_room() > 0 && plain.searching == 0) {
    if (plain.parked != nullptr) return roster.unpark(*plain.parked);
    if (hosts.parked != nullptr && hosts.searching == 0 && has_home_task_for(*hosts.parked)) {
      return roster.unpark(*hosts.parked);
    }
  }
  return nullptr;
}

void Dispatch::wake_all_parked() noexcept {
  // Under the lock, so that no worker can be gone before it is woken.
  for (const Roster::Idle* idle : {&roster.plain(), &roster.hosts()}) {
    while (idle->parked != nullptr) roster.unpark(*idle->parked)->parker.unpark();
  }
}

bool Dispatch::may_leave() const noexcept {
  // What an interpreter has to run that can only be made after a rest still needs a worker.
  const bool is_needed = loops.unbound() > 0 || (lifecycle.rests() && !backlog.empty(Side::kWorker));
  return lifecycle.closed() && !is_needed;
}

void Dispatch::begin_making(Seat& seat) noexcept {
  roster.begin_making(seat);
  seat.has_interpreter = true;
  lifecycle.count_interpreter(+1);
}

void Dispatch::drop_interpreter(Seat& seat, std::shared_ptr<Interrupter>& interrupter) noexcept {
  interrupter.swap(seat.interrupter);
  if (seat.loop) loops.erase(*seat.loop);
  roster.set_loop(seat, nullptr);
  roster.stop_hosting(seat);
  if (!seat.has_interpreter) return;
  seat.has_interpreter = false;
  lifecycle.count_interpreter(-1);
}

void Dispatch::note_queued() noexcept {
  const bool stirs = lifecycle.closed() || loops.unbound() > 0 || backlog.size() > 0;
  signals_.is_stirring->store(stirs, std::memory_order_relaxed);
}

void Dispatch::note_threads() noexcept { lifecycle.set_threads(roster.threads()); }

void Dispatch::drain(Lifecycle::Scope scope, std::size_t kept, TaskList& into) noexcept {
  backlog.take(Side::kWorker, kept, into);
  if (scope == Lifecycle::Scope::kAll) backlog.take(Side::kHome, 0, into);
  loops.drain(into);
  note_queued();
}

bool Dispatch::must_rest(const Seat& seat) const noexcept {
  return lifecycle.rests() && seat.hosting == Seat::Hosting::kReady && (!seat.loop || seat.loop->live == 0);
}

Seat* Dispatch::lent_seat() const noexcept {
  return roster.find([this](const Seat& seat) { return seat.is_lent && !seat.is_taken && must_rest(seat); });
}

// ---- Event loops

LoopPortPtr Dispatch::loop_for_task(bool may_add) const noexcept {
  if (lifecycle.rests()) return loops.first_unbound();  // those that there are have to come to an end
  LoopPortPtr loop = loops.least_loaded();
  if (!loop || loop->live == 0 || !may_add) return loop;
  const std::size_t new_threads = limits.workers > roster.threads() ? limits.workers - roster.threads() : 0;
  return available_for_loops(new_threads) > loops.unbound() ? nullptr : loop;
}

std::size_t Dispatch::available_for_loops(std::size_t new_threads) const noexcept {
  return roster.idle_without_loop() + std::min(roster.plain().available + new_threads, free_hosts());
}

bool Dispatch::can_have_loop(const Seat& seat) const noexcept {
  return !seat.loop && (seat.is_host() || (free_hosts() > 0 && !lifecycle.rests()));
}

void Dispatch::give_up_loops(std::size_t most) noexcept {
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
