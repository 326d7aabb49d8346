// Creates and ends a worker's interpreter.
// Thread: the worker that it belongs to, from the first call to the last (hazards 5 and 8).
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "py/abandoned.h"
#include "py/attach.h"
#include "py/compat.h"
#include "py/foreign_threads.h"

namespace aiointerpreters::py {

class Interpreter {
 public:
  Interpreter() : abandoned_(std::make_unique<Abandoned>()) {}
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  // Creates an interpreter with its own GIL and allocator (hazard 4).
  // Requires: attached to home. Blocks: home's GIL is released meanwhile, but imports may take it for moments (hazard 8).
  // On success, returns an empty text, and the thread is attached to the new interpreter. Errors: returns the reason, and
  // the thread is attached to home again.
  [[nodiscard]] std::string create(ThreadSides& sides);

  // Ends it: its atexit functions run and its threads are joined. Python code that runs meanwhile ends once `stops` is set.
  // If another thread has a state of it, or one of `threads` has not left, it is abandoned instead (abandoned.h).
  // Requires: no references to its objects are left (hazard 3), no visitor can come, and `threads` have been closed once
  // (null: there are none). Afterwards the thread is detached.
  void end(ThreadSides& sides, const std::atomic<bool>& stops, const std::shared_ptr<ForeignThreads>& threads);

 private:
  std::unique_ptr<Abandoned> abandoned_;
  InterpreterGuard guard_;
};

// Stops tracemalloc if CPython cannot end an interpreter while it traces (hazard 17). Returns whether it has stopped it.
// Requires: attached to home. Runs Python. Leaves no exception set.
[[nodiscard]] bool stop_tracing();

}  // namespace aiointerpreters::py
