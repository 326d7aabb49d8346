// See pool.h. Every decision is made under the one lock; waking and parking happen outside of it.
#include "pool/pool.h"

#include <algorithm>
#include <utility>

#include "base/cpu.h"

namespace aiointerpreters::pool {

namespace {

// Long enough to bridge the gap between two calls of submit().result(), short enough not to matter as CPU time.
constexpr std::chrono::microseconds kSpinBudget{50};

base::Wake wait_for_zero(const std::atomic<std::uint32_t>& count, const base::Deadline& deadline) noexcept {
  std::uint32_t left = count.load(std::memory_order_acquire);
  while (left != 0) {
    const base::Wake wake = base::wait_on(count, left, deadline);
    left = count.load(std::memory_order_acquire);
    if (wake != base::Wake::kChanged && left != 0) return wake;
  }
  return base::Wake::kChanged;
}

}  // namespace

Pool::Pool(std::shared_ptr<const PoolOptions> options)
    : options_(std::move(options)), max_hosts_(options_->max_interpreters), spins_(base::usable_cpus(), kSpinBudget) {}

Pool::~Pool() = default;

Pool::Submitted Pool::submit(TaskPtr task) noexcept {
  submitter_cpu_.store(base::current_cpu(), std::memory_order_relaxed);
  Seat* sleeper = nullptr;
  Submitted submitted = Submitted::kQueued;
  {
    base::Lock lock(mutex_);
    if (closed_ || (breakage_ && task->side() == Task::Side::kWorker)) return Submitted::kRefused;
    (task->side() == Task::Side::kHome ? home_queue_ : worker_queue_).push(std::move(task), ++last_number_);
    submitted = call_worker(sleeper);
  }
  if (sleeper != nullptr) sleeper->parker.unpark();
  return submitted;
}

Pool::Submitted Pool::call_worker(Seat*& sleeper) noexcept {
  count_queued();
  if (needs_thread()) {
    count_thread_in();
    return Submitted::kNeedsThread;
  }
  sleeper = choose_sleeper();
  return Submitted::kQueued;
}

bool Pool::thread_failed() noexcept {
  Seat* sleeper = nullptr;
  bool served = false;
  {
    base::Lock lock(mutex_);
    count_thread_out();
    --plain_.available;
    served = threads_ > 0;
    sleeper = choose_sleeper();
  }
  if (sleeper != nullptr) sleeper->parker.unpark();
  return served;
}

void Pool::close() noexcept {
  base::Lock lock(mutex_);
  closed_ = true;
  count_queued();
  wake_all_parked();
}

std::vector<TaskPtr> Pool::take_queued() {
  base::Lock lock(mutex_);
  return drain(Scope::kAll);
}

std::size_t Pool::queued() const {
  base::Lock lock(mutex_);
  return home_queue_.size() + worker_queue_.size();
}

std::shared_ptr<const Breakage> Pool::broken(Task::Side side) const {
  base::Lock lock(mutex_);
  return side == Task::Side::kWorker || broken_scope_ == Scope::kAll ? breakage_ : nullptr;
}

std::vector<TaskPtr> Pool::break_down(std::shared_ptr<const Breakage> breakage, Scope scope) {
  base::Lock lock(mutex_);
  const bool widens = scope == Scope::kAll && broken_scope_ != Scope::kAll;
  if (!breakage_ || widens) {
    breakage_ = std::move(breakage);
    broken_scope_ = scope;
  }
  std::vector<TaskPtr> queued = drain(scope);
  if (scope == Scope::kAll) {
    closed_ = true;
    count_queued();
    wake_all_parked();
  }
  return queued;
}

std::shared_ptr<Interrupter> Pool::interrupter_of(const Task& task) const {
  base::Lock lock(mutex_);
  for (const Seat* seat = seats_; seat != nullptr; seat = seat->next_seat) {
    if (seat->current == &task) return seat->interrupter;
  }
  return nullptr;
}

void Pool::stop() {
  std::vector<std::shared_ptr<Interrupter>> interrupters;
  {
    base::Lock lock(mutex_);
    stopped_ = true;
    interrupters.reserve(2 * threads_);
    for (const Seat* seat = seats_; seat != nullptr; seat = seat->next_seat) {
      if (seat->interrupter) interrupters.push_back(seat->interrupter);
      if (seat->loop) interrupters.push_back(seat->loop);
    }
  }
  for (const std::shared_ptr<Interrupter>& interrupter : interrupters) static_cast<void>(interrupter->interrupt_all());
}

void Pool::begin_rest() noexcept {
  base::Lock lock(mutex_);
  ++rests_;
  while (hosts_.parked != nullptr) unpark_first(hosts_)->parker.unpark();
}

base::Wake Pool::wait_for_rest(const base::Deadline& deadline) const noexcept {
  return wait_for_zero(interpreters_, deadline);
}

void Pool::end_rest() noexcept {
  Seat* sleeper = nullptr;
  {
    base::Lock lock(mutex_);
    if (--rests_ > 0) return;
    if (closed_) wake_all_parked();
    sleeper = choose_sleeper();
  }
  if (sleeper != nullptr) sleeper->parker.unpark();
}

void Pool::set_environment(EnvironmentPtr environment) {
  base::Lock lock(mutex_);
  environment_version_.store(environment->version, std::memory_order_release);
  environment_ = std::move(environment);
}

EnvironmentPtr Pool::environment() const {
  base::Lock lock(mutex_);
  return environment_;
}

void Pool::enter(Seat& seat) {
  base::Lock lock(mutex_);
  seat.standing = Seat::Standing::kSearching;
  seat.next_seat = std::exchange(seats_, &seat);
  ++plain_.searching;
}

TaskPtr Pool::take(Seat& seat) noexcept {
  Seat* sleeper = nullptr;
  TaskPtr task;
  {
    base::Lock lock(mutex_);
    task = pick(seat);
    if (seat.standing == Seat::Standing::kBusy) {
      if (!task) search(seat);
    } else if (task) {
      stop_searching(seat);
      sleeper = choose_sleeper();
    }
  }
  if (sleeper != nullptr) sleeper->parker.unpark();
  return task;
}

void Pool::withdraw(Seat& seat) noexcept {
  Seat* sleeper = nullptr;
  {
    base::Lock lock(mutex_);
    stop_searching(seat);
    sleeper = choose_sleeper();
  }
  if (sleeper != nullptr) sleeper->parker.unpark();
}

void Pool::give_back(Seat& seat, TaskPtr task) noexcept {
  Seat* sleeper = nullptr;
  {
    base::Lock lock(mutex_);
    seat.current = nullptr;
    (task->side() == Task::Side::kHome ? home_queue_ : worker_queue_).push_front(std::move(task));
    count_queued();
    sleeper = choose_sleeper();
  }
  if (sleeper != nullptr) sleeper->parker.unpark();
}

TaskPtr Pool::wait(Seat& seat) noexcept {
  spin(seat);
  for (;;) {
    Seat* sleeper = nullptr;
    TaskPtr task;
    {
      base::Lock lock(mutex_);
      task = pick(seat);
      if (task) {
        stop_searching(seat);
        sleeper = choose_sleeper();
      } else if (seat.must_open_loop) {
        return TaskPtr();
      } else if (must_rest(seat)) {
        seat.must_rest = true;
        loops_.erase(seat.loop);
        return TaskPtr();
      } else if (may_leave()) {
        if (seat.is_host) set_host(seat, false);  // from now on nobody counts on it
        return TaskPtr();
      } else {
        Idle& idle = idle_of(seat);
        --idle.searching;
        seat.standing = Seat::Standing::kParked;
        seat.next_parked = std::exchange(idle.parked, &seat);
      }
    }
    if (sleeper != nullptr) sleeper->parker.unpark();
    if (task) return task;
    seat.parker.park();  // who wakes us has counted us as searching
  }
}

void Pool::leave(Seat& seat) noexcept {
  base::Lock lock(mutex_);
  if (seat.standing == Seat::Standing::kSearching) stop_searching(seat);
  count_interpreter_out(seat);
  Seat** link = &seats_;
  while (*link != &seat) link = &(*link)->next_seat;
  *link = seat.next_seat;
  count_thread_out();
}

bool Pool::attend(Seat& seat, std::shared_ptr<Interrupter> interrupter) noexcept {
  base::Lock lock(mutex_);
  seat.interrupter = std::move(interrupter);
  return stopped_;
}

void Pool::step_down(Seat& seat) noexcept {
  base::Lock lock(mutex_);
  seat.must_rest = false;
  seat.loop.reset();
  seat.interrupter.reset();
  set_host(seat, false);
  count_interpreter_out(seat);
}

bool Pool::host_failed(Seat& seat) noexcept {
  base::Lock lock(mutex_);
  seat.interrupter.reset();
  set_host(seat, false);
  count_interpreter_out(seat);
  if (rests_ > 0) return true;  // all the others have none for the moment: it is tried again
  max_hosts_ = host_count_;
  give_up_loops();
  return max_hosts_ > 0;
}

base::Wake Pool::wait_for_end(const base::Deadline& deadline) const noexcept {
  return wait_for_zero(threads_left_, deadline);
}

void Pool::count_thread_in() noexcept {
  ++threads_;
  threads_left_.store(static_cast<std::uint32_t>(threads_), std::memory_order_release);
  ++plain_.available;
}

void Pool::count_thread_out() noexcept {
  --threads_;
  threads_left_.store(static_cast<std::uint32_t>(threads_), std::memory_order_release);
  base::wake_all(&threads_left_);
}

void Pool::spin(Seat& seat) noexcept {
  base::IdleSpins::Plan plan;
  {
    base::Lock lock(mutex_);
    if (seat.standing != Seat::Standing::kSearching) return;
    plan = spins_.begin(base::current_cpu(), submitter_cpu_.load(std::memory_order_relaxed));
  }
  if (!plan.spins()) return;
  // relaxed: only a hint; what there is to take is looked up under the lock.
  const base::Spun spun = plan.spin([this] { return stirring_.load(std::memory_order_relaxed); });
  base::Lock lock(mutex_);
  spins_.learn(plan, spun);
}

TaskPtr Pool::pick(Seat& seat) noexcept {
  seat.current = nullptr;
  if (must_rest(seat) || seat.must_open_loop) return TaskPtr();
  if (loops_.unbound() > 0 && can_have_loop(seat)) {
    bind_loop(seat);
    return TaskPtr();
  }
  const bool home_side = !home_queue_.empty() && serves_home_side(seat);
  const bool worker_side = !worker_queue_.empty() && (seat.is_host || (free_hosts() > 0 && rests_ == 0));
  if (!home_side && !worker_side) return TaskPtr();
  const bool takes_worker_side = worker_side && (!home_side || prefers_worker_side(seat));
  TaskPtr task = (takes_worker_side ? worker_queue_ : home_queue_).pop();
  if (task->side() == Task::Side::kWorker && !seat.is_host) set_host(seat, true);
  seat.current = task.get();
  count_queued();
  return task;
}

bool Pool::serves_home_side(const Seat& seat) const noexcept {
  // A host keeps out of the home side as long as there are plain workers, on the way ones included, for all that waits
  // there: blocking calls shall not hold up interpreters.
  return !seat.is_host || home_queue_.size() > plain_.available;
}

bool Pool::prefers_worker_side(const Seat& seat) const noexcept {
  // First in, first out; but each kind of worker leaves to the other kind what that is better for.
  if (seat.is_host && host_count_ < threads_) return true;
  if (!seat.is_host && hosts_.available > 0) return false;
  return worker_queue_.older_than(home_queue_);
}

bool Pool::needs_thread() const noexcept {
  if (threads_ >= options_->max_workers) return false;
  const std::size_t waiting = worker_queue_.size() > hosts_.available ? worker_queue_.size() - hosts_.available : 0;
  const std::size_t future_hosts = std::min(waiting, free_hosts());
  if (loops_.unbound() > available_for_loops(0) && free_hosts() > 0) return true;
  return home_queue_.size() + future_hosts > plain_.available;
}

Seat* Pool::choose_sleeper() noexcept {
  if (loops_.unbound() > 0) {
    Seat* const sleeper = sleeper_for_loop();
    if (sleeper != nullptr) return unpark(*sleeper);
  }
  if (!worker_queue_.empty() && hosts_.searching == 0) {
    if (hosts_.parked != nullptr) return unpark_first(hosts_);
    if (free_hosts() > 0 && rests_ == 0 && plain_.searching == 0 && plain_.parked != nullptr) return unpark_first(plain_);
  }
  if (!home_queue_.empty() && plain_.searching == 0) {
    if (plain_.parked != nullptr) return unpark_first(plain_);
    if (hosts_.parked != nullptr && hosts_.searching == 0 && serves_home_side(*hosts_.parked)) return unpark_first(hosts_);
  }
  return nullptr;
}

Seat* Pool::unpark_first(Idle& idle) noexcept { return unpark(*idle.parked); }

Seat* Pool::unpark(Seat& seat) noexcept {
  Idle& idle = idle_of(seat);
  Seat** link = &idle.parked;
  while (*link != &seat) link = &(*link)->next_parked;
  *link = seat.next_parked;
  seat.standing = Seat::Standing::kSearching;
  ++idle.searching;
  return &seat;
}

Pool::Idle& Pool::idle_of(const Seat& seat) noexcept { return seat.is_host ? hosts_ : plain_; }

void Pool::search(Seat& seat) noexcept {
  seat.standing = Seat::Standing::kSearching;
  Idle& idle = idle_of(seat);
  ++idle.searching;
  ++idle.available;
}

void Pool::stop_searching(Seat& seat) noexcept {
  seat.standing = Seat::Standing::kBusy;
  Idle& idle = idle_of(seat);
  --idle.searching;
  --idle.available;
}

bool Pool::must_rest(const Seat& seat) const noexcept {
  return rests_ > 0 && seat.is_host && (!seat.loop || seat.loop->live == 0);
}

bool Pool::may_leave() const noexcept {
  const bool is_needed = loops_.unbound() > 0 || (rests_ > 0 && !worker_queue_.empty());  // the latter after the rest
  return closed_ && !is_needed;
}

std::size_t Pool::free_hosts() const noexcept { return max_hosts_ > host_count_ ? max_hosts_ - host_count_ : 0; }

void Pool::set_host(Seat& seat, bool is_host) noexcept {
  const bool searching = seat.standing == Seat::Standing::kSearching;
  if (searching) stop_searching(seat);
  seat.is_host = is_host;
  host_count_ = is_host ? host_count_ + 1 : host_count_ - 1;
  if (is_host) {
    seat.has_interpreter = true;
    interpreters_.fetch_add(1, std::memory_order_release);
  }
  if (searching) search(seat);
}

void Pool::count_interpreter_out(Seat& seat) noexcept {
  if (!seat.has_interpreter) return;
  seat.has_interpreter = false;
  if (interpreters_.fetch_sub(1, std::memory_order_release) == 1) base::wake_all(&interpreters_);
}

void Pool::count_queued() noexcept {
  const bool stirs = closed_ || loops_.unbound() > 0 || !home_queue_.empty() || !worker_queue_.empty();
  stirring_.store(stirs, std::memory_order_relaxed);
}

std::vector<TaskPtr> Pool::drain(Scope scope) {
  std::vector<TaskPtr> tasks;
  tasks.reserve(home_queue_.size() + worker_queue_.size() + loops_.waiting());
  while (TaskPtr task = worker_queue_.pop()) tasks.push_back(std::move(task));
  while (TaskPtr task = scope == Scope::kAll ? home_queue_.pop() : TaskPtr()) tasks.push_back(std::move(task));
  loops_.drain([&](TaskPtr task) { tasks.push_back(std::move(task)); });
  count_queued();
  return tasks;
}

void Pool::wake_all_parked() noexcept {
  for (Idle* idle : {&plain_, &hosts_}) {
    // Under the lock, so that no worker can be gone before it is woken.
    while (idle->parked != nullptr) unpark_first(*idle)->parker.unpark();
  }
}

}  // namespace aiointerpreters::pool
