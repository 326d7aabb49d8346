// Waits of Python code that an exception can cut short: those in `threading.Condition`, by which its events, semaphores,
// barriers, `queue.Queue` and the futures of the standard library (`wait`, `as_completed`, `result`) wait.
//
// CPython raises an exception in another thread at that thread's next bytecode, so one that sleeps in a lock never gets it.
// A condition makes a lock for each wait, which only its notifiers know. Who releases it wakes that wait and nothing else,
// and a notifier that comes to it later tells by it that the wait is over, and notifies the next one (gh-92530). User-made
// locks are not touched: to release one would let two threads in.
#pragma once

#include "py/ref.h"

namespace aiointerpreters::py {

// Wakes the thread that the frame is the innermost one of, if it waits in a condition. To be called when the exception that
// it is to get has been set. Requires: attached to its interpreter. Runs Python. Errors: none; leaves no exception set.
void wake_condition_wait(const Ref& frame);

}  // namespace aiointerpreters::py
