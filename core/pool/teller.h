// Teller: tells home how coroutine functions have ended, on a thread that is in no worker's interpreter.
//
// Telling may call a user's callbacks. A callback that blocks, or forks the process, must not run on the thread of an event
// loop. That thread is inside a worker's interpreter, which then could not end before the fork (hazard 16). So the loop
// leaves the ended tasks here, and continues. A worker has one teller for all its successive loops. Ends are told in their
// order. The thread starts when there is something to tell for the first time.
// Owner: shared by the worker, which finishes it, its loop and its own thread. Thread: the loop's, then the worker's.
#pragma once

#include <memory>

#include "base/mutex.h"
#include "base/parker.h"
#include "base/thread.h"
#include "pool/task.h"
#include "pool/task_list.h"

namespace aiointerpreters::pool {

class Teller final : public std::enable_shared_from_this<Teller> {
 public:
  Teller() noexcept = default;  // hold it by a std::shared_ptr
  Teller(const Teller&) = delete;
  Teller& operator=(const Teller&) = delete;

  // Has the thread tell home of the task's end soon, by Change::kDeliver, in the order of these calls. False: the thread
  // cannot be started, and the caller has to tell home. Blocks: no.
  [[nodiscard]] bool tell(TaskPtr task) noexcept AIOI_EXCLUDES(mutex_);
  // Returns when all tasks are told and the thread has ended. Requires: detached; `tell` is not called any more. Blocks.
  void finish() noexcept AIOI_EXCLUDES(mutex_);

 private:
  [[nodiscard]] bool start() noexcept AIOI_REQUIRES(mutex_);
  // Attaches, so CPython may unwind it (hazard 11).
  void run();
  // The next task; null: no more will come. Blocks.
  [[nodiscard]] TaskPtr next() AIOI_EXCLUDES(mutex_);
  // The next task, or null if there is none. In that case `ends` says whether the thread must end, or sleep until it is
  // woken.
  [[nodiscard]] TaskPtr look(bool& ends) noexcept AIOI_EXCLUDES(mutex_);

  base::Mutex mutex_;
  TaskList untold_ AIOI_GUARDED_BY(mutex_);
  bool is_asleep_ AIOI_GUARDED_BY(mutex_) = false;  // the thread sleeps, or is about to; code that adds a task wakes it
  bool is_finishing_ AIOI_GUARDED_BY(mutex_) = false;
  base::Thread thread_;  // started under the lock; joined by `finish`
  base::Parker parker_;  // for that thread
};

using TellerPtr = std::shared_ptr<Teller>;

}  // namespace aiointerpreters::pool
