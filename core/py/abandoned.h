// Interpreters that cannot be ended, because threads are in them that sleep in C and that nothing stops. CPython before 3.14
// would not end such an interpreter; later versions would free memory that those threads still use (hazard 41). So the
// interpreter stays unchanged until its threads have left it by themselves, or the process ends.
//
// Process-wide, like CPython's list of interpreters, in which they stay. An abandoned interpreter outlives its worker and
// its pool. It also outlives its home, if home is a worker's interpreter.
// Thread: any. Locks: none, the list is one atomic word.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>

#include "py/foreign_threads.h"
#include "py/python.h"

namespace aiointerpreters::py {

// One abandoned interpreter. The object is made before it is needed, because memory may be short then.
struct Abandoned {
  PyInterpreterState* interpreter = nullptr;
  std::shared_ptr<ForeignThreads> threads;  // the foreign threads that may be inside; null: none can come
  Abandoned* next = nullptr;                // in the list
};

// Takes charge of it. Requires: only the threads that are in the interpreter have a state of it.
void keep_abandoned(std::unique_ptr<Abandoned> one) noexcept;
// The number of abandoned interpreters.
[[nodiscard]] std::size_t count_abandoned() noexcept;

// Ends those that all threads have left. Python code that runs meanwhile ends once `stops` is set. Requires: detached;
// tracemalloc does not trace if that spoils ends. Blocks. Runs Python.
void end_deserted(const std::atomic<bool>& stops);

// Ends all of them, whatever is in them, and runs no code of theirs. The process ends, so memory that is freed under a
// sleeping thread does no harm. Requires, besides: the calling thread is the one that finalizes the main interpreter. If
// CPython does not end interpreters with threads in them (kEndsUnderThreads), the finalization is so far that no other
// thread attaches any more.
void end_all_abandoned();

// For the child of a fork, which has no abandoned interpreters.
void forget_abandoned() noexcept;

}  // namespace aiointerpreters::py
