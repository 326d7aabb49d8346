// See teller.h.
#include "pool/teller.h"

#include <new>
#include <utility>

namespace aiointerpreters::pool {

bool Teller::tell(TaskPtr task) noexcept {
  bool wakes = false;
  {
    base::Lock lock(mutex_);
    if (!thread_.running() && !start()) return false;
    untold_.push(std::move(task));
    wakes = std::exchange(is_asleep_, false);
  }
  if (wakes) parker_.unpark();
  return true;
}

bool Teller::start() noexcept {
  try {
    return thread_.start("aioi-teller", [self = shared_from_this()] { self->run(); });
  } catch (const std::bad_alloc&) {
    return false;
  }
}

void Teller::finish() noexcept {
  {
    base::Lock lock(mutex_);
    is_finishing_ = true;
    is_asleep_ = false;
  }
  parker_.unpark();
  if (thread_.running()) thread_.join();
}

void Teller::run() {
  while (const TaskPtr task = next()) {
    task->visit_home_to_settle(Completion::Change::kDeliver);
    if (!thread_.running()) return;  // in the child of a fork by a callback: the rest belongs to the parent
  }
}

TaskPtr Teller::next() {
  for (bool ends = false;;) {
    if (TaskPtr task = look(ends); task || ends) return task;
    parker_.park();
  }
}

TaskPtr Teller::look(bool& ends) noexcept {
  base::Lock lock(mutex_);
  TaskPtr task = untold_.pop();
  ends = !task && is_finishing_;
  is_asleep_ = !task && !ends;
  return task;
}

}  // namespace aiointerpreters::pool
