// FrameBelow: a Python frame at the bottom of a thread that an interpreter's native code has to itself.
//
// CPython 3.15's sampling profiler takes no sample of the whole process while one thread state, of whatever interpreter, has
// no Python frame (hazard 37). So a worker serves its interpreter below a function of that interpreter,
// which does nothing but call it.
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

  // Runs `body` in such a frame, or as it is where that failed or where no frame is needed. It returns attached to the same
  // interpreter, and home's Python does not run in it: a fork there would leave the child in a frame of an interpreter that
  // is gone.
  // Runs Python: on the way out, what the evaluation loop has put off (`__del__` of garbage). What is raised there has no
  // one whom it concerns and is dropped.
  template <typename Body>
  void run(Body&& body) {
    static_assert(std::is_nothrow_invocable_v<Body&>, "no C++ exception may pass through CPython");
    enter([](void* it) { (*static_cast<std::remove_reference_t<Body>*>(it))(); }, &body);
  }

 private:
  void enter(void (*call)(void*), void* body);

  Ref function_;  // null where no frame is needed
};

}  // namespace aiointerpreters::py
