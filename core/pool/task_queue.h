// TaskQueue: first in, first out, linked through the tasks themselves, so that queueing allocates nothing.
// Owner: the pool. Thread: any, under the pool's lock.
#pragma once

#include <cstddef>

#include "pool/task.h"

namespace aiointerpreters::pool {

class TaskQueue {
 public:
  TaskQueue() noexcept = default;
  TaskQueue(TaskQueue&& other) noexcept { swap(other); }
  TaskQueue& operator=(TaskQueue&&) = delete;
  ~TaskQueue() {
    while (pop()) {
    }
  }

  [[nodiscard]] bool empty() const noexcept { return head_ == nullptr; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  // `number` tells which of two queues has the older task.
  void push(TaskPtr task, std::uint64_t number) noexcept {
    Task* added = task.release();
    added->next_ = nullptr;
    added->number_ = number;
    *(head_ == nullptr ? &head_ : &tail_->next_) = added;
    tail_ = added;
    ++size_;
  }
  // For a task that was the first one before.
  void push_front(TaskPtr task) noexcept {
    Task* added = task.release();
    if (head_ == nullptr) tail_ = added;
    added->next_ = std::exchange(head_, added);
    ++size_;
  }
  // Requires: neither is empty.
  [[nodiscard]] bool older_than(const TaskQueue& other) const noexcept { return head_->number_ < other.head_->number_; }
  // The oldest task; null if there is none.
  [[nodiscard]] TaskPtr pop() noexcept {
    if (head_ == nullptr) return TaskPtr();
    --size_;
    return TaskPtr::adopt(std::exchange(head_, head_->next_));
  }

 private:
  void swap(TaskQueue& other) noexcept {
    std::swap(head_, other.head_);
    std::swap(tail_, other.tail_);
    std::swap(size_, other.size_);
  }

  Task* head_ = nullptr;
  Task* tail_ = nullptr;  // valid while head_ is not null
  std::size_t size_ = 0;
};

}  // namespace aiointerpreters::pool
