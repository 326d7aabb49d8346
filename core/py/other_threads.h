// Threads that Python code has started in an interpreter.
// Requires: attached to it. Runs Python. Errors: none, it does what it can.
#pragma once

namespace aiointerpreters::py {

// Raises SystemExit, which ends threads without a word, in all that `threading` knows of this interpreter but the one with this
// ident, those whose class has `is_spared`, and those of executors that are idle.
void end_other_threads(unsigned long own);

}  // namespace aiointerpreters::py
