// Pool: the queues of one executor, and who is to run what.
//
// Two queues, one per side. A worker that has an interpreter ("host") serves both, a plain worker the home side only; it
// becomes a host when it takes a task of the worker side, as long as there are fewer than max_interpreters.
//
// Owner: shared by the executor, its workers and its unfinished business; it holds no Python object.
// Thread: any. Locks: one, for a few dozen instructions, never while Python runs or a thread attaches (data_path.md, 4).
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/futex.h"
#include "base/idle_spins.h"
#include "base/mutex.h"
#include "pool/environment.h"
#include "pool/loops.h"
#include "pool/pool_options.h"
#include "pool/seat.h"
#include "pool/task.h"
#include "pool/task_queue.h"

namespace aiointerpreters::pool {

class Pool {
 public:
  explicit Pool(PoolOptions options) : Pool(std::make_shared<const PoolOptions>(std::move(options))) {}
  explicit Pool(std::shared_ptr<const PoolOptions> options);
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool();

  [[nodiscard]] const PoolOptions& options() const noexcept { return *options_; }
  // For another pool like this one.
  [[nodiscard]] const std::shared_ptr<const PoolOptions>& shared_options() const noexcept { return options_; }

  // ---- Home's side.

  enum class Submitted : std::uint8_t {
    kQueued,       // a worker will see to it
    kNeedsThread,  // queued, and the caller has to start a thread that calls `enter`
    kRefused,      // closed; `broken` tells whether that was because something failed
  };
  [[nodiscard]] Submitted submit(TaskPtr task) noexcept AIOI_EXCLUDES(mutex_);
  // The same for a coroutine function: it goes to the event loop of a worker's interpreter, the one with the fewest tasks. A
  // further one is made while all have some and there may be more. Errors: std::bad_alloc, nothing is queued then.
  [[nodiscard]] Submitted submit_to_loop(TaskPtr task) AIOI_EXCLUDES(mutex_);
  // The thread that submit asked for could not be started. Returns whether other threads remain to serve the queue.
  bool thread_failed() noexcept AIOI_EXCLUDES(mutex_);

  // No more tasks; workers end when they find nothing more to do.
  void close() noexcept AIOI_EXCLUDES(mutex_);
  // Waits until the last thread has left, those included that are still to be started. Requires: detached, closed. Blocks.
  [[nodiscard]] base::Wake wait_for_end(const base::Deadline& deadline) const noexcept;
  [[nodiscard]] bool ended() const noexcept { return threads_left_.load(std::memory_order_acquire) == 0; }
  // Takes what has not started out of the queues.
  [[nodiscard]] std::vector<TaskPtr> take_queued() AIOI_EXCLUDES(mutex_);

  // How many tasks wait.
  [[nodiscard]] std::size_t queued() const AIOI_EXCLUDES(mutex_);

  // What a failure puts out of use.
  enum class Scope : std::uint8_t { kWorkerSide, kAll };
  // Null while tasks of that side can be run.
  [[nodiscard]] std::shared_ptr<const Breakage> broken(Task::Side side) const AIOI_EXCLUDES(mutex_);
  // Refuses all further tasks in that scope and returns those that were queued, which the caller has to finish.
  [[nodiscard]] std::vector<TaskPtr> break_down(std::shared_ptr<const Breakage> breakage, Scope scope) AIOI_EXCLUDES(mutex_);

  // Who can stop the task that a worker was given last; null if that is none, or its interpreter is only being made.
  [[nodiscard]] std::shared_ptr<Interrupter> interrupter_of(const Task& task) const AIOI_EXCLUDES(mutex_);
  // Stops what the interpreters run, now and from now on. Requires: closed. Errors: std::bad_alloc.
  void stop() AIOI_EXCLUDES(mutex_);

  // Before a fork, which no interpreter may see (hazard 16): has workers end theirs as soon as they are between two tasks,
  // and make no others until as many calls of `end_rest`.
  void begin_rest() noexcept AIOI_EXCLUDES(mutex_);
  // Waits until there is no interpreter left. Requires: detached. Blocks.
  [[nodiscard]] base::Wake wait_for_rest(const base::Deadline& deadline) const noexcept;
  [[nodiscard]] std::size_t interpreters() const noexcept { return interpreters_.load(std::memory_order_acquire); }
  void end_rest() noexcept AIOI_EXCLUDES(mutex_);

