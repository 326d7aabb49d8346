// StoppableEnd: stops Python code that runs while CPython ends an interpreter, for example finalizers of objects in
// modules. No visitor can enter then, because the interpreter must have no other thread state (hazard 10). So its own
// thread checks at each line, by a trace function.
#pragma once

#include <atomic>

#include "py/python.h"

namespace aiointerpreters::py {

// From now on until the interpreter has ended, all Python code of this thread in it gets SystemExit once `stops` is set.
// `stops` lives until then; any thread may set it, with release. Does nothing if another trace function is installed.
// Requires: attached to the interpreter, which is about to end. Runs Python. Leaves no exception set.
void begin_stoppable_end(const std::atomic<bool>& stops);

// From now on, CPython does not report SystemExit in places where it can only report exceptions. Requires, errors: the
// same.
void silence_stops();

}  // namespace aiointerpreters::py
