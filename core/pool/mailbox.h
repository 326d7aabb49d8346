// Mailbox: tasks on their way to one event loop. A loop at home gets tasks that have ended and that it awaits. The loop of
// a worker's interpreter gets tasks that will begin.
//
// The thread that puts the first task into an empty mailbox wakes the loop, and the loop takes all tasks at once. So there
// is one wake-up for each batch. Posting needs no interpreter.
// Owner: shared by the loop's side, which closes it, and the tasks that will be posted there. Thread: any may call post and
// remind. Only one at a time may call take and close: the loop's, or one that holds the lock of its port (loop_port.h).
#pragma once

#include <atomic>
#include <chrono>
#include <utility>

#include "base/intrusive.h"
#include "base/mutex.h"
#include "base/wakeup.h"
#include "pool/task_list.h"

namespace aiointerpreters::pool {

// How long an event loop handles its mail before it continues with other callbacks.
constexpr std::chrono::milliseconds kMailBudget{1};

class Mailbox final : public base::Counted {
 public:
  // If `wakeup` has no descriptor, the posting thread has to wake the loop in another way.
  explicit Mailbox(base::Wakeup wakeup) noexcept : wakeup_(std::move(wakeup)) {}
  ~Mailbox() override { close(); }

  // The descriptor that becomes readable when there is mail; kNone: there is none.
  [[nodiscard]] int fd() const noexcept { return fd_; }

  // A closed mailbox drops posted tasks. False: the caller has to wake the loop.
  [[nodiscard]] bool post(base::IntrusivePtr<Task> task) noexcept AIOI_EXCLUDES(mutex_);
  // Wakes the loop once more.
  void remind() noexcept AIOI_EXCLUDES(mutex_);
  // All tasks, first in, first out. The next post wakes the loop again.
  [[nodiscard]] TaskList take() noexcept;
  // Drops its content and closes the descriptor.
  void close() noexcept AIOI_EXCLUDES(mutex_);

 private:
  [[nodiscard]] static Task* closed_mark() noexcept;

  std::atomic<Task*> last_{nullptr};  // the newest task, linked to the older ones; or the mark of a closed mailbox
  base::Mutex mutex_;                 // prevents the descriptor from being reused for another file while a thread signals
  base::Wakeup wakeup_ AIOI_GUARDED_BY(mutex_);
  const int fd_ = wakeup_.fd();
};

using MailboxPtr = base::IntrusivePtr<Mailbox>;

}  // namespace aiointerpreters::pool
