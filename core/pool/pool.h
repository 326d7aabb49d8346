// Pool: the tasks and the workers of one executor. It is a monitor: one lock protects all decisions and their data.
//
//   Dispatch   which worker gets which task, which is woken, what is needed   dispatch.h
//   lanes      where calls run, and what each such place needs                lane.h
//   Inventory  the waiting calls, the workers, the loops, the lifecycle       inventory.h
//
// Owner: shared by the executor, its workers and its unfinished tasks; it holds no Python object.
// Thread: any. Locks: one, for a few dozen instructions, never while Python runs, a thread attaches or memory is allocated
// (data_path.md, 4).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "base/cache_line.h"
#include "base/futex.h"
#include "base/idle_spins.h"
#include "base/mutex.h"
#include "pool/census.h"
#include "pool/current_environment.h"
#include "pool/dispatch.h"
#include "pool/pool_options.h"
#include "pool/recorder.h"
#include "pool/signals.h"
#include "pool/sleeper.h"
#include "pool/task.h"
#include "pool/worker_view.h"

namespace aiointerpreters::pool {

class Pool {
 public:
  explicit Pool(PoolOptions options) : Pool(std::make_shared<const PoolOptions>(std::move(options))) {}
  explicit Pool(std::shared_ptr<const PoolOptions> options);
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool();
  [[nodiscard]] const PoolOptions& options() const noexcept { return *options_; }
  [[nodiscard]] const std::shared_ptr<const PoolOptions>& shared_options() const noexcept { return options_; }
  // The outcome of a task if there is no memory for a description of the failure.
  [[nodiscard]] const std::shared_ptr<const Breakage>& no_memory() const noexcept { return no_memory_; }

  // ---- Home's side.
  enum class Submitted : std::uint8_t {
    kQueued,       // a worker will see to it
    kNeedsThread,  // queued, and the caller has to start a thread that calls `enter`
    kRefused,      // closed; `broken` tells whether that was because something failed
  };
  // The contract of one submit. Owner: the pool shares the task until it has ended; the caller keeps its share.
  // Lane: chosen by the submitting code. A coroutine function goes to the event loop with the fewest tasks, or to a new one
  // if all loops have tasks and more are allowed.
  // Order: tasks for threads of home start in the order of their submission, and so do tasks for interpreters. A task that
  // is cancelled before it starts is dropped when a worker comes to it.
  // Thread: any. A worker starts the task, runs it, and publishes its outcome by one atomic change of its state. The
  // arguments and the result are dropped afterwards, on that worker's thread, attached to their interpreter. Objects of
  // home are dropped at home: those of an untagged call by its worker, before the outcome is published if delivery was not
  // requested, and those of a tagged call by the submitting code, because only bytes cross.
  // Told: once, by the thread that makes the last change. It tells nobody (interested code looks at the state), a sleeping
  // thread (futex), the mailbox of an event loop, or home (callbacks, by a visit).
  // Cancelling: a task that has not started never runs, and nobody waits. A running task continues; `interrupter_of`
  // returns the object that can stop it. Neither waits for the worker.
  // Errors: std::bad_alloc, for Lane::kLoops alone; nothing is queued then.
  [[nodiscard]] Submitted submit(TaskPtr task) AIOI_EXCLUDES(mutex_) {
    return task->lane == Lane::kLoops ? submit_to_loop(std::move(task)) : submit_to_queue(std::move(task));
  }
  // The task joins the queue when so many interpreters are ready (warm_up.h). Not kNeedsThread: `claim_thread` tells more.
  [[nodiscard]] Submitted warm_up(TaskPtr task, std::size_t interpreters) noexcept AIOI_EXCLUDES(mutex_);
  // See broadcasts.h. `tasks` are for the ready interpreters. `count`, their number, becomes the number that is needed.
  enum class Sent : std::uint8_t { kSent, kTooFewTasks, kRefused };
  [[nodiscard]] Sent broadcast(Broadcasts::Node& call, TaskList& tasks, std::size_t& count) noexcept AIOI_EXCLUDES(mutex_);
  void withdraw_broadcast(std::uint64_t id) noexcept AIOI_EXCLUDES(mutex_);
  // The worker on this thread, if it runs code of home and tasks are addressed to it; otherwise null.
  [[nodiscard]] Lender* addressed_lender(unsigned long thread) const noexcept AIOI_EXCLUDES(mutex_);
  // A requested thread could not be started. Returns whether other threads remain to serve the queue.
  bool thread_failed() noexcept AIOI_EXCLUDES(mutex_);
  // The new limits for threads and interpreters. Existing ones stay.
  void set_limits(std::size_t max_workers, std::size_t max_interpreters) noexcept AIOI_EXCLUDES(mutex_);
  // True: a thread is needed, for queued tasks or a warm-up. The caller has to start it, as after kNeedsThread.
  [[nodiscard]] bool claim_thread() noexcept AIOI_EXCLUDES(mutex_);
  // Accepts no more tasks. Workers end when they find nothing more to do.
  [[nodiscard]] bool is_closed() const noexcept AIOI_EXCLUDES(mutex_);
  void close() noexcept AIOI_EXCLUDES(mutex_);
  // Waits until the last thread, even one that is still to be started, has left. Requires: detached, closed. Blocks.
  [[nodiscard]] base::Wake wait_for_end(const base::Deadline& deadline) const noexcept;
  [[nodiscard]] bool ended() const noexcept { return signals_.threads->load(std::memory_order_acquire) == 0; }
  // Takes out tasks that have not started. Tasks for which an interpreter is being created count as started.
  [[nodiscard]] TaskList take_queued() noexcept AIOI_EXCLUDES(mutex_);
  // The oldest waiting task of home; null if there is none.
  [[nodiscard]] TaskPtr take_queued_of_home() noexcept AIOI_EXCLUDES(mutex_);
  [[nodiscard]] Census census() const noexcept AIOI_EXCLUDES(mutex_);
  // All workers, and their numbers at the same moment. Errors: std::bad_alloc.
  [[nodiscard]] std::vector<WorkerView> workers(Census& census) const AIOI_EXCLUDES(mutex_);
  using Scope = Lifecycle::Scope;
  // Null while calls of that lane can run.
  [[nodiscard]] std::shared_ptr<const Breakage> broken(Lane lane) const noexcept AIOI_EXCLUDES(mutex_);
  // Refuses all further tasks in that scope. Returns the queued ones, which the caller has to finish.
  [[nodiscard]] TaskList break_down(std::shared_ptr<const Breakage> breakage, Scope scope) noexcept AIOI_EXCLUDES(mutex_);
  // The object that can stop the task, if this pool runs it in an interpreter; otherwise null.
  [[nodiscard]] std::shared_ptr<Interrupter> interrupter_of(const Task& task) const noexcept AIOI_EXCLUDES(mutex_);
  // Stops all work of the interpreters, now and from now on. Requires: closed.
  void stop() noexcept AIOI_EXCLUDES(mutex_);

