// Left threads: what tasks have started in an interpreter and left behind, and what is still there when all has ended that
// is waited for: daemon threads above all, which CPython leaves alone until the process ends. They are told to end.
//
//   at once        SystemExit is raised in each, and what can be woken is (py/condition_wait.h, py/loop_wait.h);
//   again each second, for
//                  those who have handled it
//   after 4 s      each line of Python that they run raises it
//   after 5 s      who is still there sleeps in C, and is named in home's log
//
// After a stop (Ctrl-C, say) it takes a fifth of that time.
#pragma once

#include <atomic>

#include "pool/pool_options.h"

namespace aiointerpreters::pool {

// Stops them. Returns true when all have left the interpreter, false when that time is over.
// `stopped`: everything is to be stopped.
// Requires: attached to the interpreter, which nobody visits any more and which is about to end. Thread: who ends it.
// Blocks: detached. Runs Python.
[[nodiscard]] bool stop_left_threads(const PoolOptions& options, const std::atomic<bool>& stopped);

}  // namespace aiointerpreters::pool
