// Left threads: threads that tasks have started in an interpreter and that are still there when everything has ended that
// the interpreter waits for. They are mostly daemon threads, which CPython ignores until the process ends. They are told to
// end.
//
//   at once        SystemExit is raised in each, and what can be woken is (py/condition_wait.h, py/loop_wait.h);
//   again each second, for
//                  those who have handled it
//   after 4 s      each line of Python that they run raises it
// after 5 s      a thread that is still there sleeps in C, and is named in home's log
//
// After a stop (Ctrl-C, for example) each time is a fifth of that.
#pragma once

#include <atomic>

#include "pool/pool_options.h"

namespace aiointerpreters::pool {

// Stops them. Returns true when all have left the interpreter, false when that time is over. `stopped`: everything must be
// stopped.
// Requires: attached to the interpreter, which nobody visits any more and which is about to end. Thread: the one that ends
// it. Blocks: detached. Runs Python.
[[nodiscard]] bool stop_left_threads(const PoolOptions& options, const std::atomic<bool>& stopped);

}  // namespace aiointerpreters::pool
