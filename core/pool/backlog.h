// Backlog: the tasks of a pool that wait for a worker, one queue for each lane, in the order of their submission. Tasks of
// Lane::kLoops wait at their ports instead (loops.h).
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
  [[nodiscard]] std::size_t size(Lane lane) const noexcept { return queue(lane).size(); }
  [[nodiscard]] bool empty(Lane lane) const noexcept { return queue(lane).empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return home_.size() + interpreters_.size(); }

  // Puts the task after all others.
  void add(TaskPtr task) noexcept { queue(task->lane).push(std::move(task), ++last_number_); }
  // Puts back a task that was the first of its lane when it was taken.
  void put_back(TaskPtr task) noexcept { queue(task->lane).push_front(std::move(task)); }
  // The oldest task of that lane; null if there is none.
  [[nodiscard]] TaskPtr pop(Lane lane) noexcept { return queue(lane).pop(); }
  // Whether the oldest task for an interpreter is older than the oldest task of home. Requires: there are both.
  [[nodiscard]] bool interpreters_are_older() const noexcept { return interpreters_.older_than(home_); }
  // Takes out all tasks of that lane except the `kept` oldest ones.
  void take(Lane lane, std::size_t kept, TaskList& into) noexcept { queue(lane).take_behind(kept, into); }

 private:
  [[nodiscard]] TaskQueue& queue(Lane lane) noexcept { return lane == Lane::kHome ? home_ : interpreters_; }
  [[nodiscard]] const TaskQueue& queue(Lane lane) const noexcept { return lane == Lane::kHome ? home_ : interpreters_; }

  TaskQueue home_;
  TaskQueue interpreters_;
  std::uint64_t last_number_ = 0;
};

}  // namespace aiointerpreters::pool
