// See loop_port.h.
#include "pool/loop_port.h"

#include <new>
#include <utility>

namespace aiointerpreters::pool {

bool LoopPort::interrupt(TaskPtr task) noexcept {
  std::shared_ptr<Watcher> watcher;
  try {
    base::Lock lock(mutex_);
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

std::vector<TaskPtr> LoopPort::take_cancelled() noexcept {
  base::Lock lock(mutex_);
  return std::exchange(cancelled_, {});
}

void LoopPort::set_watcher(std::shared_ptr<Watcher> watcher) noexcept {
  base::Lock lock(mutex_);
  watcher_ = std::move(watcher);
}

}  // namespace aiointerpreters::pool
