// See task_list.h.
#include "pool/task_list.h"

#include "pool/task.h"

namespace aiointerpreters::pool {

TaskList::~TaskList() {
  while (pop()) {
  }
}

void TaskList::push(TaskPtr task) noexcept {
  Task* const added = task.release();
  added->next_ = nullptr;
  *(first_ == nullptr ? &first_ : &last_->next_) = added;
  last_ = added;
}

void TaskList::push_front(TaskPtr task) noexcept {
  Task* const added = task.release();
  if (first_ == nullptr) last_ = added;
  added->next_ = std::exchange(first_, added);
}

void TaskList::append(TaskList later) noexcept {
  if (later.empty()) return;
  *(first_ == nullptr ? &first_ : &last_->next_) = std::exchange(later.first_, nullptr);
  last_ = later.last_;
}

TaskPtr TaskList::pop() noexcept {
  if (first_ == nullptr) return TaskPtr();
  return TaskPtr::adopt(std::exchange(first_, first_->next_));
}

}  // namespace aiointerpreters::pool
