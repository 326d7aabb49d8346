// Interpreters that cannot be ended: threads are in them that nothing stops, since they sleep in C. CPython would not end
// such an interpreter before 3.14, and would free what those threads use from then on (hazard 41). So it stays as it is,
// until its threads have left it by themselves, or the process ends.
//
// Process-wide, because what it is about is: CPython's list of interpreters, which they stay in. One of them outlives its
// worker, its pool, and its home, if that is a worker's interpreter.
// Thread: any. Locks: none, the list is one atomic word.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>

#include "py/foreign_threads.h"
#include "py/python.h"

namespace aiointerpreters::py {

// One of them; made before it is needed, since memory may be short then.
struct Abandoned {
  PyInterpreterState* interpreter = nullptr;
  std::shared_ptr<ForeignThreads> threads;  // who may be inside; null: nobody comes that way
  Abandoned* next = nullptr;                // in the list
};

// Takes charge of it. Requires: nobody but the threads that are in it has a state of that interpreter.
void keep_abandoned(std::unique_ptr<Abandoned> one) noexcept;
// How many there are.
[[nodiscard]] std::size_t count_abandoned() noexcept;

// Ends those that all threads have left. What Python code runs meanwhile ends once `stops` is set. Requires: detached, no
// tracemalloc traces where that spoils ends. Blocks. Runs Python.
void end_deserted(const std::atomic<bool>& stops);

// Ends all, whatever is in them, and runs no code of theirs: the process ends, and nobody will miss what is freed under a
// thread that sleeps. Requires, besides: the calling thread is the one that finalizes the main interpreter; where CPython
// does not end interpreters with threads in them (kEndsUnderThreads), it is so far with it that no other thread attaches any
// more.
void end_all_abandoned();

// In the child of a fork, which has none of them.
void forget_abandoned() noexcept;

}  // namespace aiointerpreters::py
