// Left threads: threads that tasks have started in an interpreter, and that still exist when all work that the interpreter
// waits for has ended. Most are daemon threads, which CPython ignores until the process ends. They are made to end:
//
//   at once       SystemExit is raised in each, and waits that can be woken are (py/condition_wait.h, py/loop_wait.h)
//   each second   it is raised again, for threads that have handled it
//   after 4 s     it is raised at each line of Python code that they run
//   after 5 s     a thread that still exists sleeps in C, and home's log names it
//
// After a stop (Ctrl-C, for example) each of these times is a fifth.
#pragma once

#include <atomic>

#include "pool/pool_options.h"

namespace aiointerpreters::pool {

// Stops them. Returns true when all have left the interpreter, false when the time is over. `stopped`: everything must be
// stopped.
// Requires: attached to the interpreter, which is about to end and which no visitor enters any more. Thread: the one that
// ends it. Blocks: detached. Runs Python.
[[nodiscard]] bool stop_left_threads(const PoolOptions& options, const std::atomic<bool>& stopped);

}  // namespace aiointerpreters::pool
