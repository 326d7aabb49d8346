// Waits of Python code that an exception can end early: those in `threading.Condition`. Events, semaphores, barriers,
// `queue.Queue` and the futures of the standard library (`wait`, `as_completed`, `result`) use such waits.
//
// CPython raises an exception in another thread at that thread's next bytecode, so a thread that sleeps in a lock does not
// get it. A condition creates a lock for each wait and keeps these locks in a list of waiters. Removing the lock from the
// list and releasing it wakes that wait and nothing else. A notification that comes later goes to the next waiter.
//
// Each lock is released once. After the first release, the waking thread may already own the lock while it still waits for
// the GIL. A second release would take the lock away from it, and CPython's debug builds then end the process.
//
// Locks that the user has created are not touched, because releasing one would let two threads in.
#pragma once

#include "py/ref.h"

namespace aiointerpreters::py {

// Wakes the thread whose innermost frame this is, if it waits in a condition. Call it after the exception for this thread
// has been set. Requires: attached to its interpreter. Runs Python. Errors: none; leaves no exception set.
void wake_condition_wait(const Ref& frame);

}  // namespace aiointerpreters::py
