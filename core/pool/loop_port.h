// LoopPort: the address of the event loop in a worker's interpreter. It holds coroutine functions that will begin there,
// and those that must be cancelled there. It exists before its loop does, and keeps the tasks that come until then.
//
// Owner: shared by the pool, the worker that has the loop, and the tasks that were sent there. Thread: any, unless stated
// otherwise.
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

  // Tasks that will begin.
  const MailboxPtr mailbox;

  // Makes the loop cancel the task, which runs there, and makes the visitor ensure that it ends. Many requests wake the
  // loop only once, until the loop has handled them.
  bool interrupt(TaskPtr task) noexcept override AIOI_EXCLUDES(mutex_);
  // Makes the loop cancel all its tasks, and end.
  bool interrupt_all() noexcept override;
  // Refuses: the visitor of the same interpreter answers glances.
  void look(std::shared_ptr<Glance> glance) noexcept override;
  [[nodiscard]] bool stopped() const noexcept { return stopped_.load(std::memory_order_acquire); }

  // Takes all tasks that have not begun. They will not begin any more.
  [[nodiscard]] TaskList take_all() noexcept AIOI_EXCLUDES(mutex_);

  // ---- Thread: the loop's, after it was woken.

  // Takes everything in the mailbox.
  void collect() noexcept AIOI_EXCLUDES(mutex_);
  // The next task that will begin; null if there is none.
  [[nodiscard]] TaskPtr next() noexcept AIOI_EXCLUDES(mutex_);
  // The next task that must be cancelled; null if there is none.
  [[nodiscard]] TaskPtr next_cancelled() noexcept AIOI_EXCLUDES(mutex_);

  // ---- Thread: the worker's.

  // Sets the visitor. It raises exceptions in code that does not reach an await. Requires: the loop exists.
  void set_visitor(std::shared_ptr<Interrupter> visitor) noexcept AIOI_EXCLUDES(mutex_);
  // The loop has ended: closes the descriptor and accepts nothing any more.
  void close() noexcept AIOI_EXCLUDES(mutex_);

  // For the pool, guarded by its lock.
  std::size_t live = 0;   // tasks that were sent here and have not ended
  Seat* seat = nullptr;   // of the worker that has, or is about to create, its loop; null: none yet
  std::size_t place = 0;  // in the heap of loops.h

 private:
  base::Mutex mutex_;  // taken before the mailbox's
  TaskList waiting_ AIOI_GUARDED_BY(mutex_);
  std::list<TaskPtr> cancelled_ AIOI_GUARDED_BY(mutex_);  // to be cancelled, each once; an empty list allocates nothing
  bool closed_ AIOI_GUARDED_BY(mutex_) = false;
  std::shared_ptr<Interrupter> visitor_ AIOI_GUARDED_BY(mutex_);
  std::atomic<bool> stopped_{false};  // release / acquire
};

using LoopPortPtr = std::shared_ptr<LoopPort>;

}  // namespace aiointerpreters::pool
