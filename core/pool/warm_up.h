// WarmUp: how many interpreters a pool wants although no call needs them yet, and the tasks that wait until that many are
// ready.
//
// Such a task is an ordinary call of an interpreter. It joins the queue of its lane only when the interpreters are ready, or
// as many as there may be. If one of them cannot be created, the task ends. If the pool is closed, it does not wait longer.
// Owner: the pool. Locks: the pool's guards everything here.
#pragma once

#include <cstddef>

#include "pool/task.h"
#include "pool/task_list.h"

namespace aiointerpreters::pool {

class WarmUp {
 public:
  // The number of hosts that the pool should have.
  [[nodiscard]] std::size_t wanted() const noexcept { return wanted_; }

  // The pool never wants fewer hosts than that.
  void keep(std::size_t least) noexcept;
  // The task waits until there are so many ready hosts. Until then, they are wanted.
  void wait(TaskPtr task, std::size_t hosts) noexcept;
  // Takes out the tasks that wait for no more ready hosts than there are.
  void release(std::size_t ready, TaskList& into) noexcept;
  void release_all(TaskList& into) noexcept;

 private:
  std::size_t least_ = 0;
  std::size_t wanted_ = 0;
  TaskList waiting_;  // the number of each is its number of hosts
};

}  // namespace aiointerpreters::pool
