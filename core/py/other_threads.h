// Ends threads that Python code has started in an interpreter.
// Requires, for every function: attached to it. Errors: only std::bad_alloc. Each function does as much as it can, and
// leaves no exception set.
#pragma once

#include <string>

#include "py/python.h"

namespace aiointerpreters::py {

// Raises SystemExit, which ends threads silently, in all threads that `threading` knows in this interpreter. Exceptions:
// the thread with the ident `own`, threads whose class has `is_spared`, and threads of idle executors. Runs Python.
void end_other_threads(unsigned long own);

// ---- For an interpreter that is about to end. These functions mean all threads that have a state of it, except the
// calling one. Requires: no visitor can come (door.h).

// Whether there are any.
[[nodiscard]] bool has_other_threads();
// The same for an interpreter that the calling thread is not attached to, and in which no thread can be started.
[[nodiscard]] bool has_threads(PyInterpreterState* interpreter) noexcept;
// Raises SystemExit in each. Runs Python.
void stop_other_threads();
// From now on raises it at every line of Python code that they run, so that they cannot handle it for good. Removes any
// trace function of the calling thread.
void stop_other_threads_for_good();
// Their names, separated by commas. Runs Python.
[[nodiscard]] std::string names_of_other_threads();

}  // namespace aiointerpreters::py
