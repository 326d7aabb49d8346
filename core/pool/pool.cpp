// See pool.h. Every decision is made under the one lock; waking and parking happen outside of it.
#include "pool/pool.h"

#include <algorithm>
#include <utility>

#include "base/cpu.h"
#include "base/spin.h"

namespace aiointerpreters::pool {

namespace {

// Long enough to bridge the gap between two calls of submit().result(), short enough not to matter as CPU time.
constexpr std::chrono::microseconds kSpinBudget{50};

// The scheduler likes to wake a worker where it was woken from; two threads that spin for each other then take turns there,
// ten times slower than side by side. After so many turns the worker moves to another processor, but not again and again if
// those are busy.
constexpr unsigned kTurnsBeforeMove = 4;
constexpr std::chrono::milliseconds kMoveInterval{1};

// Spinners take processors from those who compute, so at most half of them spin, and nobody on a single one.
std::size_t spinners_for(unsigned cpus) noexcept { return cpus / 2; }

}  // namespace

Pool::Pool(std::shared_ptr<const PoolOptions> options)
    : options_(std::move(options)),
      no_memory_(std::make_shared<const Breakage>(Breakage{"a worker's interpreter could not be made: no memory", {}})),
      max_spinners_(spinners_for(base::usable_cpus())),
      max_workers_(options_->max_workers),
      max_interpreters_(options_->max_interpreters) {}

Pool::~Pool() = default;

// ---- Home's side

Pool::Submitted Pool::submit(TaskPtr task) noexcept {
  submitter_cpu_->store(base::current_cpu(), std::memory_order_relaxed);
  record(*task, Recorder::Event::kQueued);
  Seat* sleeper = nullptr;
  Submitted submitted = Submitted::kQueued;
  {
    base::Lock lock(mutex_);
    if (lifecycle_.closed() || lifecycle_.broken(task->side())) return Submitted::kRefused;
    task->pool = this;
    backlog_.add(std::move(task));
    submitted = call_worker(sleeper);
  }
  if (sleeper != nullptr) sleeper->parker.unpark();
  return submitted;
}

Pool::Submitted Pool::call_worker(Seat*& sleeper) noexcept {
  note_queued();
  if (needs_thread()) {
    roster_.expect_thread();
    note_threads();
    return Submitted::kNeedsThread;
  }
  sleeper = choose_sleeper();
  return Submitted::kQueued;
}

bool Pool::thread_failed() noexcept {
  Seat* sleeper = nullptr;
  bool is_served = false;
  {
    base::Lock lock(mutex_);
    roster_.give_up_thread();
    note_threads();
    is_served = roster_.threads() > 0;
    sleeper = choose_sleeper();
  }
  if (sleeper != nullptr) sleeper->parker.unpark();
  return is_served;
}

bool Pool::set_limits(std::size_t max_workers, std::size_t max_interpreters) noexcept {
  base::Lock lock(mutex_);
  max_workers_ = max_workers;
  max_interpreters_ = max_interpreters;
  if (backlog_.size() == 0 || !needs_thread()) return false;
  roster_.expect_thread();
  note_threads();
  return true;
}

void Pool::close() noexcept {
  base::Lock lock(mutex_);
  lifecycle_.close();
  note_queued();
  wake_all_parked();
}

base::Wake Pool::wait_for_end(const base::Deadline& deadline) const noexcept {
  const std::atomic<std::uint32_t>& left = lifecycle_.threads_left();
  for (std::uint32_t seen = left.load(std::memory_order_acquire); seen != 0; seen = left.load(std::memory_order_acquire)) {
    const base::Wake wake = base::wait_on(left, seen, deadline);
    if (wake != base::Wake::kChanged && !ended()) return wake;
  }
  return base::Wake::kChanged;
}

TaskList Pool::take_queued() noexcept {
  TaskList tasks;
  base::Lock lock(mutex_);
  drain(Scope::kAll, tasks);
  return tasks;
}

Pool::Status Pool::status() const noexcept {
  base::Lock lock(mutex_);
  return {backlog_.size(), roster_.threads(), interpreters(), lifecycle_.closed()};
}

std::size_t Pool::queued() const noexcept {
  base::Lock lock(mutex_);
  return backlog_.size();
}

std::shared_ptr<const Breakage> Pool::broken(Side side) const noexcept {
  base::Lock lock(mutex_);
  return lifecycle_.broken(side);
}

TaskList Pool::break_down(std::shared_ptr<const Breakage> breakage, Scope scope) noexcept {
  TaskList tasks;
  base::Lock lock(mutex_);
  breakage = lifecycle_.break_down(std::move(breakage), scope);
  drain(scope, tasks);
  if (scope == Scope::kAll) {
    lifecycle_.close();
    note_queued();
    wake_all_parked();
  }
  return tasks;
}

std::shared_ptr<Interrupter> Pool::interrupter_of(const Task& task) const noexcept {
  base::Lock lock(mutex_);
  // Seats stay as long as the pool; what the worker was given since then tells whether it still runs this one.
  return task.pool == this && task.seat != nullptr && task.seat->current == &task ? task.seat->interrupter : nullptr;
}

void Pool::stop() noexcept {
  unsigned stops = 0;
  {
    base::Lock lock(mutex_);
    stops = lifecycle_.stop();  // who comes later sees this in `attend`
  }
  for (;;) {  // one after the other: a list of all would have to be allocated under the lock
    std::shared_ptr<Interrupter> interrupter;
    LoopPortPtr loop;
    {
      base::Lock lock(mutex_);
      Seat* const seat = roster_.find([stops](const Seat& each) { return each.stops_seen < stops; });
      if (seat == nullptr) return;
      seat->stops_seen = stops;
      interrupter = seat->interrupter;
      loop = seat->loop;
    }
    if (interrupter) static_cast<void>(interrupter->interrupt_all());
    if (loop) static_cast<void>(loop->interrupt_all());
  }
}

void Pool::set_environment(EnvironmentPtr environment) noexcept {
  base::Lock lock(mutex_);
  environment_version_.store(environment->version, std::memory_order_release);
  environment_.swap(environment);
}

EnvironmentPtr Pool::environment() const noexcept {
  base::Lock lock(mutex_);
  return environment_;
}

// ---- The workers' side

Seat& Pool::enter() {
  std::unique_ptr<Seat> spare = Roster::make_seat();
  base::Lock lock(mutex_);
  return roster_.enter(spare);
}

TaskPtr Pool::take(Seat& seat) noexcept {
  Seat* sleeper = nullptr;
  TaskPtr task;
  {
    base::Lock lock(mutex_);
    task = pick(seat);
    const bool is_busy = seat.duty == Seat::Duty::kBusy;
    if (task || seat.errand != Seat::Errand::kNone) {
      if (!is_busy) {
        roster_.stop_searching(seat);
        sleeper = choose_sleeper();
      }
    } else if (is_busy) {
      roster_.search(seat);
    }
  }
  if (sleeper != nullptr) sleeper->parker.unpark();
  return task;
}

TaskPtr Pool::wait(Seat& seat) noexcept {
  spin(seat);
  for (;;) {
    Seat* sleeper = nullptr;
    TaskPtr task;
    {
      base::Lock lock(mutex_);
      task = pick(seat);
      if (task || seat.errand != Seat::Errand::kNone) {
        roster_.stop_searching(seat);
        sleeper = choose_sleeper();
      } else if (may_leave()) {
        roster_.stop_hosting(seat);  // from now on nobody counts on it
        return TaskPtr();
      } else {
        roster_.park(seat);
      }
    }
    if (sleeper != nullptr) sleeper->parker.unpark();
    if (seat.duty == Seat::Duty::kBusy) return task;
    seat.parker.park();  // who wakes us has counted us as searching
  }
}

void Pool::withdraw(Seat& seat) noexcept {
  Seat* sleeper = nullptr;
  {
    base::Lock lock(mutex_);
    roster_.stop_searching(seat);
    sleeper = choose_sleeper();
  }
  if (sleeper != nullptr) sleeper->parker.unpark();
}

void Pool::give_back(Seat& seat, TaskPtr task) noexcept {
  Seat* sleeper = nullptr;
  {
    base::Lock lock(mutex_);
    seat.current = nullptr;
    roster_.serve_home(seat, false);
    backlog_.put_back(std::move(task));
    note_queued();
    sleeper = choose_sleeper();
  }
  if (sleeper != nullptr) sleeper->parker.unpark();
}

void Pool::interpreter_made(Seat& seat) noexcept {
  base::Lock lock(mutex_);
  seat.errand = Seat::Errand::kNone;
  roster_.made(seat);
  lifecycle_.interpreter_made();
}

bool Pool::interpreter_failed(Seat& seat, std::shared_ptr<const Breakage> why, TaskList& left) noexcept {
  std::shared_ptr<Interrupter> interrupter;  // its last owner frees it without the lock
  base::Lock lock(mutex_);
  seat.errand = Seat::Errand::kNone;
  drop_interpreter(seat, interrupter);
  if (lifecycle_.rests()) return true;
  lifecycle_.interpreter_failed();
  give_up_loops();
  if (roster_.host_count() > 0) return true;
  lifecycle_.break_until_retry(why);
  drain(Scope::kWorkerSide, left);
  return false;
}

bool Pool::attend(Seat& seat, std::shared_ptr<Interrupter> interrupter) noexcept {
  base::Lock lock(mutex_);
  seat.interrupter.swap(interrupter);
  return lifecycle_.stopped();
}

void Pool::step_down(Seat& seat) noexcept {
  std::shared_ptr<Interrupter> interrupter;
  base::Lock lock(mutex_);
  seat.errand = Seat::Errand::kNone;
  drop_interpreter(seat, interrupter);
}

void Pool::leave(Seat& seat) noexcept {
  std::shared_ptr<Interrupter> interrupter;
  base::Lock lock(mutex_);
  roster_.serve_home(seat, false);
  drop_interpreter(seat, interrupter);
  roster_.leave(seat);
  note_threads();
}

void Pool::spin(Seat& seat) noexcept {
  const int cpu = base::current_cpu();
  const bool beside_submitter = cpu >= 0 && cpu == submitter_cpu_->load(std::memory_order_relaxed);
  bool moves = false;
  {
    base::Lock lock(mutex_);
    if (spinners_ >= max_spinners_ || seat.duty != Seat::Duty::kSearching) return;
    ++spinners_;
    if (!beside_submitter) shared_spins_ = 0;
    if (shared_spins_ >= kTurnsBeforeMove) {
      const auto now = base::Clock::now();
      moves = now >= next_move_;
      if (moves) next_move_ = now + kMoveInterval;
    }
  }
  if (moves) base::leave_cpu(cpu);
  // relaxed: only a hint; what there is to take is looked up under the lock.
  const bool found = base::spin_until([this] { return is_stirring_->load(std::memory_order_relaxed); }, kSpinBudget);
  base::Lock lock(mutex_);
  --spinners_;
  shared_spins_ = found && beside_submitter ? shared_spins_ + 1 : 0;
}

// ---- Decisions

TaskPtr Pool::pick(Seat& seat) noexcept {
  seat.current = nullptr;
  seat.errand = Seat::Errand::kNone;
  roster_.serve_home(seat, false);
  if (give_errand(seat)) return TaskPtr();
  const bool home_side = has_home_task_for(seat);
  const bool is_ready = seat.hosting == Seat::Hosting::kReady;
  const bool worker_side = is_ready ? !backlog_.empty(Side::kWorker) : wanted_hosts() > 0 && !lifecycle_.rests();
  if (!home_side && !worker_side) return TaskPtr();
  if (worker_side && (!home_side || prefers_worker_side(seat))) {
    if (!is_ready) {
      seat.errand = Seat::Errand::kMakeInterpreter;
      begin_making(seat);
      return TaskPtr();
    }
  } else {
    roster_.serve_home(seat, true);
  }
  TaskPtr task = backlog_.pop(seat.serves_home ? Side::kHome : Side::kWorker);
  seat.current = task.get();
  task->seat = &seat;
  note_queued();
  return task;
}

bool Pool::give_errand(Seat& seat) noexcept {
  if (must_rest(seat)) {
    seat.errand = Seat::Errand::kRest;
    if (seat.loop) loops_.erase(*seat.loop);
    return true;
  }
  if (loops_.unbound() == 0 || !can_have_loop(seat)) return false;
  bind_loop(seat);
  return true;
}

std::size_t Pool::home_room() const noexcept {
  const std::size_t reserved = max_workers_ > max_interpreters_ ? max_interpreters_ : 0;
  const std::size_t limit = max_workers_ - reserved;
  return limit > roster_.serving_home() ? limit - roster_.serving_home() : 0;
}

bool Pool::has_home_task_for(const Seat& seat) const noexcept {
  if (backlog_.empty(Side::kHome) || home_room() == 0) return false;
  return !seat.is_host() || (hosts_serve_home() && backlog_.size(Side::kHome) > roster_.plain().available);
}

bool Pool::hosts_serve_home() const noexcept {
  return max_workers_ <= max_interpreters_ || roster_.threads() == roster_.host_count();
}

std::size_t Pool::wanted_hosts() const noexcept {
  const std::size_t waiting = backlog_.size(Side::kWorker);
  const std::size_t ready = roster_.hosts().available + roster_.making();
  return waiting > ready ? std::min(waiting - ready, free_hosts()) : 0;
}

std::size_t Pool::free_hosts() const noexcept {
  if (max_interpreters_ <= roster_.host_count() || !lifecycle_.may_make_interpreter()) return 0;
  return max_interpreters_ - roster_.host_count();
}

bool Pool::prefers_worker_side(const Seat& seat) const noexcept {
  // First in, first out; but each kind of worker leaves to the other kind what that is better for.
  if (seat.is_host() && roster_.host_count() < roster_.threads()) return true;
  if (!seat.is_host() && roster_.hosts().available > 0) return false;
  return backlog_.worker_side_is_older();
}

bool Pool::needs_thread() const noexcept {
  if (roster_.threads() >= max_workers_) return false;
  if (loops_.unbound() > 0 && loops_.unbound() > available_for_loops(0) && free_hosts() > 0) return true;
  return std::min(backlog_.size(Side::kHome), home_room()) + wanted_hosts() > roster_.plain().available;
}

Seat* Pool::choose_sleeper() noexcept {
  if (loops_.unbound() > 0) {
    if (Seat* const sleeper = sleeper_for_loop()) return roster_.unpark(*sleeper);
  }
  const Roster::Idle& plain = roster_.plain();
  const Roster::Idle& hosts = roster_.hosts();
  if (!backlog_.empty(Side::kWorker) && hosts.searching == 0) {
    if (hosts.parked != nullptr) return roster_.unpark(*hosts.parked);
    if (plain.searching == 0 && plain.parked != nullptr && wanted_hosts() > 0 && !lifecycle_.rests()) {
      return roster_.unpark(*plain.parked);
    }
  }
  if (!backlog_.empty(Side::kHome) && home_room() > 0 && plain.searching == 0) {
    if (plain.parked != nullptr) return roster_.unpark(*plain.parked);
    if (hosts.parked != nullptr && hosts.searching == 0 && has_home_task_for(*hosts.parked)) {
      return roster_.unpark(*hosts.parked);
    }
  }
  return nullptr;
}

void Pool::wake_all_parked() noexcept {
  // Under the lock, so that no worker can be gone before it is woken.
  for (const Roster::Idle* idle : {&roster_.plain(), &roster_.hosts()}) {
    while (idle->parked != nullptr) roster_.unpark(*idle->parked)->parker.unpark();
  }
}

bool Pool::may_leave() const noexcept {
  // What an interpreter has to run that can only be made after a rest still needs a worker.
  const bool is_needed = loops_.unbound() > 0 || (lifecycle_.rests() && !backlog_.empty(Side::kWorker));
  return lifecycle_.closed() && !is_needed;
}

void Pool::begin_making(Seat& seat) noexcept {
  roster_.begin_making(seat);
  seat.has_interpreter = true;
  lifecycle_.count_interpreter(+1);
}

void Pool::drop_interpreter(Seat& seat, std::shared_ptr<Interrupter>& interrupter) noexcept {
  interrupter.swap(seat.interrupter);
  if (seat.loop) loops_.erase(*seat.loop);
  roster_.set_loop(seat, nullptr);
  roster_.stop_hosting(seat);
  if (!seat.has_interpreter) return;
  seat.has_interpreter = false;
  lifecycle_.count_interpreter(-1);
}

void Pool::note_queued() noexcept {
  const bool stirs = lifecycle_.closed() || loops_.unbound() > 0 || backlog_.size() > 0;
  is_stirring_->store(stirs, std::memory_order_relaxed);
}

void Pool::note_threads() noexcept { lifecycle_.set_threads(roster_.threads()); }

void Pool::drain(Scope scope, TaskList& into) noexcept {
  backlog_.take_all(Side::kWorker, into);
  if (scope == Scope::kAll) backlog_.take_all(Side::kHome, into);
  loops_.drain(into);
  note_queued();
}

}  // namespace aiointerpreters::pool
