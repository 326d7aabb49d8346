// Waits of Python code that an exception can cut short: those in `threading.Condition`. Events, semaphores, barriers,
// `queue.Queue` and the futures of the standard library (`wait`, `as_completed`, `result`) use such waits.
//
// CPython raises an exception in another thread at that thread's next bytecode, so a thread that sleeps in a lock never gets
// it. A condition makes a lock for each wait and keeps these locks in a list of waiters. Taking the lock out of the list and
// releasing it wakes that wait and nothing else. A notifier that comes later finds the next waiter.
//
// Each lock is released once. The thread that wakes may own the lock already and still wait for the GIL. A second release
// would take the lock away from it, and CPython's debug builds end the process then.
//
// Locks that the user has made are not touched: releasing one would let two threads in.
#pragma once

#include "py/ref.h"

namespace aiointerpreters::py {

// Wakes the thread whose innermost frame this is, if it waits in a condition. Call it when the exception for this thread has
// been set. Requires: attached to its interpreter. Runs Python. Errors: none; leaves no exception set.
void wake_condition_wait(const Ref& frame);

}  // namespace aiointerpreters::py
