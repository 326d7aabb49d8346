// Ending: everything that must be done in a worker's interpreter before CPython can end it: things that tasks have left
// behind are finished, and things that would make CPython crash are removed.
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

// Some versions of CPython complain about the stand-in that `threading` makes for a worker's thread. On these, an atexit
// function that runs after all others makes `threading` forget it. Errors: false with an exception set.
[[nodiscard]] bool silence_dummy_thread();

// Waits for the pools that tasks have made, then for the threads that they have left, and calls the exit functions. `module`
// is _left_threads or null: with null, only CPython joins the threads.
// Requires: `interruptible` has begun, so that all of it can be stopped.
void finish_leftovers(codec::Runtime& runtime, const PoolOptions& options, const py::Ref& module);

// Lets no more foreign threads in, waits for those inside, and runs the pending calls. If a thread stays for more than five
// seconds (one, once everything must be stopped), home's log says so, and the thread is left to `stop_left_threads`.
void part_from(py::ForeignThreads& threads, const PoolOptions& options, const std::atomic<bool>& stopped);

// Gives back the objects that were lent to the interpreter. Its own objects that others still use move to home.
void settle_loans(codec::Runtime& runtime, py::ThreadSides& sides, const PoolOptions& options);

// Stops tracemalloc if CPython cannot end an interpreter while it traces. Afterwards the thread is attached to home.
void stop_tracing(py::ThreadSides& sides, const PoolOptions& options);

}  // namespace aiointerpreters::pool