  // ---- Rests: before a fork, when there must be no interpreter (hazard 16).
  // Until as many calls of `end_rest`, no interpreter is created, and workers end theirs between two tasks.
  void begin_rest() noexcept AIOI_EXCLUDES(mutex_);
  // A worker that runs code of home while its interpreter is idle, or null. The caller has to call the seat's `end_lent`,
  // then `return_lent`.
  [[nodiscard]] Seat* take_lent() noexcept AIOI_EXCLUDES(mutex_);
  void return_lent(Seat& seat, bool has_ended) noexcept AIOI_EXCLUDES(mutex_);
  // Read this number before `interpreters` (`ending` of them run no task any more) and `take_lent`. `wait_for_rest_news`
  // then waits until the number has changed. Requires: detached. Blocks.
  [[nodiscard]] std::uint32_t rest_news() const noexcept { return signals_.rest_news->load(std::memory_order_acquire); }
  [[nodiscard]] base::Wake wait_for_rest_news(std::uint32_t seen, const base::Deadline& deadline) const noexcept;
  [[nodiscard]] std::size_t interpreters() const noexcept { return signals_.interpreters->load(std::memory_order_acquire); }
  [[nodiscard]] std::size_t ending() const noexcept AIOI_EXCLUDES(mutex_);
  void end_rest() noexcept AIOI_EXCLUDES(mutex_);

  // What workers have to follow.
  [[nodiscard]] CurrentEnvironment& environment() noexcept { return environment_; }

  // Null: no recorder. It has to live until the pool has ended.
  void set_recorder(Recorder* recorder) noexcept { recorder_.store(recorder, std::memory_order_relaxed); }
  void record(const Task& task, Recorder::Event event) const noexcept {
    // relaxed: the recorder was set before the pool got its first task.
    if (Recorder* const recorder = recorder_.load(std::memory_order_relaxed)) recorder->record(task, event);
  }

