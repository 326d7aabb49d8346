// Threads that Python code has started in an interpreter, and how they are brought to their ends.
// Requires, for every function: attached to it. Errors: none but std::bad_alloc, each does what it can;
// none leaves an exception set.
#pragma once

#include <string>

#include "py/python.h"

namespace aiointerpreters::py {

// Raises SystemExit, which ends threads without a word, in all that `threading` knows of this interpreter but the one with
// this ident, those whose class has `is_spared`, and those of executors that are idle. Runs Python.
void end_other_threads(unsigned long own);

// ---- For an interpreter that is about to end: all threads that have a state of it, but the calling one,
// whoever has started them.
// Requires: no visitor can come (door.h).

// Whether there are any.
[[nodiscard]] bool has_other_threads();
// The same for an interpreter that the calling thread is not attached to, and that nobody can start a thread in.
[[nodiscard]] bool has_threads(PyInterpreterState* interpreter) noexcept;
// Raises SystemExit in each. Runs Python.
void stop_other_threads();
// Has every line of Python code that they run raise it from now on, so that nothing they do about it helps. What traces the
// calling thread is lost.
void stop_other_threads_for_good();
// Their names, separated by commas. Runs Python.
[[nodiscard]] std::string names_of_other_threads();

}  // namespace aiointerpreters::py
