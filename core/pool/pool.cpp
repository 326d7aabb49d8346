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

Pool::Pool(PoolOptions options) : options_(std::move(options)), max_spinners_(spinners_for(base::usable_cpus())) {}

Pool::~Pool() = default;

Pool::Submitted Pool::submit(TaskPtr task) noexcept {
  submitter_cpu_.store(base::current_cpu(), std::memory_order_relaxed);
  Seat* sleeper = nullptr;
  {
    base::Lock lock(mutex_);
    if (closed_) return Submitted::kRefused;
    (task->side() == Task::Side::kHome ? home_queue_ : worker_queue_).push(std::move(task), ++last_number_);
    count_queued();
    if (needs_thread()) {
      ++threads_;
      threads_left_.store(static_cast<std::uint32_t>(threads_), std::memory_order_release);
      ++plain_.available;
      return Submitted::kNeedsThread;
    }
    sleeper = choose_sleeper();
  }
  if (sleeper != nullptr) sleeper->parker.unpark();
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
  return drain();
}

std::shared_ptr<const Breakage> Pool::broken() const {
  base::Lock lock(mutex_);
  return breakage_;
}

std::vector<TaskPtr> Pool::break_down(std::shared_ptr<const Breakage> breakage) {
  base::Lock lock(mutex_);
  if (!breakage_) breakage_ = std::move(breakage);
  closed_ = true;
  std::vector<TaskPtr> queued = drain();
  wake_all_parked();
  return queued;
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

void Pool::give_back(TaskPtr task) noexcept {
  Seat* sleeper = nullptr;
  {
    base::Lock lock(mutex_);
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
      } else if (closed_) {
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
  if (seat.is_host) --host_count_;
  count_thread_out();
}

base::Wake Pool::wait_for_end(const base::Deadline& deadline) const noexcept {
  std::uint32_t left = threads_left_.load(std::memory_order_acquire);
  while (left != 0) {
    const base::Wake wake = base::wait_on(threads_left_, left, deadline);
    left = threads_left_.load(std::memory_order_acquire);
    if (wake != base::Wake::kChanged && left != 0) return wake;
  }
  return base::Wake::kChanged;
}

void Pool::count_thread_out() noexcept {
  --threads_;
  threads_left_.store(static_cast<std::uint32_t>(threads_), std::memory_order_release);
  base::wake_all(&threads_left_);
}

void Pool::spin(Seat& seat) noexcept {
  const int cpu = base::current_cpu();
  const bool beside_submitter = cpu >= 0 && cpu == submitter_cpu_.load(std::memory_order_relaxed);
  bool moves = false;
  {
    base::Lock lock(mutex_);
    if (spinners_ >= max_spinners_ || seat.standing != Seat::Standing::kSearching) return;
    ++spinners_;
    if (!beside_submitter) turns_taken_ = 0;
    if (turns_taken_ >= kTurnsBeforeMove) {
      const auto now = base::Clock::now();
      moves = now >= next_move_;
      if (moves) next_move_ = now + kMoveInterval;
    }
  }
  if (moves) base::leave_cpu(cpu);
  // relaxed: only a hint; what there is to take is looked up under the lock.
  const bool found = base::spin_until([this] { return stirring_.load(std::memory_order_relaxed); }, kSpinBudget);
  base::Lock lock(mutex_);
  --spinners_;
  turns_taken_ = found && beside_submitter ? turns_taken_ + 1 : 0;
}

TaskPtr Pool::pick(Seat& seat) noexcept {
  const bool home_side = !home_queue_.empty() && serves_home_side(seat);
  const bool worker_side = !worker_queue_.empty() && (seat.is_host || host_count_ < options_.max_interpreters);
  if (!home_side && !worker_side) return TaskPtr();
  // First in, first out; but a host leaves the home side to the plain workers if there are any.
  const bool prefers_worker_side = seat.is_host && host_count_ < threads_;
  const bool takes_worker_side = worker_side && (!home_side || prefers_worker_side || worker_queue_.older_than(home_queue_));
  TaskPtr task = (takes_worker_side ? worker_queue_ : home_queue_).pop();
  if (task->side() == Task::Side::kWorker && !seat.is_host) become_host(seat);
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
  if (threads_ >= options_.max_workers) return false;
  const std::size_t waiting = worker_queue_.size() > hosts_.available ? worker_queue_.size() - hosts_.available : 0;
  const std::size_t future_hosts = std::min(waiting, options_.max_interpreters - host_count_);
  return home_queue_.size() + future_hosts > plain_.available;
}

Seat* Pool::choose_sleeper() noexcept {
  if (!worker_queue_.empty() && hosts_.searching == 0) {
    if (hosts_.parked != nullptr) return unpark_first(hosts_);
    if (host_count_ < options_.max_interpreters && plain_.searching == 0 && plain_.parked != nullptr)
      return unpark_first(plain_);
  }
  if (!home_queue_.empty() && plain_.searching == 0) {
    if (plain_.parked != nullptr) return unpark_first(plain_);
    if (hosts_.parked != nullptr && hosts_.searching == 0 && serves_home_side(*hosts_.parked)) return unpark_first(hosts_);
  }
  return nullptr;
}

Seat* Pool::unpark_first(Idle& idle) noexcept {
  Seat* seat = std::exchange(idle.parked, idle.parked->next_parked);
  seat->standing = Seat::Standing::kSearching;
  ++idle.searching;
  return seat;
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

void Pool::become_host(Seat& seat) noexcept {
  const bool searching = seat.standing == Seat::Standing::kSearching;
  if (searching) stop_searching(seat);
  seat.is_host = true;
  ++host_count_;
  if (searching) search(seat);
}

void Pool::count_queued() noexcept {
  stirring_.store(closed_ || !home_queue_.empty() || !worker_queue_.empty(), std::memory_order_relaxed);
}

std::vector<TaskPtr> Pool::drain() {
  std::vector<TaskPtr> tasks;
  tasks.reserve(home_queue_.size() + worker_queue_.size());
  for (TaskQueue* queue : {&home_queue_, &worker_queue_}) {
    while (TaskPtr task = queue->pop()) tasks.push_back(std::move(task));
  }
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
