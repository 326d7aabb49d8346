// FrameBelow: a Python frame at the bottom of a thread that otherwise runs only native code in an interpreter.
//
// CPython 3.15's sampling profiler takes no samples of the whole process if any thread state, of any interpreter, has no
// Python frame (hazard 37). So a worker serves its interpreter below a function of that interpreter. This function only
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

  // Runs `body` in such a frame, or without one if none is needed or it could not be created. `body` returns attached to
  // the same interpreter. It must not run Python code of home: after a fork there, the child would be in a frame of an
  // interpreter that does not exist any more.
  // Runs Python: when `body` returns, the evaluation loop does deferred work (`__del__` of garbage). Exceptions of that
  // work concern no caller, and are dropped.
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
