// Event loops that sleep in C: those of asyncio in their selector, and others (uvloop). An example is `loop.run_forever` as
// the function of a thread.
//
// An exception that is raised in such a thread comes at its next bytecode (condition_wait.h), so the loop has to be woken.
#pragma once

#include "py/ref.h"

namespace aiointerpreters::py {

// Wakes the thread whose innermost frame this is, if it sleeps in an event loop that can be found from there. Call it when
// the exception for this thread has been set. Requires: attached to its interpreter. Runs Python. Errors: none; leaves no
// exception set.
void wake_loop_wait(const Ref& frame);

}  // namespace aiointerpreters::py
