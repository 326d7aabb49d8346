// TaskList: tasks, first in, first out. They are linked through themselves, so adding one allocates nothing.
// Owner: the code that has it; the list owns its tasks. Thread: one at a time.
#pragma once

#include <utility>

#include "base/intrusive.h"

namespace aiointerpreters::pool {

class Task;

class TaskList {
 public:
  TaskList() noexcept = default;
  TaskList(TaskList&& other) noexcept : first_(std::exchange(other.first_, nullptr)), last_(other.last_) {}
  TaskList& operator=(TaskList&&) = delete;
  ~TaskList();

  [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
  // The first one. Requires: there is one.
  [[nodiscard]] const Task& front() const noexcept { return *first_; }
  void push(base::IntrusivePtr<Task> task) noexcept;
  void push_front(base::IntrusivePtr<Task> task) noexcept;
  // Adds all tasks of `later` at the end.
  void append(TaskList later) noexcept;
  // Takes the first one out; null if there is none.
  [[nodiscard]] base::IntrusivePtr<Task> pop() noexcept;

 private:
  Task* first_ = nullptr;  // owned, as is each next task
  Task* last_ = nullptr;   // valid if first_ is not null
};

}  // namespace aiointerpreters::pool
