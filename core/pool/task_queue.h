// TaskQueue: a list of tasks that knows its length. Two queues can be compared by the age of their oldest task.
// Owner: the pool. Thread: any, under the pool's lock.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "pool/task.h"
#include "pool/task_list.h"

namespace aiointerpreters::pool {

class TaskQueue {
 public:
  TaskQueue() noexcept = default;
  TaskQueue(TaskQueue&& other) noexcept : tasks_(std::move(other.tasks_)), size_(std::exchange(other.size_, 0)) {}
  TaskQueue& operator=(TaskQueue&&) = delete;

  [[nodiscard]] bool empty() const noexcept { return tasks_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  // `number` grows with each task of the pool, so it shows which of two tasks is older.
  void push(TaskPtr task, std::uint64_t number) noexcept {
    task->number_ = number;
    tasks_.push(std::move(task));
    ++size_;
  }
  // For a task that was the first one before it was taken.
  void push_front(TaskPtr task) noexcept {
    tasks_.push_front(std::move(task));
    ++size_;
  }
  // Requires: neither is empty.
  [[nodiscard]] bool older_than(const TaskQueue& other) const noexcept {
    return tasks_.front().number_ < other.tasks_.front().number_;
  }
  // Takes out all tasks except the `kept` oldest ones.
  void take_behind(std::size_t kept, TaskList& into) noexcept {
    const std::size_t size = size_;
    for (std::size_t i = 0; i < size; ++i) {
      (i < kept ? tasks_ : into).push(tasks_.pop());
    }
    size_ = std::min(kept, size);
  }
  // The oldest task; null if there is none.
  [[nodiscard]] TaskPtr pop() noexcept {
    if (!tasks_.empty()) --size_;
    return tasks_.pop();
  }

 private:
  TaskList tasks_;
  std::size_t size_ = 0;
};

}  // namespace aiointerpreters::pool
