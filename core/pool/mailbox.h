// Mailbox: tasks on their way to one event loop: those that have ended, to the loop at home that awaits them; those that are
// to begin, to the loop of a worker's interpreter.
//
// Whoever puts the first task into an empty mailbox wakes the loop; the loop takes them all at once. So there is one wake-up
// for each batch, and nobody needs an interpreter to post.
// Owner: shared by the loop's side, which closes it, and the tasks that are to go there. Thread: post and remind by any;
// take and close by one at a time: the loop's, or whoever holds the lock of its port (loop_port.h).
#pragma once

#include <atomic>
#include <chrono>
#include <utility>

#include "base/intrusive.h"
#include "base/mutex.h"
#include "base/wakeup.h"
#include "pool/task_list.h"

namespace aiointerpreters::pool {

// So much of its time an event loop gives to its mail before it goes on with others.
constexpr std::chrono::milliseconds kMailBudget{1};

class Mailbox final : public base::Counted {
 public:
  // `wakeup` may be without a descriptor; then who posts has to wake the loop by other means.
  explicit Mailbox(base::Wakeup wakeup) noexcept : wakeup_(std::move(wakeup)) {}
  ~Mailbox() override { close(); }

  // What becomes readable when there is mail; kNone: nothing does.
  [[nodiscard]] int fd() const noexcept { return fd_; }

  // Once closed, it drops what is posted. False: the loop is to be woken, and the caller has to see to it.
  [[nodiscard]] bool post(base::IntrusivePtr<Task> task) noexcept AIOI_EXCLUDES(mutex_);
  // Wakes the loop once more.
  void remind() noexcept AIOI_EXCLUDES(mutex_);
  // All that has come, first in, first out; the next post wakes the loop again.
  [[nodiscard]] TaskList take() noexcept;
  // Drops what has come and gives the descriptor back.
  void close() noexcept AIOI_EXCLUDES(mutex_);

 private:
  [[nodiscard]] static Task* closed_mark() noexcept;

  std::atomic<Task*> last_{nullptr};  // last in, linked to those before; or the mark of a closed one
  base::Mutex mutex_;                 // keeps the descriptor from being another file's while somebody signals
  base::Wakeup wakeup_ AIOI_GUARDED_BY(mutex_);
  const int fd_ = wakeup_.fd();
};

using MailboxPtr = base::IntrusivePtr<Mailbox>;

}  // namespace aiointerpreters::pool
