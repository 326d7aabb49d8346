// See loop_port.h.
#include "pool/loop_port.h"

#include <new>
#include <utility>

#include "pool/glance.h"

namespace aiointerpreters::pool {

bool LoopPort::interrupt(TaskPtr task) noexcept {
  std::shared_ptr<Interrupter> visitor;
  bool is_first = false;
  try {
    base::Lock lock(mutex_);
    if (closed_ || task->cancelling.is_asked) return true;
    is_first = cancelled_.empty();
    cancelled_.push_back(task);
    task->cancelling.is_asked = true;
    if (visitor_ && !std::exchange(task->cancelling.is_watched, true)) visitor = visitor_;
  } catch (const std::bad_alloc&) {
    return false;
  }
  if (is_first) mailbox->remind();  // otherwise the first requester has done it
  if (!visitor || visitor->interrupt(task)) return true;
  base::Lock lock(mutex_);
  task->cancelling.is_watched = false;  // a later request tries again
  return false;
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

TaskPtr LoopPort::next_cancelled() noexcept {
  base::Lock lock(mutex_);
  if (cancelled_.empty()) return TaskPtr();
  TaskPtr task = std::move(cancelled_.front());
  cancelled_.pop_front();
  task->cancelling.is_asked = false;
  return task;
}

void LoopPort::set_visitor(std::shared_ptr<Interrupter> visitor) noexcept {
  base::Lock lock(mutex_);
  visitor_ = std::move(visitor);
}

void LoopPort::close() noexcept {
  std::list<TaskPtr> cancelled;
  base::Lock lock(mutex_);
  closed_ = true;
  cancelled.swap(cancelled_);
  visitor_.reset();
  mailbox->close();
}

void LoopPort::look(std::shared_ptr<Glance> glance) noexcept { glance->refuse(); }

}  // namespace aiointerpreters::pool