  // Thread: home's, one at a time (its GIL sees to it).
  void set_environment(EnvironmentPtr environment) AIOI_EXCLUDES(mutex_);
  [[nodiscard]] EnvironmentPtr environment() const AIOI_EXCLUDES(mutex_);
  [[nodiscard]] std::uint64_t environment_version() const noexcept {
    // acquire: pairs with the release in set_environment. A task is queued after its environment was set.
    return environment_version_.load(std::memory_order_acquire);
  }

  // ---- The workers' side, in this order: enter, then take and wait in turns, then leave. Thread: that worker.

  // Takes the place of the thread that submit asked for.
  void enter(Seat& seat) AIOI_EXCLUDES(mutex_);
  // The next task; null if there is none now. The worker counts as available from then on, before anybody can learn that
  // its last task is done: who submits again finds it so, as in the standard library.
  [[nodiscard]] TaskPtr take(Seat& seat) noexcept AIOI_EXCLUDES(mutex_);
  // After a take that found nothing: waits for a task. Null: the worker has to leave, or, if the seat says so, to open a loop, or
  // to rest: it ends its interpreter, steps down and goes on. Requires: detached. Blocks.
  [[nodiscard]] TaskPtr wait(Seat& seat) noexcept AIOI_EXCLUDES(mutex_);
  // After a take that found nothing: the worker has something else to do and is not available.
  void withdraw(Seat& seat) noexcept AIOI_EXCLUDES(mutex_);
  // Puts a task that was taken but not started back to where it was.
  void give_back(Seat& seat, TaskPtr task) noexcept AIOI_EXCLUDES(mutex_);

  // The worker's interpreter can be interrupted from now on. True: everything is to be stopped, so it has to stop itself.
  [[nodiscard]] bool attend(Seat& seat, std::shared_ptr<Interrupter> interrupter) noexcept AIOI_EXCLUDES(mutex_);
  // After a take or wait that found nothing, where the seat says so: the worker makes its event loop, and is not available.
  [[nodiscard]] LoopPortPtr open_loop(Seat& seat) noexcept AIOI_EXCLUDES(mutex_);
  // A task that was sent to the event loop has ended. Thread: the loop's.
  void count_out(LoopPort& loop) noexcept AIOI_EXCLUDES(mutex_);
  // Whether the loop may end: nothing is there or can come. Thread: the loop's, once its worker has left or rests.
  [[nodiscard]] bool is_idle(const LoopPort& loop) const noexcept AIOI_EXCLUDES(mutex_);
  // The event loop is gone, or could not be opened: nothing is sent there any more. Returns what was and has not been taken.
  [[nodiscard]] TaskList retire(LoopPort& loop) noexcept AIOI_EXCLUDES(mutex_);

  // The worker has no interpreter any more.
  void step_down(Seat& seat) noexcept AIOI_EXCLUDES(mutex_);
  // It could not make one. True: there are others, who will have to do, and no more than those are to be made; or it is to be
  // tried again.
  [[nodiscard]] bool host_failed(Seat& seat) noexcept AIOI_EXCLUDES(mutex_);
  // The last call; once the last worker has made it, wait_for_end returns. Requires: the worker's interpreter has ended.
  void leave(Seat& seat) noexcept AIOI_EXCLUDES(mutex_);

 private:
  // Workers of one kind that are looking for a task, awake or asleep.
  struct Idle {
    Seat* parked = nullptr;     // the one that parked last comes first
    std::size_t searching = 0;  // awake; they look at the queues before they park, so nobody has to wake them
    std::size_t available = 0;  // parked + searching
  };

