// See loop_port.h.
#include "pool/loop_port.h"

#include <new>
#include <utility>

namespace aiointerpreters::pool {

bool LoopPort::interrupt(TaskPtr task) noexcept {
  std::shared_ptr<Watcher> watcher;
  try {
    base::Lock lock(mutex_);
    if (closed_) return true;
    cancelled_.push_back(task);
    watcher = watcher_;
  } catch (const std::bad_alloc&) {
    return false;
  }
  mailbox->remind();
  return !watcher || watcher->watch(std::move(task));
}

bool LoopPort::interrupt_all() noexcept {
  stopped_.store(true, std::memory_order_release);
  mailbox->remind();
  return true;
}

TaskList LoopPort::take_all() noexcept {
  base::Lock lock(mutex_);
  TaskList all = std::move(waiting_);
  all.append(mailbox->take());
  return all;
}

void LoopPort::collect() noexcept {
  base::Lock lock(mutex_);
  waiting_.append(mailbox->take());
}

TaskPtr LoopPort::next() noexcept {
  base::Lock lock(mutex_);
  return waiting_.pop();
}

std::vector<TaskPtr> LoopPort::take_cancelled() noexcept {
  base::Lock lock(mutex_);
  return std::exchange(cancelled_, {});
}

void LoopPort::set_watcher(std::shared_ptr<Watcher> watcher) noexcept {
  base::Lock lock(mutex_);
  watcher_ = std::move(watcher);
}

void LoopPort::close() noexcept {
  std::vector<TaskPtr> cancelled;
  base::Lock lock(mutex_);
  closed_ = true;
  cancelled.swap(cancelled_);
  watcher_.reset();
  mailbox->close();
}

}  // namespace aiointerpreters::pool
