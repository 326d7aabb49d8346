// Making and ending a worker's interpreter.
// Thread: the worker that it belongs to, from the first call to the last (hazards 5 and 8).
#pragma once

#include <atomic>
#include <string>

#include "py/attach.h"
#include "py/compat.h"

namespace aiointerpreters::py {

class Interpreter {
 public:
  Interpreter() noexcept = default;
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  // Makes an interpreter with a GIL and an allocator of its own (hazard 4).
  // Requires: attached to home. Blocks: home's GIL is released meanwhile, but imports may take it for moments (hazard 8).
  // On success: attached to the new interpreter. Errors: returns why not, and is attached to home again; empty on success.
  [[nodiscard]] std::string create(ThreadSides& sides);

  // Ends it: its atexit functions run and its threads are joined. What Python code runs meanwhile ends once `stops` is set.
  // Requires: every reference to its objects is dropped (hazard 3), no other thread state of it is left (hazard 10).
  // Leaves the thread detached.
  void end(ThreadSides& sides, const std::atomic<bool>& stops);

 private:
  InterpreterGuard guard_;
};

}  // namespace aiointerpreters::py