  [[nodiscard]] TaskPtr pick(Seat& seat) noexcept AIOI_REQUIRES(mutex_);
  [[nodiscard]] Submitted call_worker(Seat*& sleeper) noexcept AIOI_REQUIRES(mutex_);
  [[nodiscard]] bool serves_home_side(const Seat& seat) const noexcept AIOI_REQUIRES(mutex_);
  [[nodiscard]] bool prefers_worker_side(const Seat& seat) const noexcept AIOI_REQUIRES(mutex_);
  [[nodiscard]] bool needs_thread() const noexcept AIOI_REQUIRES(mutex_);
  // Chooses a parked worker for the tasks that nobody awake will see to; null if there is none. It counts as searching then.
  [[nodiscard]] Seat* choose_sleeper() noexcept AIOI_REQUIRES(mutex_);
  [[nodiscard]] Seat* unpark_first(Idle& idle) noexcept AIOI_REQUIRES(mutex_);
  Seat* unpark(Seat& seat) noexcept AIOI_REQUIRES(mutex_);
  [[nodiscard]] Idle& idle_of(const Seat& seat) noexcept AIOI_REQUIRES(mutex_);
  void search(Seat& seat) noexcept AIOI_REQUIRES(mutex_);
  void stop_searching(Seat& seat) noexcept AIOI_REQUIRES(mutex_);
  // How many workers have nothing to do and can have one, those on their way and so many new ones included.
  [[nodiscard]] std::size_t available_for_loops(std::size_t new_threads) const noexcept AIOI_REQUIRES(mutex_);
  [[nodiscard]] Seat* sleeper_for_loop() const noexcept AIOI_REQUIRES(mutex_);
  [[nodiscard]] bool can_have_loop(const Seat& seat) const noexcept AIOI_REQUIRES(mutex_);
  void give_up_loops() noexcept AIOI_REQUIRES(mutex_);
  void bind_loop(Seat& seat) noexcept AIOI_REQUIRES(mutex_);
  void spin(Seat& seat) noexcept AIOI_EXCLUDES(mutex_);
  [[nodiscard]] bool must_rest(const Seat& seat) const noexcept AIOI_REQUIRES(mutex_);
  [[nodiscard]] bool may_leave() const noexcept AIOI_REQUIRES(mutex_);
  void set_host(Seat& seat, bool is_host) noexcept AIOI_REQUIRES(mutex_);
  void count_interpreter_out(Seat& seat) noexcept AIOI_REQUIRES(mutex_);
  [[nodiscard]] std::size_t free_hosts() const noexcept AIOI_REQUIRES(mutex_);
  void count_queued() noexcept AIOI_REQUIRES(mutex_);
  void count_thread_in() noexcept AIOI_REQUIRES(mutex_);
  void count_thread_out() noexcept AIOI_REQUIRES(mutex_);
  [[nodiscard]] std::vector<TaskPtr> drain(Scope scope) AIOI_REQUIRES(mutex_);
  void wake_all_parked() noexcept AIOI_REQUIRES(mutex_);

  const std::shared_ptr<const PoolOptions> options_;

  mutable base::Mutex mutex_;
  TaskQueue home_queue_ AIOI_GUARDED_BY(mutex_);
  TaskQueue worker_queue_ AIOI_GUARDED_BY(mutex_);
  std::uint64_t last_number_ AIOI_GUARDED_BY(mutex_) = 0;
  Idle plain_ AIOI_GUARDED_BY(mutex_);
  Idle hosts_ AIOI_GUARDED_BY(mutex_);
  std::size_t threads_ AIOI_GUARDED_BY(mutex_) = 0;     // started, or about to be
  std::size_t host_count_ AIOI_GUARDED_BY(mutex_) = 0;  // of them, those that serve the worker side
  std::size_t max_hosts_ AIOI_GUARDED_BY(mutex_);       // max_interpreters, or fewer if there could not be so many
  Seat* seats_ AIOI_GUARDED_BY(mutex_) = nullptr;       // of the workers that have entered
  Loops loops_ AIOI_GUARDED_BY(mutex_);                 // to which coroutine functions are sent
  bool closed_ AIOI_GUARDED_BY(mutex_) = false;
  bool stopped_ AIOI_GUARDED_BY(mutex_) = false;
  unsigned rests_ AIOI_GUARDED_BY(mutex_) = 0;  // that have begun and not ended
  base::IdleSpins spins_ AIOI_GUARDED_BY(mutex_);
  std::shared_ptr<const Breakage> breakage_ AIOI_GUARDED_BY(mutex_);
  Scope broken_scope_ AIOI_GUARDED_BY(mutex_) = Scope::kWorkerSide;  // what `breakage_` is about
  EnvironmentPtr environment_ AIOI_GUARDED_BY(mutex_);

  std::atomic<std::uint64_t> environment_version_{0};
  std::atomic<std::uint32_t> threads_left_{0};  // threads_, for those who wait for the end
  std::atomic<std::uint32_t> interpreters_{0};  // that live, are being made or ended; written under the lock
  std::atomic<int> submitter_cpu_{-1};          // the processor of the latest submit; relaxed, a hint
  // For those who spin without the lock: something to take, or the pool is closed. Written under the lock.
  std::atomic<bool> stirring_{false};
};

}  // namespace aiointerpreters::pool
