// Mailbox: tasks on their way to one event loop: tasks that have ended, to the loop at home that awaits them; tasks that
// will begin, to the loop of a worker's interpreter.
//
// The thread that puts the first task into an empty mailbox wakes the loop, and the loop takes all tasks at once. So there
// is one wake-up for each batch, and posting needs no interpreter.
// Owner: shared by the loop's side, which closes it, and the tasks that will be posted there. Thread: post and remind by
// any; take and close by one at a time: the loop's, or one that holds the lock of its port (loop_port.h).
#pragma once

#include <atomic>
#include <chrono>
#include <utility>

#include "base/intrusive.h"
#include "base/mutex.h"
#include "base/wakeup.h"
#include "pool/task_list.h"

namespace aiointerpreters::pool {

// The time that an event loop gives to its mail before it continues with other callbacks.
constexpr std::chrono::milliseconds kMailBudget{1};

class Mailbox final : public base::Counted {
 public:
  // `wakeup` may be without a descriptor; then the posting thread has to wake the loop by other means.
  explicit Mailbox(base::Wakeup wakeup) noexcept : wakeup_(std::move(wakeup)) {}
  ~Mailbox() override { close(); }

  // The descriptor that becomes readable when there is mail; kNone: there is none.
  [[nodiscard]] int fd() const noexcept { return fd_; }

  // A closed mailbox drops posted tasks. False: the caller has to wake the loop.
  [[nodiscard]] bool post(base::IntrusivePtr<Task> task) noexcept AIOI_EXCLUDES(mutex_);
  // Wakes the loop once more.
  void remind() noexcept AIOI_EXCLUDES(mutex_);
  // Everything that has come, first in, first out; the next post wakes the loop again.
  [[nodiscard]] TaskList take() noexcept;
  // Drops its content and gives the descriptor back.
  void close() noexcept AIOI_EXCLUDES(mutex_);

 private:
  [[nodiscard]] static Task* closed_mark() noexcept;

  std::atomic<Task*> last_{nullptr};  // last in, linked to those before; or the mark of a closed one
  base::Mutex mutex_;                 // keeps the descriptor from belonging to another file while a thread signals
  base::Wakeup wakeup_ AIOI_GUARDED_BY(mutex_);
  const int fd_ = wakeup_.fd();
};

using MailboxPtr = base::IntrusivePtr<Mailbox>;

}  // namespace aiointerpreters::pool
