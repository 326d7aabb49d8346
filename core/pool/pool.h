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
#include <vector>

#include "base/futex.h"
#include "base/mutex.h"
#include "pool/environment.h"
#include "pool/seat.h"
#include "pool/task.h"
#include "pool/task_queue.h"

namespace aiointerpreters::codec {
struct Runtime;
}

namespace aiointerpreters::pool {

struct PoolOptions {
  std::size_t max_workers = 1;
  std::size_t max_interpreters = 1;
  // Makes `_core`'s state in a new interpreter. Requires: attached to it. Returns null with a Python exception set.
  codec::Runtime* (*enter_interpreter)() = nullptr;
  // Finds home's again. Requires: attached to home. Returns null with a Python exception set.
  codec::Runtime* (*find_home)() = nullptr;
  // Runs once in each new interpreter, if there is one; `initializer_message` holds its arguments.
  codec::CallablePtr initializer;
  codec::Message initializer_message;
};

class Pool {
 public:
  explicit Pool(PoolOptions options);
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool();

  [[nodiscard]] const PoolOptions& options() const noexcept { return options_; }

  // ---- Home's side.

  enum class Submitted : std::uint8_t {
    kQueued,       // a worker will see to it
    kNeedsThread,  // queued, and the caller has to start a thread that calls `enter`
    kRefused,      // closed; `broken` tells whether that was because something failed
  };
  [[nodiscard]] Submitted submit(TaskPtr task) noexcept AIOI_EXCLUDES(mutex_);
  // The thread that submit asked for could not be started. Returns whether other threads remain to serve the queue.
  bool thread_failed() noexcept AIOI_EXCLUDES(mutex_);

  // No more tasks; workers end when they find nothing more to do.
  void close() noexcept AIOI_EXCLUDES(mutex_);
  // Waits until the last thread has left, those included that are still to be started. Requires: detached, closed. Blocks.
  [[nodiscard]] base::Wake wait_for_end(const base::Deadline& deadline) const noexcept;
  [[nodiscard]] bool ended() const noexcept { return threads_left_.load(std::memory_order_acquire) == 0; }
  // Takes what has not started out of the queues.
  [[nodiscard]] std::vector<TaskPtr> take_queued() AIOI_EXCLUDES(mutex_);

  // Null while the pool is usable.
  [[nodiscard]] std::shared_ptr<const Breakage> broken() const AIOI_EXCLUDES(mutex_);
  // Refuses all further tasks and returns those that were queued, which the caller has to finish.
  [[nodiscard]] std::vector<TaskPtr> break_down(std::shared_ptr<const Breakage> breakage) AIOI_EXCLUDES(mutex_);

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
  // After a take that found nothing: waits for a task. Null: the worker has to leave. Requires: detached. Blocks.
  [[nodiscard]] TaskPtr wait(Seat& seat) noexcept AIOI_EXCLUDES(mutex_);
  // After a take that found nothing: the worker has something else to do and is not available.
  void withdraw(Seat& seat) noexcept AIOI_EXCLUDES(mutex_);
  // Puts a task that was taken but not started back to where it was.
  void give_back(TaskPtr task) noexcept AIOI_EXCLUDES(mutex_);
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
  [[nodiscard]] bool serves_home_side(const Seat& seat) const noexcept AIOI_REQUIRES(mutex_);
  [[nodiscard]] bool prefers_worker_side(const Seat& seat) const noexcept AIOI_REQUIRES(mutex_);
  [[nodiscard]] bool needs_thread() const noexcept AIOI_REQUIRES(mutex_);
  // Chooses a parked worker for the tasks that nobody awake will see to; null if there is none. It counts as searching then.
  [[nodiscard]] Seat* choose_sleeper() noexcept AIOI_REQUIRES(mutex_);
  [[nodiscard]] Seat* unpark_first(Idle& idle) noexcept AIOI_REQUIRES(mutex_);
  [[nodiscard]] Idle& idle_of(const Seat& seat) noexcept AIOI_REQUIRES(mutex_);
  void search(Seat& seat) noexcept AIOI_REQUIRES(mutex_);
  void stop_searching(Seat& seat) noexcept AIOI_REQUIRES(mutex_);
  void spin(Seat& seat) noexcept AIOI_EXCLUDES(mutex_);
  void become_host(Seat& seat) noexcept AIOI_REQUIRES(mutex_);
  void count_queued() noexcept AIOI_REQUIRES(mutex_);
  void count_thread_out() noexcept AIOI_REQUIRES(mutex_);
  [[nodiscard]] std::vector<TaskPtr> drain() AIOI_REQUIRES(mutex_);
  void wake_all_parked() noexcept AIOI_REQUIRES(mutex_);

  const PoolOptions options_;
  const std::size_t max_spinners_;

  mutable base::Mutex mutex_;
  TaskQueue home_queue_ AIOI_GUARDED_BY(mutex_);
  TaskQueue worker_queue_ AIOI_GUARDED_BY(mutex_);
  std::uint64_t last_number_ AIOI_GUARDED_BY(mutex_) = 0;
  Idle plain_ AIOI_GUARDED_BY(mutex_);
  Idle hosts_ AIOI_GUARDED_BY(mutex_);
  std::size_t threads_ AIOI_GUARDED_BY(mutex_) = 0;     // started, or about to be
  std::size_t host_count_ AIOI_GUARDED_BY(mutex_) = 0;  // of them, those with an interpreter
  std::size_t spinners_ AIOI_GUARDED_BY(mutex_) = 0;
  bool closed_ AIOI_GUARDED_BY(mutex_) = false;
  unsigned turns_taken_ AIOI_GUARDED_BY(mutex_) = 0;           // spins in a row that shared the submitter's processor
  base::Clock::time_point next_move_ AIOI_GUARDED_BY(mutex_);  // before that no worker changes its processor
  std::shared_ptr<const Breakage> breakage_ AIOI_GUARDED_BY(mutex_);
  EnvironmentPtr environment_ AIOI_GUARDED_BY(mutex_);

  std::atomic<std::uint64_t> environment_version_{0};
  std::atomic<std::uint32_t> threads_left_{0};  // threads_, for those who wait for the end
  std::atomic<int> submitter_cpu_{-1};          // the processor of the latest submit; relaxed, a hint
  // For those who spin without the lock: something to take, or the pool is closed. Written under the lock.
  std::atomic<bool> stirring_{false};
};

}  // namespace aiointerpreters::pool
