// Interpreters that cannot be ended, because threads in them sleep in C and nothing stops these threads. CPython before
// 3.14 refuses to end such an interpreter. Later versions would free memory that those threads still use (hazard 41). So
// the interpreter stays unchanged until its threads have left it by themselves, or until the process ends.
//
// The list is process-wide, like CPython's list of interpreters, in which they stay. An abandoned interpreter outlives its
// worker and its pool. It also outlives its home, if home is a worker's interpreter.
// Thread: any. Locks: none, the list is one atomic word.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>

#include "py/foreign_threads.h"
#include "py/python.h"

namespace aiointerpreters::py {

// One abandoned interpreter. The object is created in advance, because memory may be short when it is needed.
struct Abandoned {
  PyInterpreterState* interpreter = nullptr;
  std::shared_ptr<ForeignThreads> threads;  // the foreign threads that may be inside; null: none can come
  Abandoned* next = nullptr;                // in the list
};

// Adds it to the list. Requires: only the threads that are in the interpreter have a state of it.
void keep_abandoned(std::unique_ptr<Abandoned> one) noexcept;
// The number of abandoned interpreters.
[[nodiscard]] std::size_t count_abandoned() noexcept;

// Ends the interpreters that all threads have left. Python code that runs meanwhile ends once `stops` is set. Requires:
// detached; tracemalloc does not trace, if that would corrupt the heap (hazard 17). Blocks. Runs Python.
void end_deserted(const std::atomic<bool>& stops);

// Ends all of them, even with threads in them, and runs no code of theirs. The process is ending, so freeing memory under a
// sleeping thread does no harm. Requires, in addition: the calling thread finalizes the main interpreter. If CPython does
// not end interpreters with threads in them (kEndsUnderThreads), finalization has come so far that no other thread can
// attach.
void end_all_abandoned();

// For the child of a fork, which has no abandoned interpreters.
void forget_abandoned() noexcept;

}  // namespace aiointerpreters::py