  // ---- The workers' side, in this order: enter, then take and wait alternately, then leave. Thread: that worker.
  // Takes the place of the thread that submit requested. Errors: std::bad_alloc; the thread is still expected then.
  [[nodiscard]] Seat& enter(unsigned long thread = 0) AIOI_EXCLUDES(mutex_);
  // The next task. Null: the seat has an errand, or there is nothing to do. Then the worker counts as available, before any
  // thread can learn that its last task is done. So the next submit finds it available, as in the standard library.
  [[nodiscard]] TaskPtr take(Seat& seat) noexcept AIOI_EXCLUDES(mutex_);
  // Waits for a task, after a take that found nothing. Null: the seat has an errand, or the worker has to leave. Requires:
  // detached. Blocks.
  [[nodiscard]] TaskPtr wait(Seat& seat) noexcept AIOI_EXCLUDES(mutex_);
  // The worker has other work and is not available. Call it after a take that found nothing.
  void withdraw(Seat& seat) noexcept AIOI_EXCLUDES(mutex_);
  // Puts back a task that was taken but not started.
  void give_back(Seat& seat, TaskPtr task) noexcept AIOI_EXCLUDES(mutex_);
  // Errand kMakeInterpreter is done. Returns a broadcast to run there before the next call of this; null: it is ready.
  [[nodiscard]] BroadcastPtr interpreter_made(Seat& seat) noexcept AIOI_EXCLUDES(mutex_);
  // Errand kMakeInterpreter has failed, and the unfinished interpreter has been ended. True: the tasks wait for other
  // hosts, or for the end of a rest. False: there are no hosts, and the pool refuses tasks for them until the next attempt.
  // `left` gets tasks that the caller has to end: those that wait for more hosts, and without hosts all that need one.
  [[nodiscard]] bool interpreter_failed(Seat& seat, std::shared_ptr<const Breakage> why, TaskList& left) noexcept
      AIOI_EXCLUDES(mutex_);
  // From now on the worker's interpreter, which has this id, can be interrupted. True: the worker has to stop itself.
  [[nodiscard]] bool attend(Seat& seat, std::shared_ptr<Interrupter> interrupter, std::int64_t interpreter = 0) noexcept
      AIOI_EXCLUDES(mutex_);
  // Errand kEndAddressed: the tasks that only the interpreter which has ended could run. The worker cancels them.
  [[nodiscard]] TaskList take_addressed(Seat& seat) noexcept AIOI_EXCLUDES(mutex_);
  // The next of them, while the worker runs the task `outer` of home and has reclaimed its interpreter. Null: there is none,
  // or the interpreter has to end; the worker's current task is `outer` again.
  [[nodiscard]] TaskPtr take_next_addressed(Seat& seat, Task* outer) noexcept AIOI_EXCLUDES(mutex_);
  // Before and after the worker ends its interpreter. `step_down` also ends errand kRest.
  void begin_ending(Seat& seat) noexcept AIOI_EXCLUDES(mutex_);
  void step_down(Seat& seat) noexcept AIOI_EXCLUDES(mutex_);
  // The worker is about to run code of home. Until it reclaims its interpreter, other threads may end that. False: a rest
  // is on, so the worker has to end its interpreter first.
  [[nodiscard]] bool lend(Seat& seat, Lender& lender) noexcept AIOI_EXCLUDES(mutex_);
  // Requires: lent. False: another thread is ending the interpreter, and the worker has to wait for that.
  [[nodiscard]] bool try_reclaim(Seat& seat) noexcept AIOI_EXCLUDES(mutex_);
  // Requires: try_reclaim has failed; detached. Blocks.
  void wait_to_reclaim(Seat& seat) noexcept AIOI_EXCLUDES(mutex_);
  // Errand kOpenLoop: the worker creates its event loop, and is not available meanwhile.
  [[nodiscard]] LoopPortPtr open_loop(Seat& seat) noexcept AIOI_EXCLUDES(mutex_);
  // A task that was sent to the event loop has ended. Thread: the loop's.
  void count_out(LoopPort& loop) noexcept AIOI_EXCLUDES(mutex_);
  // Whether the loop may end: it has no tasks and can get none. Thread: the loop's, after its worker has left or rests.
  [[nodiscard]] bool is_idle(const LoopPort& loop) const noexcept AIOI_EXCLUDES(mutex_);
  // The event loop has ended, or could not be opened: nothing is sent there any more. Returns its waiting tasks.
  [[nodiscard]] TaskList retire(LoopPort& loop) noexcept AIOI_EXCLUDES(mutex_);
  // The last call of a worker. When all have made it, wait_for_end returns. Requires: the worker's interpreter has ended.
  void leave(Seat& seat) noexcept AIOI_EXCLUDES(mutex_);

 private:
  [[nodiscard]] Submitted submit_to_queue(TaskPtr task) noexcept AIOI_EXCLUDES(mutex_);
  [[nodiscard]] Submitted submit_to_loop(TaskPtr task) AIOI_EXCLUDES(mutex_);
  // A task was queued: a thread may be needed, or a worker has to be woken.
  [[nodiscard]] Submitted call_worker(Sleeper& sleeper) noexcept AIOI_REQUIRES(mutex_);
  void spin(Seat& seat) noexcept AIOI_EXCLUDES(mutex_);

  const std::shared_ptr<const PoolOptions> options_;
  const std::shared_ptr<const Breakage> no_memory_;
  Signals signals_;
  mutable base::Mutex mutex_;
  mutable Dispatch dispatch_ AIOI_GUARDED_BY(mutex_);
  base::IdleSpins spins_ AIOI_GUARDED_BY(mutex_);
  CurrentEnvironment environment_;
  std::atomic<Recorder*> recorder_{nullptr};
  base::OwnLine<std::atomic<int>> submitter_cpu_{-1};  // the processor of the latest submit; relaxed: only a hint
};

}  // namespace aiointerpreters::pool
