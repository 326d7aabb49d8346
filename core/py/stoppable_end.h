// StoppableEnd: has Python code that runs while CPython ends an interpreter stop when it is told to: finalizers of what
// modules hold, for one. Nobody can visit the interpreter then, as it must have no other thread state (hazard 10). So its
// own thread looks, line by line, by a trace function.
#pragma once

#include <atomic>

#include "py/python.h"

namespace aiointerpreters::py {

// From now on, until the interpreter has ended, every piece of Python code that this thread runs in it gets SystemExit once
// `stops` is set, which stays until then and is set by any thread, with release. Where somebody traces already, nothing is
// done. Requires: attached to the interpreter, which is about to end. Runs Python. Leaves no exception set.
void begin_stoppable_end(const std::atomic<bool>& stops);

// What stops threads, SystemExit, is not reported from now on where CPython can only report it. Requires, errors: the same.
void silence_stops();

}  // namespace aiointerpreters::py
