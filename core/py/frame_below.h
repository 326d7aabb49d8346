// FrameBelow: a Python frame at the bottom of a thread that otherwise runs only native code in an interpreter.
//
// CPython 3.15's sampling profiler takes no sample of the whole process while one thread state, of any interpreter, has no
// Python frame (hazard 37). So a worker serves its interpreter below a function of that interpreter, and this function only
// calls the native loop.
// Owner: the worker's interpreter. Requires: attached to it, for every use, the destructor included.
#pragma once

#include <type_traits>

#include "py/python.h"
#include "py/ref.h"

namespace aiointerpreters::py {

class FrameBelow {
 public:
  // Errors: false with an exception set.
  [[nodiscard]] bool make();
  void clear() { function_.reset(); }

  // Runs `body` in such a frame; without a frame if making one failed or none is needed. `body` returns attached to the same
  // interpreter, and does not run home's Python: a fork there would leave the child in a frame of an interpreter that is
  // gone.
  // Runs Python: on return, the work that the evaluation loop has deferred (`__del__` of garbage). Exceptions of that work
  // concern no caller, and are dropped.
  template <typename Body>
  void run(Body&& body) {
    static_assert(std::is_nothrow_invocable_v<Body&>, "no C++ exception may pass through CPython");
    enter([](void* it) { (*static_cast<std::remove_reference_t<Body>*>(it))(); }, &body);
  }

 private:
  void enter(void (*call)(void*), void* body);

  Ref function_;  // null if no frame is needed
};

}  // namespace aiointerpreters::py
