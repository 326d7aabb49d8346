// Event loops of asyncio that sleep in their selector, and others that sleep in C (uvloop): `loop.run_forever` as the
// function of a thread, say.
//
// An exception that is raised in such a thread comes at its next bytecode (condition_wait.h),
// so the loop has to be woken for it.
#pragma once

#include "py/ref.h"

namespace aiointerpreters::py {

// Wakes the thread that the frame is the innermost one of, if it sleeps in an event loop that can be found from there. To be
// called when the exception that it is to get has been set. Requires: attached to its interpreter. Runs Python. Errors:
// none; leaves no exception set.
void wake_loop_wait(const Ref& frame);

}  // namespace aiointerpreters::py
