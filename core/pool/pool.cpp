// See pool.h. Every decision is made under the one lock. Waking and parking happen outside of it.
#include "pool/pool.h"

#include <algorithm>
#include <utility>

#include "base/cpu.h"

namespace aiointerpreters::pool {

namespace {

// Long enough for the time between two calls of submit().result(), and short enough to use little CPU time.
constexpr std::chrono::microseconds kSpinBudget{50};

}  // namespace

Pool::Pool(std::shared_ptr<const PoolOptions> options)
    : options_(std::move(options)),
      no_memory_(
          std::make_shared<const Breakage>(Breakage{"a worker's interpreter could not be created: not enough memory", {}})),
      dispatch_({options_->max_workers, options_->max_interpreters}, signals_),
      spins_(base::usable_cpus(), kSpinBudget) {
  dispatch_.warm_up.keep(options_->min_interpreters);
}

Pool::~Pool() = default;

// ---- Home's side

Pool::Submitted Pool::submit_to_queue(TaskPtr task) noexcept {
  submitter_cpu_->store(base::current_cpu(), std::memory_order_relaxed);
  record(*task, Recorder::Event::kQueued);
  Sleeper sleeper;
  base::Lock lock(mutex_);
  if (dispatch_.lifecycle.closed() || dispatch_.lifecycle.broken(task->lane)) return Submitted::kRefused;
  task->pool = this;
  dispatch_.backlog.add(std::move(task));
  return call_worker(sleeper);
}

Pool::Submitted Pool::warm_up(TaskPtr task, std::size_t interpreters) noexcept {
  record(*task, Recorder::Event::kQueued);
  Sleeper sleeper;
  base::Lock lock(mutex_);
  dispatch_.lifecycle.retry_now();
  if (dispatch_.lifecycle.closed() || dispatch_.lifecycle.broken(task->lane)) return Submitted::kRefused;
  task->pool = this;
  dispatch_.warm_up.wait(std::move(task), std::min(interpreters, dispatch_.limits.interpreters));
  dispatch_.note_hosts();
  sleeper.choose(dispatch_.choose_sleeper());
  return Submitted::kQueued;
}

Pool::Submitted Pool::call_worker(Sleeper& sleeper) noexcept {
  dispatch_.note_queued();
  if (dispatch_.claim_thread()) return Submitted::kNeedsThread;
  sleeper.choose(dispatch_.choose_sleeper());
  return Submitted::kQueued;
}

bool Pool::thread_failed() noexcept {
  Sleeper sleeper;
  base::Lock lock(mutex_);
  dispatch_.roster.give_up_thread();
  dispatch_.note_threads();
  sleeper.choose(dispatch_.choose_sleeper());
  return dispatch_.roster.threads() > 0;
}

void Pool::set_limits(std::size_t max_workers, std::size_t max_interpreters) noexcept {
  base::Lock lock(mutex_);
  dispatch_.limits = {max_workers, max_interpreters};
}

bool Pool::claim_thread() noexcept {
  base::Lock lock(mutex_);
  return !dispatch_.lifecycle.closed() && dispatch_.claim_thread();
}

bool Pool::is_closed() const noexcept {
  const base::Lock lock(mutex_);
  return dispatch_.lifecycle.closed();
}

void Pool::close() noexcept {
  base::Lock lock(mutex_);
  dispatch_.close();
}

base::Wake Pool::wait_for_end(const base::Deadline& deadline) const noexcept {
  const std::atomic<std::uint32_t>& left = *signals_.threads;
  for (std::uint32_t seen = left.load(std::memory_order_acquire); seen != 0; seen = left.load(std::memory_order_acquire)) {
    const base::Wake wake = base::wait_on(left, seen, deadline);
    if (wake != base::Wake::kChanged && !ended()) return wake;
  }
  return base::Wake::kChanged;
}

TaskList Pool::take_queued() noexcept {
  TaskList tasks;
  base::Lock lock(mutex_);
  dispatch_.drain(Scope::kAll, dispatch_.roster.making(), tasks);
  return tasks;
}

TaskPtr Pool::take_queued_of_home() noexcept {
  base::Lock lock(mutex_);
  TaskPtr task = dispatch_.backlog.pop(Lane::kHome);
  dispatch_.note_queued();
  return task;
}

Census Pool::census() const noexcept {
  base::Lock lock(mutex_);
  return dispatch_.count(interpreters());
}

std::vector<WorkerView> Pool::workers(Census& census) const {
  std::vector<WorkerView> views;
  for (std::size_t room = this->census().threads + 1;; room *= 2) {
    views.clear();
    views.reserve(room);
    base::Lock lock(mutex_);
    // Memory is allocated without the lock, and more workers may have come meanwhile.
    const Seat* const left_out = dispatch_.roster.find([&](const Seat& seat) {
      if (views.size() == views.capacity()) return true;
      views.emplace_back(seat);
      return false;
    });
    if (left_out != nullptr) continue;
    census = dispatch_.count(interpreters());
    return views;
  }
}

std::shared_ptr<const Breakage> Pool::broken(Lane lane) const noexcept {
  base::Lock lock(mutex_);
  return dispatch_.lifecycle.broken(lane);
}

TaskList Pool::break_down(std::shared_ptr<const Breakage> breakage, Scope scope) noexcept {
  TaskList tasks;
  base::Lock lock(mutex_);
  breakage = dispatch_.lifecycle.break_down(std::move(breakage), scope);
  dispatch_.drain(scope, 0, tasks);
  if (scope == Scope::kAll) dispatch_.close();
  return tasks;
}

std::shared_ptr<Interrupter> Pool::interrupter_of(const Task& task) const noexcept {
  base::Lock lock(mutex_);
  return task.pool == this ? dispatch_.interrupter_of(task) : nullptr;
}

void Pool::stop() noexcept {
  unsigned stops = 0;
  {
    base::Lock lock(mutex_);
    stops = dispatch_.lifecycle.stop();  // workers that come later see this in `attend`
  }
  for (;;) {  // one after the other: a list would need an allocation under the lock
    std::shared_ptr<Interrupter> interrupter;
    LoopPortPtr loop;
    {
      base::Lock lock(mutex_);
      Seat* const seat = dispatch_.roster.find([stops](const Seat& each) { return each.stops_seen < stops; });
      if (seat == nullptr) return;
      seat->stops_seen = stops;
      interrupter = seat->interrupter;
      loop = seat->loop;
    }
    if (interrupter) static_cast<void>(interrupter->interrupt_all());
    if (loop) static_cast<void>(loop->interrupt_all());
  }
}

// ---- The workers' side

Seat& Pool::enter(unsigned long thread) {
  std::unique_ptr<Seat> spare = Roster::make_seat();
  base::Lock lock(mutex_);
  Seat& seat = dispatch_.roster.enter(spare);
  seat.thread = thread;
  return seat;
}

TaskPtr Pool::take(Seat& seat) noexcept {
  Sleeper sleeper;
  base::Lock lock(mutex_);
  TaskPtr task = dispatch_.pick(seat);
  const bool is_busy = seat.duty == Seat::Duty::kBusy;
  if (!task && seat.errand == Seat::Errand::kNone) {
    if (is_busy) dispatch_.roster.search(seat);
  } else if (!is_busy) {
    dispatch_.roster.stop_searching(seat);
    sleeper.choose(dispatch_.choose_sleeper());
  }
  return task;
}

TaskPtr Pool::wait(Seat& seat) noexcept {
  spin(seat);
  for (;;) {
    {
      Sleeper sleeper;
      base::Lock lock(mutex_);
      TaskPtr task = dispatch_.pick(seat);
      if (task || seat.errand != Seat::Errand::kNone) {
        dispatch_.roster.stop_searching(seat);
        sleeper.choose(dispatch_.choose_sleeper());
        return task;
      }
      if (dispatch_.may_leave()) {
        dispatch_.roster.stop_hosting(seat);  // from now on no task waits for this host
        return task;
      }
      dispatch_.roster.park(seat);
    }
    seat.parker.park();  // the waking thread has already counted this worker as searching
  }
}

void Pool::withdraw(Seat& seat) noexcept {
  Sleeper sleeper;
  base::Lock lock(mutex_);
  dispatch_.roster.stop_searching(seat);
  sleeper.choose(dispatch_.choose_sleeper());
}

void Pool::give_back(Seat& seat, TaskPtr task) noexcept {
  Sleeper sleeper;
  base::Lock lock(mutex_);
  seat.current = nullptr;
  dispatch_.roster.serve_home(seat, false);
  if (task->is_addressed) {
    seat.addressed.push_front(std::move(task));
  } else {
    dispatch_.backlog.put_back(std::move(task));
  }
  dispatch_.note_queued();
  sleeper.choose(dispatch_.choose_sleeper());
}

bool Pool::interpreter_failed(Seat& seat, std::shared_ptr<const Breakage> why, TaskList& left) noexcept {
  std::shared_ptr<Interrupter> interrupter;  // destroyed without the lock, possibly as the last owner
  base::Lock lock(mutex_);
  seat.errand = Seat::Errand::kNone;
  dispatch_.drop_interpreter(seat, interrupter);
  if (dispatch_.lifecycle.rests()) return true;
  dispatch_.lifecycle.interpreter_failed();
  dispatch_.warm_up.release_all(left);
  dispatch_.give_up_loops(dispatch_.roster.host_count());
  if (dispatch_.roster.host_count() > 0) return true;
  dispatch_.lifecycle.break_until_retry(why);
  dispatch_.drain(Scope::kInterpreters, 0, left);
  return false;
}

bool Pool::attend(Seat& seat, std::shared_ptr<Interrupter> interrupter, std::int64_t interpreter) noexcept {
  base::Lock lock(mutex_);
  seat.interrupter.swap(interrupter);
  seat.interpreter = interpreter;
  return dispatch_.lifecycle.stopped();
}

void Pool::begin_ending(Seat& seat) noexcept {
  base::Lock lock(mutex_);
  seat.is_ending = seat.has_interpreter;
}

void Pool::step_down(Seat& seat) noexcept {
  std::shared_ptr<Interrupter> interrupter;
  base::Lock lock(mutex_);
  seat.errand = Seat::Errand::kNone;
  dispatch_.drop_interpreter(seat, interrupter);
}

void Pool::leave(Seat& seat) noexcept {
  std::shared_ptr<Interrupter> interrupter;
  base::Lock lock(mutex_);
  dispatch_.roster.serve_home(seat, false);
  dispatch_.drop_interpreter(seat, interrupter);
  dispatch_.roster.leave(seat);
  dispatch_.note_threads();
}

void Pool::spin(Seat& seat) noexcept {
  base::IdleSpins::Plan plan;
  {
    base::Lock lock(mutex_);
    if (seat.duty != Seat::Duty::kSearching) return;
    plan = spins_.begin(base::current_cpu(), submitter_cpu_->load(std::memory_order_relaxed));
  }
  if (!plan.spins()) return;
  // relaxed: only a hint. The tasks themselves are looked up under the lock.
  const base::Spun spun = plan.spin([this] { return signals_.is_stirring->load(std::memory_order_relaxed); });
  base::Lock lock(mutex_);
  spins_.learn(plan, spun);
}

}  // namespace aiointerpreters::pool
