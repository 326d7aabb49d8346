// Teller: tells home how coroutine functions have ended, on a thread that is in no worker's interpreter.
//
// To tell may call a user's callbacks. One that blocks, or forks the process, must not do so on the thread of an event loop,
// which is inside of a worker's interpreter: that could not end before the fork then (hazard 16). So the loop leaves here
// what home is to be told, and goes on. A worker has one teller, for all loops that it has one after the other; what ends
// first is told first. The thread starts when there is something to tell for the first time.
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
  Teller() noexcept = default;  // it is to be held by a std::shared_ptr
  Teller(const Teller&) = delete;
  Teller& operator=(const Teller&) = delete;

  // Has home told soon of the end of the task, by Change::kDeliver, after those that were left here before. False: there is
  // no thread for that, and the caller has to see to it. Blocks: no.
  [[nodiscard]] bool tell(TaskPtr task) noexcept AIOI_EXCLUDES(mutex_);
  // Returns when all is told and the thread has ended. Requires: detached, nobody tells any more. Blocks.
  void finish() noexcept AIOI_EXCLUDES(mutex_);

 private:
  [[nodiscard]] bool start() noexcept AIOI_REQUIRES(mutex_);
  // Attaches, so it must be able to unwind (hazard 11).
  void run();
  // What comes next; null: there is nothing more to come. Blocks.
  [[nodiscard]] TaskPtr next() AIOI_EXCLUDES(mutex_);
  // The next one that is there, else null; then `ends` says whether the thread is to end, or to sleep until it is woken.
  [[nodiscard]] TaskPtr look(bool& ends) noexcept AIOI_EXCLUDES(mutex_);

  base::Mutex mutex_;
  TaskList untold_ AIOI_GUARDED_BY(mutex_);
  bool is_asleep_ AIOI_GUARDED_BY(mutex_) = false;  // the thread, or it is about to be: who adds something wakes it
  bool is_finishing_ AIOI_GUARDED_BY(mutex_) = false;
  base::Thread thread_;  // started under the lock; joined by `finish`
  base::Parker parker_;  // the thread's
};

using TellerPtr = std::shared_ptr<Teller>;

}  // namespace aiointerpreters::pool
