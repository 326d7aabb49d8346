// Ending: everything that must be done in a worker's interpreter before CPython can end it. Work that tasks have left
// behind is finished, and everything that would make CPython crash is removed.
// Requires: attached to that interpreter, for every function; the thread is attached to it again afterwards, unless stated
// otherwise. Thread: the worker's, or the thread that ends the interpreter in its place. Blocks. Runs Python.
#pragma once

#include <atomic>

#include "codec/lessor.h"
#include "codec/runtime.h"
#include "pool/pool_options.h"
#include "py/attach.h"
#include "py/foreign_threads.h"

namespace aiointerpreters::pool {

// Some versions of CPython complain about the dummy thread object that `threading` creates for a worker's thread. On these
// versions, an atexit function, which runs after all others, makes `threading` forget it. Errors: false with an exception
// set.
[[nodiscard]] bool silence_dummy_thread();

// Waits for the pools that tasks have created and for the threads that they have left, and calls the exit functions.
// `module` is _left_threads, or null if it cannot be imported. Then only CPython joins the threads.
// Requires: `interruptible` has begun a stretch, so that all of this can be stopped.
void finish_leftovers(codec::Runtime& runtime, const PoolOptions& options, const py::Ref& module);

// Lets no more foreign threads in, waits for those inside, and runs the pending calls. If a thread stays for more than five
// seconds (one second if everything must be stopped), home's log says so, and `stop_left_threads` handles the thread.
void part_from(py::ForeignThreads& threads, const PoolOptions& options, const std::atomic<bool>& stopped);

// Gives back objects that were lent to the interpreter. If others still use objects of the interpreter, these move to home.
void settle_loans(codec::Runtime& runtime, py::ThreadSides& sides, const PoolOptions& options);

// Stops tracemalloc if CPython cannot end an interpreter while it traces. Afterwards the thread is attached to home.
void stop_tracing(py::ThreadSides& sides, const PoolOptions& options);

}  // namespace aiointerpreters::pool
