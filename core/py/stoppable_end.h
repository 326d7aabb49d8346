// StoppableEnd: makes it possible to stop Python code that runs while CPython ends an interpreter, for example finalizers of
// objects in modules. Nobody can visit the interpreter then, because it must have no other thread state (hazard 10). So its
// own thread checks at each line, by a trace function.
#pragma once

#include <atomic>

#include "py/python.h"

namespace aiointerpreters::py {

// From now on until the interpreter has ended, every piece of Python code that this thread runs in it gets SystemExit once
// `stops` is set. `stops` lives until then; any thread may set it, with release. If another trace function is installed,
// nothing is done. Requires: attached to the interpreter, which is about to end. Runs Python. Leaves no exception set.
void begin_stoppable_end(const std::atomic<bool>& stops);

// From now on, SystemExit, which stops threads, is not reported at places where CPython can only report it. Requires,
// errors: the same.
void silence_stops();

}  // namespace aiointerpreters::py
