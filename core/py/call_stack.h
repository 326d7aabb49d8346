// Python call stacks as plain data, which may leave the interpreter.
// Owner: the caller owns what is returned, unless it says otherwise. Thread: any that is attached as below.
// Requires, for every function: attached to the interpreter that the code runs in. No Python runs, and the code that is
// looked at does not notice. Errors: only std::bad_alloc. No exception stays set.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/call_stack.h"
#include "py/python.h"

namespace aiointerpreters::py {

// Of a longer stack, only the most recent calls are given.
inline constexpr std::size_t kMostFrames = 500;

// The state of that thread in the attached interpreter; null if it has none. Reading the list of states is safe: threads
// leave it only with the GIL, and threads that enter it without the GIL are added at its head.
[[nodiscard]] PyThreadState* state_of_thread(unsigned long thread) noexcept;

// `outermost`: the frame at which the stack begins, if it is there. Null: all frames. (sys._current_frames is not used:
// hazards.md, "Also known".)
[[nodiscard]] base::CallStack call_stack(PyThreadState* state, PyObject* outermost = nullptr);
// A coroutine that does not run now, and the coroutines and generators that it awaits.
[[nodiscard]] base::CallStack coroutine_stack(PyObject* coroutine);
// The frame of a coroutine; null if it has ended. Borrowed: the coroutine keeps it.
[[nodiscard]] PyObject* frame_of_coroutine(PyObject* coroutine);

struct ThreadStack {
  std::string name;  // as `threading` has it; empty if it does not know the thread
  unsigned long thread = 0;
  base::CallStack stack;
};
// All threads that run Python code in the attached interpreter, except those two.
[[nodiscard]] std::vector<ThreadStack> other_call_stacks(unsigned long one, unsigned long other);

}  // namespace aiointerpreters::py
