// LoopPort: where the event loop of a worker's interpreter is reached: coroutine functions that are to begin, and those that
// are to be cancelled. It is there before its loop is, and takes what comes until then.
//
// Owner: shared by the pool, the worker that has the loop, and the tasks that were sent there. Thread: any, where nothing
// else is said.
#pragma once

#include <atomic>
#include <cstddef>
#include <list>
#include <memory>

#include "base/mutex.h"
#include "pool/interrupter.h"
#include "pool/mailbox.h"
#include "pool/task.h"

namespace aiointerpreters::pool {

struct Seat;

class LoopPort final : public Interrupter {
 public:
  LoopPort() : mailbox(std::make_unique<Mailbox>(base::Wakeup::open()).release()) {}
  LoopPort(const LoopPort&) = delete;
  LoopPort& operator=(const LoopPort&) = delete;

  // Of tasks that are to begin.
  const MailboxPtr mailbox;

  // Has the loop cancel the task, which runs there, and the visitor see to it that it ends. Any number of them, until the
  // loop comes to it, wake the loop once.
  bool interrupt(TaskPtr task) noexcept override AIOI_EXCLUDES(mutex_);
  // Has the loop cancel all that it runs, and end.
  bool interrupt_all() noexcept override;
  [[nodiscard]] bool stopped() const noexcept { return stopped_.load(std::memory_order_acquire); }

  // All that is to begin, if it is not to begin any more.
  [[nodiscard]] TaskList take_all() noexcept AIOI_EXCLUDES(mutex_);

  // ---- Thread: the loop's, when it was woken.

  // Takes what has come out of the mailbox.
  void collect() noexcept AIOI_EXCLUDES(mutex_);
  // The next task that is to begin; null if there is none.
  [[nodiscard]] TaskPtr next() noexcept AIOI_EXCLUDES(mutex_);
  // The next task that is to be cancelled; null if there is none.
  [[nodiscard]] TaskPtr next_cancelled() noexcept AIOI_EXCLUDES(mutex_);

  // ---- Thread: the worker's.

  // Who raises in what does not come to an await. Requires: the loop is there.
  void set_visitor(std::shared_ptr<Interrupter> visitor) noexcept AIOI_EXCLUDES(mutex_);
  // The loop has ended: gives the descriptor back and takes nothing any more.
  void close() noexcept AIOI_EXCLUDES(mutex_);

  // The pool's, guarded by its lock.
  std::size_t live = 0;   // tasks that were sent here and have not ended
  Seat* seat = nullptr;   // of the worker that has it, or is about to make its loop; null: nobody yet
  std::size_t place = 0;  // in the heap of loops.h

 private:
  base::Mutex mutex_;  // taken before the mailbox's
  TaskList waiting_ AIOI_GUARDED_BY(mutex_);
  std::list<TaskPtr> cancelled_ AIOI_GUARDED_BY(mutex_);  // to be cancelled, each once; an empty one takes no memory
  bool closed_ AIOI_GUARDED_BY(mutex_) = false;
  std::shared_ptr<Interrupter> visitor_ AIOI_GUARDED_BY(mutex_);
  std::atomic<bool> stopped_{false};  // release / acquire
};

using LoopPortPtr = std::shared_ptr<LoopPort>;

}  // namespace aiointerpreters::pool
