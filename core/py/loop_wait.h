// Event loops that sleep in C: asyncio's, in their selector, and others (uvloop). For example, a thread may run
// `loop.run_forever` as its function.
//
// An exception for such a thread is raised only at its next bytecode (condition_wait.h), so the loop has to be woken.
#pragma once

#include "py/ref.h"

namespace aiointerpreters::py {

// Wakes the thread whose innermost frame this is, if it sleeps in an event loop that can be found from there. Call it after
// the exception for this thread has been set. Requires: attached to its interpreter. Runs Python. Errors: none; leaves no
// exception set.
void wake_loop_wait(const Ref& frame);

}  // namespace aiointerpreters::py
