// Backlog: the tasks of a pool that wait for a worker, one queue for each side, in the order of their submission.
// Owner: the pool. Locks: the pool's guards everything here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "pool/task.h"
#include "pool/task_list.h"
#include "pool/task_queue.h"

namespace aiointerpreters::pool {

class Backlog {
 public:
  using Side = Task::Side;

  [[nodiscard]] std::size_t size(Side side) const noexcept { return queue(side).size(); }
  [[nodiscard]] bool empty(Side side) const noexcept { return queue(side).empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return home_.size() + worker_.size(); }

  // Puts the task behind all others.
  void add(TaskPtr task) noexcept { queue(task->side()).push(std::move(task), ++last_number_); }
  // Puts a task back that was the first of its side when it was taken.
  void put_back(TaskPtr task) noexcept { queue(task->side()).push_front(std::move(task)); }
  // The oldest task of that side; null if there is none.
  [[nodiscard]] TaskPtr pop(Side side) noexcept { return queue(side).pop(); }
  // Whether the oldest task of the worker side came before the oldest one of home's. Requires: neither side is empty.
  [[nodiscard]] bool worker_side_is_older() const noexcept { return worker_.older_than(home_); }
  // Takes out all tasks of that side but the `kept` oldest ones.
  void take(Side side, std::size_t kept, TaskList& into) noexcept { queue(side).take_behind(kept, into); }

 private:
  [[nodiscard]] TaskQueue& queue(Side side) noexcept { return side == Side::kHome ? home_ : worker_; }
  [[nodiscard]] const TaskQueue& queue(Side side) const noexcept { return side == Side::kHome ? home_ : worker_; }

  TaskQueue home_;
  TaskQueue worker_;
  std::uint64_t last_number_ = 0;
};

}  // namespace aiointerpreters::pool
